// How many chunks of large values an owner has in flight, each a slot of its own. Where slots are
// chosen at once, more of them share the syncs of a disk; where they wait, for a disk or a line
// that is full, more of them only stand in the way of other tables.
#pragma once

#include <algorithm>
#include <cstdint>

namespace atlas::core {

class chunk_window {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A chunk was chosen `age_ms` milliseconds after it was sent.
  void note(std::uint64_t age_ms) {
    size_ = age_ms <= at_once_ms ? std::min(size_ + 1, most) : std::max(size_ - 1, least);
  }

  static constexpr std::uint64_t least = 4;
  /// As many as one upload has on its way.
  static constexpr std::uint64_t most = 32;
  static constexpr std::uint64_t at_once_ms = 8;

 private:
  std::uint64_t size_ = least;
};

}  // namespace atlas::core
