// The composition root: the only place that names both the disk and the actors. Builds a node from
// its configuration, serves until told to stop, and takes everything down in order.
#pragma once

#include "cli/config.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// Sets up the log (level, format) for the whole process.
void open_log(const node_config& config);

/// Runs a node until SIGTERM or SIGINT. The caller has blocked both signals in every thread.
/// Returns only if the node did not start: what kept it from starting, as one sentence with the
/// remedy, or success if it was stopped before it was a member. After serving it ends the process
/// itself: status 0 when it was stopped, 1 when it could not go on.
core::result<core::done> run_node(const node_config& config);

}  // namespace atlas::cli
