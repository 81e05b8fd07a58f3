// The deliberate mistakes of core/planted_bug.hpp by name, and the trial of the simulator: how many
// seeds until each of them is noticed, and by which rule. Works in the planted build only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/planted_bug.hpp"
#include "tests/sim/sim_options.hpp"

namespace atlas::sim {

struct named_bug {
  core::bug what;
  const char* name;     ///< as on the command line
  const char* meaning;  ///< what core does wrong, in a few words
};

/// All of them, in the order of the enum.
[[nodiscard]] const std::vector<named_bug>& all_bugs();
[[nodiscard]] const named_bug* find_bug(const std::string& name);

/// From now on core makes this mistake; false if this build can not.
bool plant(core::bug b);

struct trial {
  bool caught = false;
  std::uint64_t seeds = 0;  ///< run until it was caught, this one included
  std::string rule;         ///< that caught it
};
/// Plants `b` and runs seeds from `from` until a rule is broken, `seeds_max` at most.
[[nodiscard]] trial try_bug(core::bug b, std::uint64_t from, std::uint64_t seeds_max,
                            const sim_shape& shape);
/// Tries all and prints a table. Returns how many were not caught.
std::size_t try_all_bugs(std::uint64_t from, std::uint64_t seeds_max, const sim_shape& shape);

}  // namespace atlas::sim
