// How an owner knows that nobody else can write: leases of a Q2-sufficient set (consensus.md §5).
#include <algorithm>
#include <utility>
#include <vector>

#include "core/planted_bug.hpp"
#include "core/proposer.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t confirm_again_ms = 100;

}  // namespace

tick proposer::lease_until() const {
  if (!leases_) return {};
  std::vector<std::pair<tick, unsigned>> grants;  // until when, seat
  for (const auto& [node, session] : sessions_) {
    const auto seat = quorum_.seat_of(node);
    if (!seat) continue;
    if (const tick until = leases_->valid_until(node, session); until.ms)
      grants.emplace_back(until, *seat);
  }
  std::sort(grants.begin(), grants.end(), std::greater<>());
  vote_set protecting;
  for (const auto& [until, seat] : grants) {
    protecting.add(seat);
    if (quorum_.has_q2(protecting) || planted(bug::lease_of_one_node)) return until;
  }
  return {};
}

void proposer::renew_lease(clock_reading at, proposer_effects& out) {
  if (!leases_ || stage_ != stage::serving || at.now < confirmed_at_ + confirm_again_ms) return;
  // An acceptor that dropped this process somewhere counts from then on in a new session; it
  // protects this log again when it has answered in it.
  const bool any = std::any_of(config_.seats.begin(), config_.seats.end(), [&](const auto& seat) {
    const auto known = sessions_.find(seat.node);
    const auto confirmed = known == sessions_.end() ? 0 : known->second;
    return leases_->session(seat.node) > confirmed && is_reachable(seat.node);
  });
  if (any) confirm(at, out);
}

}  // namespace atlas::core
