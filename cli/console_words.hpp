// The command words that the console completes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace atlas::cli {

/// What the word at the end of `typed` (possibly empty) can become, given the words before it:
/// upper case, in the order of the command reference. Empty where a key or value is due.
std::vector<std::string> complete_words(std::string_view typed);

}  // namespace atlas::cli
