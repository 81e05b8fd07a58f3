// How much a follower that fell behind asks for at once. Whoever answers reads it from disk in the
// middle of its other work, votes included, so parts are small while answers come fast; where they
// take long (across a WAN) the parts grow, or the follower would never catch up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace atlas::core {

class fetch_pace {
 public:
  static constexpr std::uint64_t bytes_min = 64 << 10;
  static constexpr std::uint64_t bytes_max = 512 << 10;

  /// For the next part.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// A part arrived that taught something.
  void on_part() { ++parts_; }
  /// Every 50-100 ms.
  void on_tick() {
    if (parts_ > 0 && parts_ < few) bytes_ = std::min(bytes_ * 2, bytes_max);
    if (parts_ > many) bytes_ = std::max(bytes_ / 2, bytes_min);
    parts_ = 0;
  }

 private:
  // Per tick: fewer mean that the way is what takes the time, more that it costs nothing.
  static constexpr unsigned few = 4;
  static constexpr unsigned many = 8;

  std::uint64_t bytes_ = bytes_min;
  unsigned parts_ = 0;
};

}  // namespace atlas::core
