// The file that keeps typed lines from one session to the next. Values are typed there, so nobody
// else may read it.
#pragma once

#include <string>
#include <string_view>

namespace atlas::cli {

/// `$XDG_STATE_HOME/atlas/history`, or below `$HOME/.local/state`; empty when there is no place.
/// The arguments are those variables, null if unset.
std::string history_path(const char* state_home, const char* home);

/// Makes the file (mode 0600) and its directories (mode 0700) if they are missing, and takes away
/// what others may do with the file. False if it cannot be used.
bool prepare_history(const std::string& path);

/// Whether `line` is kept behind `last`: not if it is blank, begins with a blank, repeats, or is
/// longer than a person types.
bool is_remembered(std::string_view line, std::string_view last);

}  // namespace atlas::cli
