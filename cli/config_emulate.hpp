// `emulate:` of the configuration: the round-trip times that a test or demo cluster on one machine
// pretends to have, either a named preset or a matrix written out.
#pragma once

#include "cli/config.hpp"
#include "cli/config_reader.hpp"

namespace atlas::cli {

/// Reads `emulate` of `root` into `out`; `out.enabled` only if the section is there. Problems go to
/// the section's list.
void read_emulate(config_section& root, emulated_wan& out);

}  // namespace atlas::cli
