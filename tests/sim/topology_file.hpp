// The file that fixes the shape of the simulated clusters (`atlas-sim --topology`): zones of the
// nodes, tolerances, kinds of fault that are switched off. Read defensively: a refusal names the
// place, the key and what to write instead.
#pragma once

#include <string>

#include "core/result.hpp"
#include "tests/sim/sim_options.hpp"

namespace atlas::sim {

/// Most nodes that a simulated cluster may have.
inline constexpr std::size_t nodes_max = 16;

/// Keys `zones` (list of zone names, one per node), `fn`, `fz` (numbers), `faults` (mapping of
/// kinds to true or false). Refused with `bad_config`: anything else, and tolerances that these
/// zones can not have.
[[nodiscard]] core::result<sim_shape> read_topology(const std::string& path);

}  // namespace atlas::sim
