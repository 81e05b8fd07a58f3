// Where the value starts in KEY PUT and KEY SET: behind the key and its modifiers, exactly one byte
// further. The value is opaque from there on, blanks included, and is never walked over.
#pragma once

#include <string>
#include <string_view>

#include "net/tokens.hpp"

namespace atlas::net {

struct key_put_tail {
  bool complete = false;   ///< false: nothing but at most one blank behind the key
  std::string_view value;  ///< view into the line; meaningful if complete and without error
  std::string period;      ///< of the last WORM modifier, as in net/gateway.hpp; empty: none
  std::string error;       ///< a modifier's operand is refused
};

/// Reads `[PRINCIPAL <name>] [WORM TTL <duration>] [WORM EXPIRES <timestamp>] <value>` behind the
/// third token. Modifiers come in any order and may repeat, the last one of a kind wins; they stop
/// at the first that is not complete, which is value then. PRINCIPAL here changes nothing, as ever.
[[nodiscard]] key_put_tail read_key_put(token_reader& line);

}  // namespace atlas::net
