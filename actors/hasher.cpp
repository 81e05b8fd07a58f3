#include "actors/hasher.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/chunk_name.hpp"
#include "core/check.hpp"

namespace atlas::actors {
namespace {

// While small writes go on, a part goes on every so often: 21 MB a second. Each takes a share of
// the processor and of the disk for some hundred microseconds, and most small writes meet none.
constexpr std::uint64_t pace_us = 12'000;

}  // namespace

hasher::hasher(caf::actor_config& config, std::shared_ptr<board> where)
    : metered(config, where->meters(), "hasher"), board_(std::move(where)) {}

hasher_actor::behavior_type hasher::make_behavior() {
  return {[this](hash_job& job) { hash(job); },
          [this](const hash_end& end) { uploads_.erase(end.upload); },
          [this](tick_message) { on_turn(); }};
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

void hasher::give(hashed_part&& part) {
  const auto now = monotonic_us();
  if (part.is_up && (!paced_.empty() || board_->small.go_on(now))) {
    paced_.push_back(std::move(part));
    if (paced_.size() == 1) wait_for_turn(now);
    return;
  }
  hand_on(std::move(part));
}

void hasher::hand_on(hashed_part&& part) {
  board_->requests->on_hashed(part.ticket, part.is_up, std::move(part.name), std::move(part.bytes));
}

/// One goes on, or all if nobody is in their way any more.
void hasher::on_turn() {
  const auto now = monotonic_us();
  next_us_ = now + pace_us;
  ATLAS_CHECK(!paced_.empty(), "a turn is somebody's");
  do {
    hand_on(std::move(paced_.front()));
    paced_.pop_front();
  } while (!paced_.empty() && !board_->small.go_on(now));
  if (!paced_.empty()) wait_for_turn(now);
}

void hasher::wait_for_turn(std::uint64_t now) {
  delayed_send(this, std::chrono::microseconds(std::max(now, next_us_) - now), tick_message{});
}

}  // namespace atlas::actors
