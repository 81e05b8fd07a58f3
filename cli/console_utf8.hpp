// UTF-8, as far as the console must know it: what can be shown as text, and what is binary.
#pragma once

#include <cstddef>
#include <string_view>

namespace atlas::cli {

/// One well-formed character at the beginning of a text.
struct utf8_character {
  std::size_t length = 0;  ///< 0: not UTF-8
  char32_t code = 0;
};

/// Reads the first character of `text`, which is not empty.
utf8_character first_character(std::string_view text);

/// Whether all of `text` is well-formed.
bool is_utf8(std::string_view text);

}  // namespace atlas::cli
