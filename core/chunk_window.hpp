// How many chunks of large values an owner has in flight, each a slot of its own. Where more of
// them take no longer, they share the syncs of a disk and the way to far quorums; where they begin
// to wait for each other, at a disk or a line that is full, more of them only stand in the way of
// other tables. The rule is that of TCP Vegas (Brakmo and Peterson 1995): the delay that is there
// anyway is the least one seen lately, and what is above it is made by the queue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace atlas::core {

class chunk_window {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A chunk is sent beside `others` in flight. What the window was says little about what comes
  /// after a pause.
  void sent(std::size_t others, std::uint64_t now_ms) {
    if (others == 0 && chosen_ms_ && now_ms > chosen_ms_ + pause_ms)
      size_ = std::max(size_ / 2, least);
  }
  /// A chunk was chosen `age_ms` milliseconds after it was sent, as one of `in_flight`. That it was
  /// fast says something of the window only if that was full.
  void chosen(std::uint64_t age_ms, std::size_t in_flight, std::uint64_t now_ms) {
    note_age(age_ms, now_ms);
    const bool is_late = age_ms > least_age_ + std::max(queue_ms, least_age_ / 4);
    if (is_late)
      size_ = std::max(size_ - 1, least);
    else if (in_flight >= size_)
      size_ = std::min(size_ + 1, most);
    learn_longer_way(is_late && in_flight == 1, age_ms);
  }

  static constexpr std::uint64_t least = 1;
  /// As many have the uploads of a node on their way.
  static constexpr std::uint64_t most = 24;
  /// So long a chunk may take beyond the least.
  static constexpr std::uint64_t queue_ms = 12;
  static constexpr std::uint64_t pause_ms = 50;
  /// The least age is that of this time and of the one before: ways change.
  static constexpr std::uint64_t memory_ms = 30'000;
  /// So many chunks in a row that were late though each went alone tell that the way is longer.
  static constexpr std::uint64_t lonely_max = 16;

 private:
  void note_age(std::uint64_t age_ms, std::uint64_t now_ms) {
    if (now_ms >= since_ms_ + memory_ms) {
      least_age_ = next_least_;
      next_least_ = age_ms;
      since_ms_ = now_ms;
    }
    least_age_ = std::min(least_age_, age_ms);
    next_least_ = std::min(next_least_, age_ms);
    chosen_ms_ = now_ms;
  }

  void learn_longer_way(bool is_lonely, std::uint64_t age_ms) {
    if (!is_lonely) {
      lonely_ = 0;
      return;
    }
    lonely_least_ = lonely_ ? std::min(lonely_least_, age_ms) : age_ms;
    if (++lonely_ < lonely_max) return;
    least_age_ = next_least_ = lonely_least_;
    lonely_ = 0;
  }

  std::uint64_t size_ = 2;
  std::uint64_t chosen_ms_ = 0;  ///< when one was chosen last; 0: none was
  std::uint64_t least_age_ = ~std::uint64_t{0};
  std::uint64_t next_least_ = ~std::uint64_t{0};
  std::uint64_t since_ms_ = 0;
  std::uint64_t lonely_ = 0;  ///< so many in a row
  std::uint64_t lonely_least_ = 0;
};

}  // namespace atlas::core
