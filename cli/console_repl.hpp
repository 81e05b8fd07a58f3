// The console's loop: take a line, ask, print.
#pragma once

#include <ostream>

#include "cli/console_input.hpp"
#include "cli/console_render.hpp"
#include "cli/console_session.hpp"

namespace atlas::cli {

/// Where the loop writes, how, and what counts as failure.
struct console_output {
  std::ostream& replies;
  std::ostream& complaints;
  bool errors_fail = false;  ///< any ERROR reply makes the exit status 1
  bool json = false;         ///< replies as JSON; everything that concerns a command is in it
  bool timing = false;       ///< tell how long each command took
  bool progress = false;     ///< complaints go to a terminal: show how far a file is
  render_style style;
};

/// Runs until EXIT or the end of input. Returns the exit status: 0; or 1 when the connection was
/// lost or the server closed it (unless the session connects again), and, with `errors_fail`, when
/// a reply was an ERROR or a command could not be sent. With a watch open the end of a pipe or of
/// `-c` is not the end: events are shown until the server ends the watch.
int run_console(console_session& session, console_input& input, console_output output);

}  // namespace atlas::cli
