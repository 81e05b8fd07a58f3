// A log owned (or being taken over) by this node: core::proposer as a typed actor. It lives for one
// tenure; the directory makes a new one when the coordinator says so.
#pragma once

#include "actors/board.hpp"
#include "core/proposer.hpp"

namespace atlas::actors {

[[nodiscard]] core::clock_reading read_clocks();

class owner : public metered<owner_actor::base> {
 public:
  owner(caf::actor_config& config, std::shared_ptr<board> where, std::shared_ptr<log_entry> entry,
        core::proposer::beginning begin);
  behavior_type make_behavior() override;

 private:
  void on_forward(core::process from, forward& f);
  void on_tick();
  void emit(core::proposer_effects& out);
  void give_back(core::proposer_effects& out);
  /// Logged configurations follow the members: asks for the next one if it differs.
  void follow_membership();

  std::shared_ptr<board> board_;
  std::shared_ptr<log_entry> entry_;
  core::proposer_effects first_;  ///< of the constructor, sent when the actor starts
  core::proposer proposer_;
  std::uint64_t last_look_ms_ = 0;
};

}  // namespace atlas::actors
