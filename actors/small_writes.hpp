// Whether small writes go on at a node: while they do, uploads hold back (actors/hasher.hpp).
#pragma once

#include <atomic>
#include <cstdint>

namespace atlas::actors {

/// Thread-safe. Times are microseconds of one clock.
class small_writes {
 public:
  /// One was applied. A single one, such as that which makes a table, holds nobody back.
  void note(std::uint64_t now_us) {
    const auto before = last_us_.exchange(now_us, std::memory_order_relaxed);
    if (before && now_us < before + gap_us)
      until_us_.store(now_us + gap_us, std::memory_order_relaxed);
  }
  [[nodiscard]] bool go_on(std::uint64_t now_us) const {
    return now_us < until_us_.load(std::memory_order_relaxed);
  }

  /// Between the writes of a client that waits for each answer there is much less; this protects
  /// those, too, that write a few times a second.
  static constexpr std::uint64_t gap_us = 250'000;

 private:
  std::atomic<std::uint64_t> last_us_{0};
  std::atomic<std::uint64_t> until_us_{0};
};

}  // namespace atlas::actors
