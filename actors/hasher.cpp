#include "actors/hasher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/chunk_name.hpp"

namespace atlas::actors {
namespace {

// Small writes count so long; a client that waits for each answer is seen all the time.
constexpr std::uint64_t busy_us = 100'000;
// Then a part goes on every so often: 8 MB a second. Each delays what is written with it by a few
// hundred microseconds, and most small writes meet none.
constexpr std::uint64_t pace_us = 16'000;

}  // namespace

hasher::hasher(caf::actor_config& config, std::shared_ptr<board> where)
    : metered(config, where->meters(), "hasher"), board_(std::move(where)) {}

hasher_actor::behavior_type hasher::make_behavior() {
  return {[this](hash_job& job) { hash(job); },
          [this](const hash_end& end) { uploads_.erase(end.upload); },
          [this](hash_done& part) {
            board_->requests->on_hashed(part.ticket, part.is_up, std::move(part.name),
                                        std::move(part.bytes));
          }};
}

void hasher::hash(hash_job& job) {
  auto place = std::move(job.place);
  if (job.upload) {
    auto& next = uploads_[job.upload];
    place.before = std::move(next.before);
    place.offset = next.offset;
  }
  const auto chunk = std::string_view(*job.bytes).substr(job.from);
  auto name = chunk_name(place, chunk);
  if (job.upload && place.is_last)
    uploads_.erase(job.upload);
  else if (job.upload)
    uploads_[job.upload] = {name, place.offset + chunk.size(), false};
  give({job.ticket, job.upload != 0, std::move(name), std::move(job.bytes)});
}

void hasher::give(hash_done&& part) {
  const auto now = monotonic_us();
  if (!part.is_up || !is_busy(now))
    return board_->requests->on_hashed(part.ticket, part.is_up, std::move(part.name),
                                       std::move(part.bytes));
  const auto due = std::max(now, next_us_);
  next_us_ = due + pace_us;
  delayed_send(this, std::chrono::microseconds(due - now), std::move(part));
}

bool hasher::is_busy(std::uint64_t now) const {
  return now < board_->small_write_us.load(std::memory_order_relaxed) + busy_us;
}

}  // namespace atlas::actors
