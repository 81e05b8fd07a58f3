// The leases of one simulated process: what it grants and what it was granted, on the node's own
// clock. The wiring that the actors have, without their locks.
#pragma once

#include <functional>

#include "core/lease.hpp"

namespace atlas::sim {

class sim_leases final : public core::lease_guard, public core::lease_source {
 public:
  using clock = std::function<core::tick()>;

  sim_leases(core::process self, core::lease_terms terms, clock now, std::uint64_t wait_ms)
      : now_(std::move(now)), ledger_(self, terms, now_(), wait_ms), claims_(terms) {}

  core::lease_grant on_heartbeat(core::process asker) {
    return ledger_.on_heartbeat(asker, now_());
  }
  void on_grant(core::node_id granter, const core::lease_grant& grant, core::tick sent) {
    claims_.on_grant(granter, grant, sent);
  }

  std::uint64_t release_or_wait(core::process holder, const core::held_tenure& held,
                                core::node_id candidate, bool others_before) override {
    return ledger_.release_or_wait(holder, held, candidate, others_before, now_());
  }
  void drop(core::process holder) override { ledger_.drop(holder); }
  core::lease_session session_of(core::process holder) override {
    return ledger_.session_of(holder);
  }
  [[nodiscard]] core::tick valid_until(core::node_id granter,
                                       core::lease_session session) const override {
    return claims_.valid_until(granter, session);
  }
  [[nodiscard]] core::lease_session session(core::node_id granter) const override {
    return claims_.session(granter);
  }

 private:
  clock now_;
  core::lease_ledger ledger_;
  core::lease_claims claims_;
};

}  // namespace atlas::sim
