// One thread sleeps until half of a bulk is used up, then makes another bulk.
#include "storage/family_pool.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace atlas::storage {

family_pool::family_pool(std::shared_ptr<database> disk, std::vector<family_number> spare,
                         std::size_t in_use)
    : disk_(std::move(disk)), spare_(spare.begin(), spare.end()), in_use_(in_use) {
  thread_ = std::thread([this] { refill(); });
}

family_pool::~family_pool() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::size_t family_pool::bulk() const {
  // A spare family costs about 70 KB of memory; a bulk costs time in proportion to all families.
  return std::clamp<std::size_t>(in_use_ / 8, 8, 64);
}

family_number family_pool::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !spare_.empty() || broken_; });
  ATLAS_CHECK(!spare_.empty(), "a failed store gives no families");
  const family_number number = spare_.front();
  spare_.pop_front();
  ++in_use_;
  lock.unlock();
  changed_.notify_all();
  return number;
}

void family_pool::refill() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || spare_.size() < bulk() / 2; });
    if (stopping_) return;
    const std::size_t count = bulk();
    lock.unlock();
    const auto made = disk_->create_families(count);
    lock.lock();
    spare_.insert(spare_.end(), made.begin(), made.end());
    broken_ = made.empty();
    changed_.notify_all();
    if (broken_) return;
  }
}

}  // namespace atlas::storage
