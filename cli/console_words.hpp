// What the console completes: the commands' words, and which kind of name is due in between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace atlas::cli {

/// The kinds of names in commands.
enum class operand {
  key,  ///< or a prefix of keys
  table,
  group,
  either,  ///< a table or a group
  node,    ///< the id of a node
  place,   ///< the id of a node or a region
  upload,  ///< a file behind @
  file,
  other,  ///< nothing that the console could know
};

/// What may stand at the end of a line.
struct completion {
  std::vector<std::string> words;  ///< upper case, in the order of the command reference
  std::vector<operand> operands;   ///< each kind once
  std::string word;                ///< what is typed of it, possibly nothing
};

/// What the word at the end of `typed` can become, given the words before it. The lines of a
/// transaction are offered inside one only.
completion complete_words(std::string_view typed, bool in_transaction = false);

}  // namespace atlas::cli
