// From a line to what must happen: a request for the backend, a blob to wait for, something about
// the principal, or an error whose text clients may match on (docs/protocol.md).
// Pure: knows no connection and no order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/gateway.hpp"

namespace atlas::net {

/// Longest key, scan prefix, table name or node id, in bytes.
inline constexpr std::size_t key_bytes_max = 4096;

enum class parsed_kind : std::uint8_t {
  nothing,  ///< a blank line without a tag: ignored
  request,  ///< `what`, `key`, `value`, `terms`
  upload,   ///< blob_set of `key`: `length` bytes follow the line; refused with `text` if not empty
  assume,   ///< PRINCIPAL ASSUME: the name is in `key`
  whoami,   ///< PRINCIPAL WHOAMI
  unwatch,  ///< UNWATCH: the id of the watch is in `key`
  text,     ///< answer `text`, then OK
  txn_begin,
  txn_commit,
  txn_abort,
  warn,   ///< answer `ERROR WARN <text>`
  fatal,  ///< answer `ERROR FATAL <text>` and close
};

struct parsed_command {
  parsed_kind kind = parsed_kind::nothing;
  verb what = verb::key_get;
  std::size_t length = 0;
  std::string key;
  std::string value;
  std::string text;
  std::string terms;
};

/// Parses a line behind its tag. `tagged` matters for the trailing-blank rule only. Values are
/// copied once, byte for byte; texts that quote the line are cut after 8 KiB.
[[nodiscard]] parsed_command parse_command(std::string_view body, bool tagged,
                                           std::size_t blob_bytes_max);

/// Empty if `line` is a good `HELLO 1.0 <token>`, otherwise the text of the FATAL error.
[[nodiscard]] std::string_view handshake_error(std::string_view line);

/// 1 to 256 bytes without control characters.
[[nodiscard]] bool is_principal_name(std::string_view name);

/// True for the commands that read or write one key: those of one table may be pipelined.
[[nodiscard]] bool is_key_operation(verb what);

/// True for those of them that only read.
[[nodiscard]] inline bool is_key_read(verb what) {
  return what == verb::key_get || what == verb::key_get_stale || what == verb::blob_get ||
         what == verb::blob_stat || what == verb::blob_chunk || what == verb::key_ttl ||
         what == verb::key_meta || what == verb::acl_list;
}

/// True if the backend makes the table of the key if it is not there.
[[nodiscard]] bool makes_table(verb what);
/// True if keys are read or written.
[[nodiscard]] bool asks_for_data(verb what);
/// True for the requests that are not just the bytes of one key, there and back.
[[nodiscard]] bool has_rule(const client_request& r);

/// The words that such a command begins with; empty for commands that are not about keys.
[[nodiscard]] std::string command_words(verb what);

/// The part of a key that names its table.
[[nodiscard]] inline std::string_view table_of(std::string_view key) {
  return key.substr(0, key.find('.'));
}

}  // namespace atlas::net
