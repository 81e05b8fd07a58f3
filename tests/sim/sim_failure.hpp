// What the simulator throws when something that must be true is not; the run's report carries the
// text, so it must make sense to a person who has only the seed.
#pragma once

#include <stdexcept>
#include <string>

namespace atlas::sim {

struct sim_failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const std::string& rule) {
  if (!holds) throw sim_failure(rule);
}

}  // namespace atlas::sim
