// The simulated world's only clock: events in time order, ties in the order they were pushed. All
// randomness and all time of a run come from here and from one seed, so a seed is a whole run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/running_hash.hpp"

namespace atlas::sim {

class event_queue {
 public:
  using action = std::function<void()>;

  void push(std::uint64_t at_us, action what) {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(actions_.size());
      actions_.push_back(std::move(what));
    } else {
      place = free_.back();
      free_.pop_back();
      actions_[place] = std::move(what);
    }
    heap_.push_back({std::max(at_us, now_), pushed_++, place});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  /// Runs the next event; false if there is none.
  bool step() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const item next = heap_.back();
    heap_.pop_back();
    now_ = next.at;
    digest_ = core::hash_step(core::hash_step(digest_, next.at), next.number);
    const action what = std::exchange(actions_[next.place], nullptr);
    free_.push_back(next.place);
    what();
    return true;
  }

  /// Microseconds since the world began.
  [[nodiscard]] std::uint64_t now() const { return now_; }
  /// Mixes something that happened into the run's hash.
  void note(std::uint64_t word) { digest_ = core::hash_step(digest_, word); }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t pushed() const { return pushed_; }

 private:
  struct item {
    std::uint64_t at;
    std::uint64_t number;
    std::uint32_t place;
  };
  static bool later(const item& a, const item& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  std::vector<item> heap_;
  std::vector<action> actions_;
  std::vector<std::uint32_t> free_;
  std::uint64_t now_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t digest_ = 0;
};

}  // namespace atlas::sim
