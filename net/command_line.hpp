// One line of the protocol, taken apart (docs/protocol.md; original: atlas-behaviour.md §1.4-1.6,
// §2). Pure: no connection, no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/gateway.hpp"

namespace atlas::net {

/// What a line asks for. Views point into the line.
struct command_line {
  enum class kind : std::uint8_t {
    nothing,           ///< empty line: ignored
    request,           ///< for the backend
    blob_upload,       ///< for the backend, once `blob_bytes` bytes have followed
    principal_whoami,  ///< answered by the connection
    principal_assume,  ///< `key` is the name
    warn,              ///< `error` is the text of ERROR WARN
    fatal,             ///< `error` is the text of ERROR FATAL; the connection closes
  };
  kind what = kind::nothing;
  std::string_view tag;  ///< request id without `[ID:` and `]`; empty = untagged
  verb action = verb::key_get;
  std::string_view key;
  std::string_view value;
  std::uint64_t blob_bytes = 0;
  std::string error;
};

struct line_limits {
  std::size_t key_bytes_max = 4096;
  std::size_t blob_bytes_max = 128u << 20;
};

/// Takes `line` (without its terminator) apart.
[[nodiscard]] command_line parse_command_line(std::string_view line, const line_limits& limits);

/// Checks the client's HELLO; empty if it is good, else the text of ERROR FATAL.
[[nodiscard]] std::string check_hello(std::string_view line);

/// Control characters and Unicode line ends become blanks, both ends trimmed: for error texts.
[[nodiscard]] std::string sanitised(std::string_view text);

}  // namespace atlas::net
