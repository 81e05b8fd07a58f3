// How a table goes from log to log (consensus.md §6, groups): a `seal` in the log it leaves, then
// its rows and results as `adopt` commands in the log it enters, part by part. Every step is
// decided by the state of its own log alone and changes nothing when it comes twice, late or from
// somebody else, so anyone may finish a move. What is said and kept about it is here;
// state_machine_moves.cpp executes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.hpp"

namespace atlas::core {

/// What a log is to a table. The numbers are on disk.
enum class custody : std::uint8_t {
  held = 1,      ///< the log orders the table
  sealed = 2,    ///< it did; its rows are still here, and never change any more
  arriving = 3,  ///< parts of it have come
  gone = 4,      ///< it did, and nothing of it is left here
};

/// Kept as a row of the log, so that it survives restarts and is in every snapshot.
struct table_state {
  custody what = custody::held;
  std::uint64_t moves = 0;     ///< the n of `seal` and `adopt`: how often the table had moved
  log_id other;                ///< sealed, gone: where it went, 0 = dropped; else whence it came
  stamp least;                 ///< nothing of the table is stamped lower here
  std::uint64_t parts = 0;     ///< arriving: how many have come
  std::string after;           ///< arriving: the last row that has come; sealed: that was cleared
  std::uint64_t position = 0;  ///< sealed, gone: of the table's last change here
  friend bool operator==(const table_state&, const table_state&) = default;
};

/// Acts only if the log holds the table at `moves`.
struct seal_request {
  table_id table;
  std::uint64_t moves = 0;
  log_id to;  ///< 0: the table is dropped
};

/// One part of a sealed table, as the log that it leaves hands it out: first its results, then its
/// rows. Acts only as the next one that is missing.
struct adopt_part {
  table_id table;
  std::uint64_t moves = 0;  ///< in the log that it enters: one more than it was sealed at
  log_id from;
  stamp sealed;                ///< of the seal: log time goes on from there
  std::uint64_t position = 0;  ///< of the table's last change before the seal
  std::uint64_t index = 0;     ///< number of this part, from 0
  bool last = false;           ///< the table is held from here on
  std::string results;         ///< lines of a result_window
  std::vector<std::pair<std::string, std::string>> rows;  ///< (row, encoded row_record)
};

/// Asks the log that a table leaves for a part.
struct part_request {
  table_id table;
  std::uint64_t moves = 0;  ///< as it was sealed
  log_id to;                ///< whereto it was sealed
  std::uint64_t index = 0;
  std::string after;  ///< the last row that has come, if any has
  /// About how large. The same in all requests of a cluster, because results are cut by it.
  std::uint64_t bytes = 256 << 10;
};

/// Removes some rows of a stay of the table that is over; to be sent until nothing is left. Only
/// once the table is held elsewhere, or dropped.
struct clear_request {
  table_id table;
  std::uint64_t moves = 0;
};

[[nodiscard]] std::string encode(const table_state& s);
[[nodiscard]] std::string encode(const seal_request& r);
[[nodiscard]] std::string encode(const adopt_part& p);
[[nodiscard]] std::string encode(const part_request& r);
[[nodiscard]] std::string encode(const clear_request& r);
// Empty if the bytes are broken.
[[nodiscard]] std::optional<table_state> decode_table_state(std::string_view bytes);
[[nodiscard]] std::optional<seal_request> decode_seal_request(std::string_view bytes);
/// Also empty if a row or a result in it is broken.
[[nodiscard]] std::optional<adopt_part> decode_adopt_part(std::string_view bytes);
[[nodiscard]] std::optional<part_request> decode_part_request(std::string_view bytes);
[[nodiscard]] std::optional<clear_request> decode_clear_request(std::string_view bytes);

/// Row that keeps the state of a table.
[[nodiscard]] std::string state_row(table_id table);
/// The table whose state `row` keeps; 0 if it is another row.
[[nodiscard]] table_id table_of_state_row(std::string_view row);
inline constexpr std::string_view state_rows = "!t";
/// In front of the rows of a table that has moved, so that tables of one log, and two stays of one
/// table, never mix. Rows of a table that never moved stand as they are.
[[nodiscard]] std::string row_prefix(table_id table, std::uint64_t moves);
inline constexpr char moved_rows = 1;  ///< first byte of every such prefix
inline constexpr char log_rows = '!';  ///< first byte of what a log keeps for itself
/// No client can name them: the rows of keys are empty or begin with a dot. They stand in front of
/// all those that do.
[[nodiscard]] inline bool is_reserved_row(std::string_view row) {
  return !row.empty() && (row.front() == moved_rows || row.front() == log_rows);
}
inline constexpr const char* end_of_reserved_rows = "\"";  ///< the byte behind `log_rows`

/// What `outcome_code::moved` says: the log that the table went to, 0 if that is not known there.
[[nodiscard]] log_id moved_to(std::string_view data);

}  // namespace atlas::core
