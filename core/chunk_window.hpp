// How many chunks of large values an owner has in flight, each a slot of its own. Where slots are
// chosen at once, more of them share the syncs of a disk; where they wait, for a disk or a line
// that is full, more of them only stand in the way of other tables.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace atlas::core {

class chunk_window {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A chunk is sent beside `others` in flight. One that goes alone needs no window, and what
  /// the window was says little about what comes after a pause.
  void sent(std::size_t others) {
    if (others == 0) size_ = std::max(size_ / 2, least);
  }
  /// A chunk was chosen `age_ms` milliseconds after it was sent, as one of `in_flight`. That
  /// it was fast says something of the window only if that was full.
  void chosen(std::uint64_t age_ms, std::size_t in_flight) {
    if (age_ms > at_once_ms)
      size_ = std::max(size_ - 1, least);
    else if (in_flight >= size_)
      size_ = std::min(size_ + 1, most);
  }

  static constexpr std::uint64_t least = 2;
  /// As many as the uploads of a node have on their way (net/blob_transfer.hpp).
  static constexpr std::uint64_t most = 24;
  static constexpr std::uint64_t at_once_ms = 8;

 private:
  std::uint64_t size_ = least;
};

}  // namespace atlas::core
