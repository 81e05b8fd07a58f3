#include "actors/lease_desk.hpp"

#include "actors/peer_link.hpp"

namespace atlas::actors {
namespace {

core::tick now() {
  return {monotonic_us() / 1000};
}

}  // namespace

lease_desk::lease_desk(core::process self, core::lease_terms terms, std::uint64_t wait_ms)
    : ledger_(self, terms, now(), wait_ms), claims_(terms) {}

core::lease_grant lease_desk::on_heartbeat(core::process asker) {
  const std::lock_guard lock(mutex_);
  return ledger_.on_heartbeat(asker, now());
}

void lease_desk::on_grant(core::node_id granter, const core::lease_grant& grant,
                          std::uint64_t sent_us) {
  const std::lock_guard lock(mutex_);
  claims_.on_grant(granter, grant, {sent_us / 1000});
}

std::uint64_t lease_desk::release_or_wait(core::process holder, const core::held_tenure& held,
                                          core::node_id candidate, bool others_before) {
  const std::lock_guard lock(mutex_);
  return ledger_.release_or_wait(holder, held, candidate, others_before, now());
}

void lease_desk::drop(core::process holder) {
  const std::lock_guard lock(mutex_);
  ledger_.drop(holder);
}

core::lease_session lease_desk::session_of(core::process holder) {
  const std::lock_guard lock(mutex_);
  return ledger_.session_of(holder);
}

core::tick lease_desk::valid_until(core::node_id granter, core::lease_session session) const {
  const std::lock_guard lock(mutex_);
  return claims_.valid_until(granter, session);
}

core::lease_session lease_desk::session(core::node_id granter) const {
  const std::lock_guard lock(mutex_);
  return claims_.session(granter);
}

}  // namespace atlas::actors
