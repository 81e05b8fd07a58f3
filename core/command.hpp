// What a client asks of a log: commands change the table and go through consensus, reads do not.
// Both carry the identity that makes retries safe (consensus.md §8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ids.hpp"

namespace atlas::core {

/// What a command does when it is applied. The numbers are on disk: never reuse one.
enum class operation : std::uint8_t {
  put = 1,             ///< row := value
  erase = 2,           ///< remove row; removing an absent row succeeds
  create_table = 3,    ///< meta log only: row = table name, value = encoded tolerance_policy
  add_node = 4,        ///< meta log only: row = node uuid, value = encoded node_record
  alter_table = 5,     ///< meta log only: row = table name, value = encoded policy_change
  remove_node = 6,     ///< meta log only: row = node id in decimal digits
  close_table = 7,     ///< meta log only: row = table name; it is on its way out
  forget_table = 8,    ///< meta log only: row = table name, value = decimal id of its closed log
  close_log = 9,       ///< any log but the meta log: nothing is read or written here any more
  seal = 10,           ///< to the log itself: value = encoded seal_request (table_move.hpp)
  adopt = 11,          ///< to the log itself: value = encoded adopt_part
  clear_table = 12,    ///< to the log itself: value = encoded clear_request
  create_group = 13,   ///< meta log only: row = group name, value = encoded tolerance_policy
  join_group = 14,     ///< meta log only: row = table name, value = group name
  leave_group = 15,    ///< meta log only: the same
  table_arrived = 16,  ///< meta log only: row = table name, value = decimal move count
  put_once = 17,       ///< row := value behind the period in which it is write-once
  cas = 18,            ///< row := value, if it has the version in front of it
  increase = 19,       ///< row := its number and the one in value
  expire = 20,         ///< row goes after so long, or never
  protect = 21,        ///< row is write-once for a longer period
  grant = 22,          ///< somebody gets a permission on the row; on row "" also on its table
  revoke = 23,         ///< the reverse
  transaction = 24,    ///< to the home table of its first step: value = encoded txn_steps
  put_chunk = 25,      ///< keeps a chunk of a value of the row: value = encoded chunk_put
  put_blob = 26,       ///< row := chunks that are there: value = encoded blob_manifest
};

/// One change of a table.
struct command {
  process from;    ///< the node that took the client's request, and its boot
  sequence seq;    ///< number among the commands of `from` to this table, from 1
  sequence floor;  ///< every command of `from` below this has been answered
  operation what = operation::put;
  std::string row;        ///< key without its table part; bytes as the client sent them
  std::string value;      ///< bytes as the client sent them
  std::string principal;  ///< acting principal, may be empty
  table_id table;         ///< 0: the log's home table
};

/// How a command or a read ended. The numbers are on disk and on the wire.
enum class outcome_code : std::uint8_t {
  ok = 0,
  not_found = 1,
  refused = 2,   ///< a rule forbids it; `data` says which, nothing was changed
  unknown = 3,   ///< below the window or of an older boot: never executed now, maybe before
  dropped = 4,   ///< the table is closed for good; nothing was changed
  moved = 5,     ///< the log does not hold the table; nothing was changed
  denied = 6,    ///< the principal may not; `data` says what, nothing was changed
  expiring = 7,  ///< of a read: the row's time is over, but that is not chosen yet; ask again
  chunked = 8,   ///< of a read: the value is kept in chunks, `data` = encoded blob_manifest
};

/// Result of a command, a read or a scan.
struct outcome {
  outcome_code code = outcome_code::ok;
  std::string data;
  friend bool operator==(const outcome&, const outcome&) = default;
};

/// The numbers are on the wire. `configuration` asks for the one in force, of the log itself.
/// `part` asks the log itself for a part of a sealed table: row = encoded part_request. `frontier`
/// asks how far the owner has applied the log that holds the table: encode_frontier. `meta` is
/// everything about a row but its value: encode_meta. `range`, `count` and `sample` look at what
/// the principal may read: row = encoded scan_terms. `access` is the list that guards the row.
/// `chunk` is a chunk of a value that was told by its manifest: row = its hash.
enum class read_kind : std::uint8_t {
  get = 1,
  scan = 2,
  configuration = 3,
  part = 4,
  frontier = 5,
  meta = 6,
  range = 7,
  count = 8,
  sample = 9,
  access = 10,
  chunk = 11
};

/// Answered by a walk over many rows, see `listing`.
[[nodiscard]] inline bool is_listing(read_kind what) {
  return what == read_kind::range || what == read_kind::count || what == read_kind::sample;
}

/// What is left of a row with an end is told from a log time at most so old.
inline constexpr std::uint64_t time_lag_us_max = 500'000;

/// One linearizable read at the owner (`reads: quorum`). A scan returns rows with prefix `row`.
struct read {
  process from;
  sequence ticket;  ///< number among the reads of `from`, echoed in the answer
  read_kind what = read_kind::get;
  std::string row;
  table_id table = {};  ///< 0: the log's home table
  std::string principal = {};
};

/// Answer to one command or read, on its way back to the node that asked.
struct answer {
  bool is_read = false;
  sequence number;  ///< `command::seq` or `read::ticket`
  outcome result;
  table_id table;  ///< as in the request
};

}  // namespace atlas::core
