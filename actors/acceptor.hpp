// A log held on this node: core::replica as a typed actor. It thinks nothing of its own; it carries
// effects to the store, the other nodes, the local owner and the waiting clients.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "actors/board.hpp"
#include "core/replica.hpp"

namespace atlas::actors {

class acceptor : public metered<acceptor_actor::base> {
 public:
  /// `entry` is the board's entry of this log; `first` its founding configuration.
  acceptor(caf::actor_config& config, std::shared_ptr<board> where,
           std::shared_ptr<log_entry> entry, core::configuration first,
           std::shared_ptr<core::log_store> disk, const core::replica_limits& limits);
  behavior_type make_behavior() override;
  /// The entry and this actor hold each other; somebody must let go when the log is dropped.
  void on_exit() override { entry_.reset(); }

 private:
  template <class M>
  auto handler(void (core::replica::*on)(core::process, const M&, core::replica_effects&)) {
    return [this, on](core::process from, const M& m) {
      core::replica_effects out;
      (replica_.*on)(from, m, out);
      emit(out);
    };
  }
  void emit(core::replica_effects& out);
  void keep(core::replica_effects& out);
  void answer_reads(const confirmed& batch);
  [[nodiscard]] bool stands(const confirmed& batch) const;
  bool begin_walk(const core::read& r, core::stamp wall, std::vector<listing_job>& out);
  void give_back(const confirmed& batch, const char* why);
  void publish();
  void publish_catalogue();
  void on_tick();

  std::shared_ptr<board> board_;
  std::shared_ptr<log_entry> entry_;
  std::shared_ptr<core::log_store> disk_;
  std::uint64_t small_commands_ = 0;  ///< that `replica_` had applied
  std::uint64_t filing_ = 0;          ///< jobs that the filer has not handed on yet
  core::replica replica_;
  /// Listings that were given back because rows were about to end, and the owner's time then.
  std::map<std::tuple<core::process, core::table_id, core::sequence>, core::stamp> waiting_;
  log_entry::status published_;
};

}  // namespace atlas::actors
