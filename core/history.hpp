// What the commands of one slot changed, as the log keeps it for those who watch (docs/formats.md,
// "history record"). It says which command, not what was written: key, value and principal are read
// from the slot's entry, so a change costs a few bytes. Replicated state: the same on every copy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/ids.hpp"
#include "core/transaction.hpp"

namespace atlas::core {

/// The numbers are on disk.
enum class change_kind : std::uint8_t { put = 1, erase = 2, expire = 3 };

/// One value that was written or removed.
struct change {
  change_kind what = change_kind::put;
  std::uint64_t version = 0;  ///< of the value that was written, or removed
  std::uint64_t command = 0;  ///< number of the command in its batch; expire: none
  std::uint64_t step = 0;     ///< number of the step of a transaction, from 1; 0: no transaction
  std::string row;            ///< expire: the row that ended
  std::optional<std::string> value = {};  ///< if it is not in the command: sums
  std::string guard = {};                 ///< encoded access_list in force; empty: everyone's
  friend bool operator==(const change&, const change&) = default;
};

/// The changes of one slot, by table. Each change of a table has the position behind the one before
/// it, from 1 on, whichever log holds the table; no position is left out.
class slot_changes {
 public:
  void add(table_id table, change what) { by_table_[table].push_back(std::move(what)); }
  [[nodiscard]] bool empty() const { return by_table_.empty(); }
  [[nodiscard]] const std::map<table_id, std::vector<change>>& by_table() const {
    return by_table_;
  }
  void clear() { by_table_.clear(); }

 private:
  std::map<table_id, std::vector<change>> by_table_;
};

/// The changes of one table in one slot.
struct table_changes {
  std::uint64_t first = 0;  ///< position of the first of them
  std::vector<change> list;
};

/// `first_of(table)` is the position of the table's first change.
template <class FirstOf>
[[nodiscard]] std::string encode_history(const slot_changes& changes, const FirstOf& first_of);
/// Those of `table` in a record; without any if it holds none. Empty if the bytes are broken.
[[nodiscard]] std::optional<table_changes> changes_of(table_id table, std::string_view record);

/// A change as a watcher is told of it; views into the entry and the change.
struct told_change {
  std::string_view row;
  std::string_view principal;
  std::string_view value;
  bool is_chunked = false;  ///< `value` is an encoded blob_manifest
};
/// Looks changes up in the entry of their slot, in the order of the commands.
class change_teller {
 public:
  explicit change_teller(const entry& of) : reader_(of) {}
  /// Empty if the entry does not hold what the change speaks of.
  [[nodiscard]] std::optional<told_change> tell(const change& c);

 private:
  [[nodiscard]] bool find(std::uint64_t command);

  batch_reader reader_;
  command_view command_;
  std::uint64_t next_ = 0;  ///< number of the command behind `command_`
  /// Steps of `command_`, if it is a transaction that was looked into.
  std::vector<txn_step> steps_;
  std::uint64_t steps_of_ = 0;  ///< number of that command, from 1
};

/// Row of the log that keeps the position of a table's last change.
[[nodiscard]] std::string position_row(table_id table);
inline constexpr std::string_view position_rows = "!p";
/// Value of that row's record.
[[nodiscard]] inline std::optional<std::uint64_t> decode_position(std::string_view bytes) {
  byte_reader in(bytes);
  const auto position = in.varint();
  if (!in.complete()) return std::nullopt;
  return position;
}

void encode_table_changes(std::string& out, table_id table, std::uint64_t first,
                          const std::vector<change>& list);

template <class FirstOf>
std::string encode_history(const slot_changes& changes, const FirstOf& first_of) {
  std::string out;
  for (const auto& [table, list] : changes.by_table())
    encode_table_changes(out, table, first_of(table), list);
  return out;
}

}  // namespace atlas::core
