// Runs many seeds for a person or a machine that waits: progress on the way, a summary at the end,
// and for a broken rule everything needed to look into it.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/cluster.hpp"

namespace atlas::sim {

struct sim_job {
  std::uint64_t from = 1;      ///< first seed
  std::uint64_t seeds = 1000;  ///< how many; not used with `minutes`
  double minutes = 0;          ///< > 0: as many seeds as fit into this time
  sim_shape shape;
  std::string replay_with;  ///< command that repeats one seed, up to the seed's number
};

/// Runs until done or a rule is broken. Progress goes to standard error, the rest to standard
/// output. Returns the exit status: 0, or 1 after a broken rule.
int run_job(const sim_job& job);

/// Runs one seed; `trace` prints every event. The same exit status.
int replay_seed(const sim_job& job, std::uint64_t seed, bool trace);

/// What a report that is not ok says, its history, and how to see it again.
[[nodiscard]] std::string explain(const run_report& report, const std::string& replay);

}  // namespace atlas::sim
