// Whom an owner asks first when it is thrifty (consensus.md §2): the set of acceptors that answers
// soonest and is enough. Distance only chooses whom to ask, never how many are enough.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/configuration.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// Smoothed round-trip times in microseconds by node, as the shell measures them.
using round_trips = std::map<node_id, std::uint64_t>;

struct near_set {
  std::vector<node_id>
      nodes;                  ///< a Q2 without a node too many, in seat order; empty: there is none
  std::uint64_t wait_us = 0;  ///< the longest round trip in it
};

/// The Q2 of `c` among `reachable` whose slowest member is nearest. A node without a measured round
/// trip counts as the farthest; `self` is at distance 0.
[[nodiscard]] near_set nearest_q2(const configuration& c, const round_trips& distance,
                                  const std::vector<node_id>& reachable, node_id self);

}  // namespace atlas::core
