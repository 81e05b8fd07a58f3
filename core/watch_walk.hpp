// Reads what was changed in a table from the history of the log that holds it, for one who watches:
// every change once, in order; where history is gone, which positions are missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/history.hpp"
#include "core/ids.hpp"
#include "core/ports.hpp"

namespace atlas::core {

struct watch_terms {
  table_id table;
  table_id home;       ///< the table that the log was made for
  std::string prefix;  ///< of rows
  std::string principal;
  bool values = false;
  /// The position to be told next; without, the one behind everything that is there.
  std::optional<std::uint64_t> next;
  slot
      from;  ///< nothing of the table at `next` or behind it is in front of this slot; 0: not known
  std::size_t bytes_max = 256 << 10;
  std::size_t changes_max = 4096;  ///< looked at
};

struct watch_event {
  std::uint64_t position = 0;
  /// Not 0: the changes from `position` to this one are not known any more.
  std::uint64_t gap_to = 0;
  change_kind what = change_kind::put;
  std::string row;
  std::uint64_t version = 0;
  std::string principal;
  std::string value;                          ///< if asked for
  std::optional<std::uint64_t> chunked = {};  ///< size of a value that is kept in chunks
};

/// What a look at the log found.
enum class watch_state : std::uint8_t {
  current,  ///< nothing is left to tell now
  more,     ///< it was too much for one part
  ahead,    ///< this copy has not come to `next` yet
  moved,    ///< all is told, and the table has gone to `watch_part::other`
  absent,   ///< the table has not arrived here yet
  dropped,
};

struct watch_part {
  watch_state state = watch_state::current;
  std::vector<watch_event> events;
  std::uint64_t next = 0;      ///< for the next look
  slot from;                   ///< the same
  std::uint64_t position = 0;  ///< of the last change that this copy holds
  slot applied;                ///< how far this copy is
  log_id other;
};

[[nodiscard]] watch_part walk_history(const frozen_log& log, const watch_terms& t);

}  // namespace atlas::core
