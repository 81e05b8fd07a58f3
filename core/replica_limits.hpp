// How much of a log a replica keeps behind its applied slot, and how it hands out snapshots. The
// shells pass these in: a simulated node keeps a few slots, a real one what a follower that was
// away for some minutes needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atlas::core {

struct replica_limits {
  /// Applied entries are kept until there are so many behind them, in slots or in bytes.
  std::uint64_t keep_slots = 100'000;
  std::uint64_t keep_bytes = std::uint64_t{64} << 20;
  std::uint64_t keep_ms = 86'400'000;   ///< and not longer than this, however few there are
  std::size_t chunk_bytes = 256 << 10;  ///< a part of a snapshot ends with the row that passes it
  std::size_t views_max = 4;            ///< transfers served at once
  std::uint64_t view_idle_ms = 10'000;  ///< a transfer that nobody asks for ends
  std::uint64_t view_life_ms = 86'400'000;  ///< and so does one that takes for ever
};

}  // namespace atlas::core
