// The leases of this process, granted and received, where all its actors can reach them: acceptors
// ask before they drop a holder, peers grant and book grants with every heartbeat, owners look
// whether they may read. One lock makes "is the lease over?" and "drop the holder" one step, so no
// heartbeat can be answered in between.
#pragma once

#include <mutex>

#include "core/lease.hpp"

namespace atlas::actors {

class lease_desk final : public core::lease_guard, public core::lease_source {
 public:
  /// `wait_ms`: the longest lease that an earlier process of this node may have granted.
  lease_desk(core::process self, core::lease_terms terms, std::uint64_t wait_ms);

  [[nodiscard]] core::lease_grant on_heartbeat(core::process asker);
  /// `granter` answered a heartbeat that left at `sent_us` of monotonic_us().
  void on_grant(core::node_id granter, const core::lease_grant& grant, std::uint64_t sent_us);

  std::uint64_t release_or_wait(core::process holder, const core::held_tenure& held,
                                core::node_id candidate, bool others_before) override;
  void drop(core::process holder) override;
  core::lease_session session_of(core::process holder) override;
  [[nodiscard]] core::tick valid_until(core::node_id granter,
                                       core::lease_session session) const override;
  [[nodiscard]] core::lease_session session(core::node_id granter) const override;

 private:
  mutable std::mutex mutex_;
  core::lease_ledger ledger_;
  core::lease_claims claims_;
};

}  // namespace atlas::actors
