// Phase-1 and phase-2 quorums on the grid of zones (consensus.md §2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/configuration.hpp"
#include "core/ids.hpp"
#include "core/planted_bug.hpp"
#include "core/result.hpp"

namespace atlas::core {

/// A set of acceptors of one configuration, by seat index.
struct vote_set {
  std::uint64_t bits = 0;
  void add(unsigned seat) { bits |= std::uint64_t{1} << seat; }
  [[nodiscard]] bool has(unsigned seat) const { return (bits >> seat) & 1; }
};

/// Sizes of the phase-1 (Q1) and phase-2 (Q2) quorums of a log on a grid of zones.
///
/// Shape   zones z = 1..Z of n_z >= 1 acceptors each, of any size, 64 acceptors at most.
///         Q2 = need2(z) = max(1, n_z - fn) acceptors in each of fz + 1 zones.
///         Q1 = need1(z) = n_z + 1 - need2(z) acceptors in each of Z - fz zones.
/// Safety  Any Q1 meets any Q2: the zone counts sum to Z + 1, so one zone is shared; in it the
///         acceptor counts sum to n_z + 1, so one acceptor is shared.
/// Errors  errc::bad_topology naming the zone and the number, if fz >= Z or fn >= n_z somewhere.
/// Cost    O(seats) per question, no allocation; pure.
/// Source  Ailijiang et al., "WPaxos" (arXiv 1703.08905), flexible grid quorums.
/// Tests   tests/core/grid_quorum_test.cpp enumerates every grid up to 4 x 4.
class grid_quorum {
 public:
  static result<grid_quorum> make(const configuration& c);
  /// Of one that a log holds: it was legal when it was proposed.
  static grid_quorum of_logged(const configuration& c);

  [[nodiscard]] std::optional<unsigned> seat_of(node_id node) const;
  [[nodiscard]] bool has_q1(vote_set votes) const { return zones_with(votes, true) >= q1_zones(); }
  [[nodiscard]] bool has_q2(vote_set votes) const { return zones_with(votes, false) >= q2_zones(); }
  [[nodiscard]] vote_set votes_of(const std::vector<node_id>& nodes) const;

  /// "commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3", for a set that misses Q2.
  [[nodiscard]] std::string describe_q2(vote_set reachable) const;
  /// "taking over needs ...", the same for Q1.
  [[nodiscard]] std::string describe_q1(vote_set reachable) const;

  /// A smallest Q1 (Q2) as node ids: the zones and nodes that come first in seat order, starting
  /// with `near`'s zone for Q2 and ending with it for Q1.
  [[nodiscard]] std::vector<node_id> example_q1(const std::string& near) const;
  [[nodiscard]] std::vector<node_id> example_q2(const std::string& near) const;

 private:
  struct zone_shape {
    std::string name;
    std::uint64_t mask = 0;
    unsigned size = 0;
    unsigned need1 = 0;
    unsigned need2 = 0;
  };

  [[nodiscard]] unsigned zones_with(vote_set votes, bool phase1) const;
  [[nodiscard]] unsigned q1_zones() const {
    const auto zones = static_cast<unsigned>(zones_.size()) - fz_;
    return planted(bug::q1_one_zone_less) && zones > 1 ? zones - 1 : zones;
  }
  [[nodiscard]] unsigned q2_zones() const {
    return planted(bug::q2_one_zone_less) && fz_ > 0 ? fz_ : fz_ + 1;
  }
  [[nodiscard]] std::string describe(vote_set reachable, bool phase1) const;
  [[nodiscard]] std::vector<node_id> example(const std::string& near, bool phase1) const;

  std::vector<zone_shape> zones_;
  std::vector<node_id> seats_;
  unsigned fz_ = 0;
};

/// Turns "auto" into numbers for these seats (consensus.md §2): fn = floor((min n_z - 1) / 2),
/// fz = 0 with fewer than 3 zones, else 1. Numbers that were given are kept as they are.
[[nodiscard]] configuration resolve_tolerances(configuration c, const tolerance_policy& wanted);

}  // namespace atlas::core
