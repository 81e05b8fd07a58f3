// One whole run: a cluster, its clients, a storm of faults (cluster_faults.cpp), then calm
// (cluster.cpp). Everything comes from the seed.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/clients.hpp"
#include "tests/sim/mover.hpp"
#include "tests/sim/sim_options.hpp"

namespace atlas::sim {

struct run_report {
  bool ok = true;
  std::string rule;          ///< the broken rule
  std::string why;           ///< the same with when and in which cluster
  std::uint64_t digest = 0;  ///< hash of everything that happened
  std::uint64_t events = 0;
  std::uint64_t slots = 0;
  std::uint64_t operations = 0;
  std::uint64_t calm_us = 0;       ///< from the end of the faults to the last answer
  std::uint64_t simulated_us = 0;  ///< length of the run on the world's clock
  tally counts;
  std::vector<std::string> history;  ///< last events around a failure, if somebody listened
};

class cluster {
 public:
  explicit cluster(sim_options options, listener who = {});
  run_report run();

 private:
  void storm();
  void calm_down();
  /// One request of each kind at every node; how long until the last was answered.
  std::uint64_t ask_and_wait();
  void settle();
  void final_checks();
  void run_until(std::uint64_t at_us);
  void schedule_fault();
  void schedule_reconfiguration();
  void one_fault();
  void usurp_some();
  void duel();
  /// A bid that only the owner's own copy hears, while its disk is slow.
  void whisper(sim_node& rival, core::log_id log);
  void slow_for(sim_node& node, std::uint64_t by_us, std::uint64_t us);
  void cut_for(const std::vector<std::pair<core::node_id, core::node_id>>& pairs, std::uint64_t us);
  // cluster_wide.cpp
  void wide_fault(std::uint64_t die);
  void isolate_one();
  void bridge_halves();
  void flap_some();
  void slow_some_link();
  void fill_some_disk();
  /// Deaf, mute or slow for good; what progress is demanded of the others all the same.
  void stay_broken();
  // cluster_siege.cpp
  void schedule_siege();
  void siege();
  void besiege(sim_node& owner, sim_node& rival, core::log_id log);
  void besiege_to_the_minute(sim_node& owner, sim_node& rival, core::log_id log);
  void usurp_at(std::uint64_t when, sim_node& rival, core::log_id log);
  void probe_from(std::uint64_t when, std::uint64_t every, sim_node& owner, core::log_id log);
  void besiege_by_restart(sim_node& owner, sim_node& rival,
                          const std::vector<std::pair<core::node_id, core::node_id>>& to_helpers,
                          std::uint64_t ends_us);
  void besiege_by_return(sim_node& owner,
                         const std::vector<std::pair<core::node_id, core::node_id>>& to_helpers,
                         std::uint64_t ends_us);
  void ambush(sim_node& owner, core::log_id log);
  /// A moment after `after_us` `node` crashes or stands still; it is back soon, and may bid for
  /// `log` then.
  void strike(sim_node& node, core::log_id log, std::uint64_t after_us);
  /// A random time within two round trips and a write.
  [[nodiscard]] std::uint64_t moment();
  void crash_some();
  void cut_some(bool partition);
  void reconfigure_some();
  // cluster_moves.cpp
  void schedule_move();
  void move_some();
  void schedule_close();
  void schedule_regroup();
  /// Every move of a table comes to its end.
  void finish_moves();
  /// With nothing broken every log goes where it is sent, and is served there.
  void move_all();
  [[nodiscard]] sim_node* owner_of(core::log_id log) const;
  [[nodiscard]] bool is_with_a_broken_one(core::log_id log) const;
  /// Mostly nothing; else one more node loses its seats for good, and bids with what it knew.
  void remove_some(core::log_id log);
  void choose_who_stays_down();
  [[nodiscard]] bool settled() const;
  void fill(run_report& report) const;
  void tell(const std::string& what) { story_.tell({}, {}, what); }
  [[nodiscard]] std::string when(const std::string& why) const;

  sim_options options_;
  core::rng random_;
  event_queue events_;
  story story_;
  network net_;
  monitor watch_;
  std::vector<std::unique_ptr<sim_node>> nodes_;
  clients clients_;
  mover mover_;
  world world_;
  std::vector<core::node_id> stay_down_;
  std::set<core::node_id> removed_;  ///< gets no seat any more
  bool calm_ = false;
};

/// Runs one seed. A failed ATLAS_CHECK of core/ is a failure like any other; should the process
/// die of something else, it prints the seed first. A failed run is run again to get its history,
/// unless `who` listened already.
run_report run_seed(std::uint64_t seed);
run_report run_options(const sim_options& options, listener who = {});

}  // namespace atlas::sim
