// core::coordinator as a typed actor: looks at all logs of the node ten times a second and has the
// directory start a candidate where an owner is missed (consensus.md §6).
#pragma once

#include "actors/board.hpp"

namespace atlas::actors {

class migration_coordinator : public metered<coordinator_actor::base> {
 public:
  migration_coordinator(caf::actor_config& config, std::shared_ptr<board> where,
                        std::uint64_t seed);
  behavior_type make_behavior() override;

 private:
  void on_tick();
  void look();
  void on_query(core::process from, const core::owner_query& q);
  void tell_reachable();
  [[nodiscard]] core::coordinator::hears ears() const;

  std::shared_ptr<board> board_;
  core::coordinator coordinator_;
  std::vector<core::node_id> reachable_;
};

}  // namespace atlas::actors
