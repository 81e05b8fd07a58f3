// One priority queue by (due, order of calls). A lane's due times never decrease, which is all that
// FIFO per lane needs.
#include "net/delay_line.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace atlas::net {

delay_line::delay_line() : thread_([this] { run(); }) {}

delay_line::~delay_line() {
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void delay_line::run_after(std::uint64_t lane, std::chrono::microseconds delay,
                           std::function<void()> deliver) {
  const auto wished = clock::now() + delay;
  bool is_first = false;
  {
    const std::lock_guard guard{mutex_};
    lane_state& state = lanes_[lane];
    const auto due = state.waiting == 0 ? wished : std::max(wished, state.last_due);
    state.last_due = due;
    ++state.waiting;
    is_first = items_.empty() || due < items_.top().due;
    items_.push({due, next_number_++, lane, std::move(deliver)});
  }
  // A later item changes nothing for a thread that already sleeps until an earlier one.
  if (is_first) changed_.notify_one();
}

void delay_line::run() {
  // The kernel may round sleeps up by 50 us to save wake-ups; these are to be exact.
  prctl(PR_SET_TIMERSLACK, 1UL);
  std::unique_lock guard{mutex_};
  while (!stopping_) {
    if (items_.empty()) {
      changed_.wait(guard);
      continue;
    }
    const auto due = items_.top().due;
    const auto now = clock::now();
    if (due > now) {
      changed_.wait_until(guard, due);
      continue;
    }
    auto ready = take_due(now);
    guard.unlock();
    for (auto& deliver : ready) deliver();
    ready.clear();  // what the callees own is let go outside the lock
    guard.lock();
  }
}

std::vector<std::function<void()>> delay_line::take_due(clock::time_point now) {
  std::vector<std::function<void()>> ready;
  while (!items_.empty() && items_.top().due <= now) {
    // priority_queue shows its top as const only because moving from it could break the order; it
    // is removed in the next line.
    ready.push_back(std::move(const_cast<item&>(items_.top()).deliver));
    const auto lane = lanes_.find(items_.top().lane);
    if (--lane->second.waiting == 0) lanes_.erase(lane);
    items_.pop();
  }
  return ready;
}

}  // namespace atlas::net
