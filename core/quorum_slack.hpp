// How far a table is from standing still: for every zone how many acceptors answer and how many a
// commit needs there, and in one sentence what the next loss does. Health only explains here; it
// never changes how many votes are enough (consensus.md §2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/configuration.hpp"

namespace atlas::core {

struct zone_slack {
  std::string zone;
  std::uint32_t nodes = 0;   ///< acceptors in this zone
  std::uint32_t answer = 0;  ///< of these, how many are reachable
  std::uint32_t need = 0;    ///< need2: how many make the zone count in a commit
  std::vector<node_id> silent;
};

struct quorum_slack {
  std::vector<zone_slack> zones;
  std::uint32_t zones_needed = 0;  ///< zones that must have what they need
  std::string next_loss;           ///< a sentence for the person who asks
};

/// `c` is a legal configuration; `reachable` may name nodes without a seat.
[[nodiscard]] quorum_slack slack_of(const configuration& c, const std::vector<node_id>& reachable);

}  // namespace atlas::core
