// A log owned (or being taken over) by this node: core::proposer as a typed actor. It lives for one
// tenure; the directory makes a new one when the coordinator says so, or when another node hands
// the log over.
#pragma once

#include "actors/board.hpp"
#include "core/proposer.hpp"

namespace atlas::actors {

[[nodiscard]] core::clock_reading read_clocks();

/// Idle until its first tick_message, which the directory sends when the owner stands on the board.
class owner : public metered<owner_actor::base> {
 public:
  owner(caf::actor_config& config, std::shared_ptr<board> where, std::shared_ptr<log_entry> entry,
        core::proposer::beginning begin);
  owner(caf::actor_config& config, std::shared_ptr<board> where, std::shared_ptr<log_entry> entry,
        core::proposer::inheritance from);
  behavior_type make_behavior() override;
  /// The entry and this actor hold each other; somebody must let go when the log is dropped.
  void on_exit() override { entry_.reset(); }

 private:
  void on_forward(core::process from, forward& f);
  void on_move_request(core::process from, const move_request& m);
  void tell_movers(const core::proposer_effects::move_result& result);
  void on_tick();
  void emit(core::proposer_effects& out);
  void relay(core::proposer_effects& out);
  void give_back(core::proposer_effects& out);
  void look_around(core::clock_reading at);
  /// Logged configurations follow the members: asks for the next one if it differs.
  void follow_membership();
  /// Once per reason: the members can not give the table its tolerances.
  void warn_of_conflict(const std::string& why);

  std::shared_ptr<board> board_;
  std::shared_ptr<log_entry> entry_;
  core::proposer_effects first_;  ///< of the constructor, sent with the first tick
  bool begun_ = false;
  const std::uint64_t tenure_;
  core::proposer proposer_;
  std::uint64_t last_look_ms_ = 0;
  /// Who waits for a move: asker and its number, and the target. Ends with the move or the tenure.
  std::map<std::pair<core::process, std::uint64_t>, core::node_id> movers_;
  std::string conflict_;  ///< the last one that was warned of; empty: none
};

}  // namespace atlas::actors
