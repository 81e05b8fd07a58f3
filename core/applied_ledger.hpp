// What the owner hears about how far each node has durably applied the log, and the slot that may
// be truncated for it: a Q2 of the configuration holds everything up to there (consensus.md §7).
#pragma once

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/grid_quorum.hpp"
#include "core/ids.hpp"

namespace atlas::core {

class applied_ledger {
 public:
  void note(node_id node, slot applied) {
    auto& known = applied_[node];
    known = std::max(known, applied);
  }

  /// The highest slot that a Q2 of `quorum` has durably applied.
  [[nodiscard]] slot stable(const grid_quorum& quorum) const {
    std::vector<std::pair<slot, unsigned>> seats;
    for (const auto& [node, at] : applied_)
      if (const auto seat = quorum.seat_of(node)) seats.emplace_back(at, *seat);
    std::sort(seats.rbegin(), seats.rend());
    vote_set hold;
    for (const auto& [at, seat] : seats) {
      hold.add(seat);
      if (quorum.has_q2(hold)) return at;
    }
    return {};
  }

 private:
  std::map<node_id, slot> applied_;
};

}  // namespace atlas::core
