// What HELP says: every command with its words, one line each.
#pragma once

#include <string>
#include <string_view>

namespace atlas::net {

/// The lines that begin with the words of `topic`, all of them if it is blank; empty if none does.
[[nodiscard]] std::string help_text(std::string_view topic);

}  // namespace atlas::net
