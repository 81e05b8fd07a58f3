#include "core/lease.hpp"

#include <algorithm>

#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

// Ticks are rounded down. The granter's clock may show the end of a lease almost a millisecond
// early, and its reading of the start may be as much too early.
constexpr std::uint64_t rounding_ms = 2;
constexpr std::size_t refusals_max = 1'000;

}  // namespace

lease_ledger::lease_ledger(process self, lease_terms terms, tick started, std::uint64_t wait_ms)
    : self_(self),
      terms_(terms),
      no_phase_1_before_(wait_ms ? started + wait_ms + rounding_ms : tick{}),
      // Above every session of an earlier process of this node.
      last_session_(self.boot.value << 32) {
  if (planted(bug::lease_wait_skipped)) no_phase_1_before_ = {};
}

lease_ledger::account& lease_ledger::of(process p) {
  const auto [found, fresh] = accounts_.try_emplace(p);
  if (fresh) found->second.session = ++last_session_;
  return found->second;
}

lease_grant lease_ledger::on_heartbeat(process asker, tick now) {
  // Earlier processes of that node are gone; what they were granted may still have to run out.
  std::erase_if(accounts_, [&](const auto& a) {
    return a.first.node == asker.node && a.first.boot < asker.boot && a.second.until <= now;
  });
  auto& a = of(asker);
  a.until = std::max(a.until, now + terms_.duration_ms + rounding_ms);
  lease_grant grant{a.session, terms_.duration_ms, std::move(a.refusals)};
  a.refusals.clear();
  return grant;
}

std::uint64_t lease_ledger::release_or_wait(process holder, const held_tenure& held,
                                            node_id candidate, bool others_before, tick now) {
  if (planted(bug::lease_ignored)) return 0;
  if (others_before && now < no_phase_1_before_) return no_phase_1_before_.ms - now.ms;
  if (!holder) return 0;
  auto& a = of(holder);
  if (holder.node != candidate && now < a.until) {
    const bool known = std::find(a.refusals.begin(), a.refusals.end(), held) != a.refusals.end();
    if (!known && a.refusals.size() < refusals_max) a.refusals.push_back(held);
    return a.until.ms - now.ms;
  }
  drop(holder);
  return 0;
}

void lease_ledger::drop(process holder) {
  if (holder && !planted(bug::lease_session_kept)) of(holder).session = ++last_session_;
}

lease_session lease_ledger::session_of(process holder) {
  return of(holder).session;
}

void lease_claims::on_grant(node_id granter, const lease_grant& grant, tick sent) {
  if (grant.duration_ms == 0) return;
  auto& c = claims_[granter];
  if (grant.session < c.session) return;  // overtaken on its way
  const auto assured = planted(bug::lease_drift_ignored)
                           ? grant.duration_ms
                           : grant.duration_ms * (1000 - terms_.drift_permille) / 1000;
  const tick until = sent + assured;
  c.until = grant.session > c.session ? until : std::max(c.until, until);
  c.session = grant.session;
}

tick lease_claims::valid_until(node_id granter, lease_session session) const {
  const auto found = claims_.find(granter);
  if (found == claims_.end() || session == 0) return {};
  if (found->second.session != session && !planted(bug::lease_of_any_session)) return {};
  return found->second.until;
}

lease_session lease_claims::session(node_id granter) const {
  const auto found = claims_.find(granter);
  return found == claims_.end() ? 0 : found->second.session;
}

}  // namespace atlas::core
