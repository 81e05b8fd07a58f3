// One whole run: a cluster, its clients, a storm of faults, then calm. Everything comes from the
// seed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/clients.hpp"
#include "tests/sim/sim_options.hpp"

namespace atlas::sim {

struct run_report {
  bool ok = true;
  std::string why;           ///< the broken rule, when and in which cluster
  std::uint64_t digest = 0;  ///< hash of everything that happened
  std::uint64_t events = 0;
  std::uint64_t slots = 0;
  std::uint64_t operations = 0;
  std::uint64_t calm_us = 0;  ///< from the end of the faults to the last answer
};

class cluster {
 public:
  explicit cluster(sim_options options);
  run_report run();

 private:
  void storm();
  void calm_down();
  void settle();
  void final_checks() const;
  void run_until(std::uint64_t at_us);
  void schedule_fault();
  void schedule_reconfiguration();
  void one_fault();
  void usurp_some();
  void crash_some();
  void cut_some(bool partition);
  void reconfigure_some();
  void choose_who_stays_down();
  [[nodiscard]] bool settled() const;
  [[nodiscard]] std::string when(const std::string& why) const;

  sim_options options_;
  core::rng random_;
  event_queue events_;
  network net_;
  monitor watch_;
  std::vector<std::unique_ptr<sim_node>> nodes_;
  clients clients_;
  world world_;
  std::vector<core::node_id> stay_down_;
  bool calm_ = false;
};

/// Runs one seed. A failed ATLAS_CHECK of core/ ends the process, after the seed was printed.
run_report run_seed(std::uint64_t seed);
run_report run_options(const sim_options& options);

}  // namespace atlas::sim
