// Ballots order all attempts to own a log. The node id is part of the ballot, so two nodes can
// never hold the same one (consensus.md §1).
#pragma once

#include <compare>
#include <cstdint>

#include "core/ids.hpp"
#include "core/planted_bug.hpp"

namespace atlas::core {

/// `(round, node)`, ordered lexicographically; round 0 means "no ballot".
struct ballot {
  std::uint64_t round = 0;
  node_id node;

  friend auto operator<=>(const ballot&, const ballot&) = default;
  explicit operator bool() const { return round != 0; }
};

/// The lowest ballot of `node` above `seen`.
inline ballot next_ballot(ballot seen, node_id node) {
  return {seen.round + 1, planted(bug::ballot_without_node) ? node_id{1} : node};
}

}  // namespace atlas::core
