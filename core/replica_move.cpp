// The receiving side of a move (consensus.md §6): the replica decides whether this process goes on
// under a ballot that was handed to it, because it alone knows what was promised and seen here. All
// of it is volatile: a hand-off is for one start of one node, so a restart makes late copies void.
#include <algorithm>

#include "core/planted_bug.hpp"
#include "core/replica.hpp"

namespace atlas::core {

void replica::on_move_offer(process from, const move_offer& m, replica_effects& out) {
  learn(from, m.by, m.watermark, out);
  out.now.push_back({from.node, move_ready{log_, m.by, m.gen, watermark_}});
}

void replica::on_hand_off(process from, const hand_off& m, replica_effects& out) {
  const std::pair offered{m.by, m.gen};
  const ballot seen = std::max(promised_, heard_by_);
  // For an earlier start of this node, or overtaken: nobody will ever take it now.
  const bool other = m.to != self_ && !planted(bug::hand_off_to_any_boot);
  // Only the giver counts under this ballot: what is known chosen above its count is of a higher
  // one, and so is a newer configuration. The heir's own value there must never be called chosen.
  const bool newer = active_.epoch > m.active.epoch;
  const bool overtaken = offered > taken_ && (watermark_ > m.chosen() || newer);
  const bool beaten = (seen > m.by && !planted(bug::hand_off_below_promise)) || overtaken;
  if (other || beaten) {
    out.held.push_back(
        {from.node, nack{log_, m.by, nack_reason::ballot_below, seen, active_.epoch}});
    return;
  }
  const bool again = offered == taken_ && !planted(bug::hand_off_taken_twice);
  if (offered < taken_ && !planted(bug::hand_off_taken_twice)) return;  // of a tenure long past
  taken_ = offered;
  // What this copy voted for under the ballot is chosen now; the rest is asked for.
  learn(from, m.by, m.chosen(), out);
  if (!again) out.taken = taken_log{m, from.node, watermark_, last_stamp_};
  if (watermark_ >= m.chosen())
    out.now.push_back({from.node, move_ready{log_, m.by, m.gen, watermark_}});
}

}  // namespace atlas::core
