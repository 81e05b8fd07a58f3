// The record of what each slot changed, for those who watch, and the position of each table in it.
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_command.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {

std::string position_row(table_id table) {
  std::string row(position_rows);
  put_big_endian(row, table.value);
  return row;
}

void state_machine::load_positions() {
  if (planted(bug::positions_lost_at_restart)) return;
  rows_.scan(std::string(position_rows), {}, [&](std::string_view row, std::string_view bytes) {
    const auto record = decode_row(bytes);
    const auto position = record ? decode_position(record->value) : std::nullopt;
    ATLAS_CHECK(position && row.size() == position_rows.size() + 8, "positions decode");
    table_id table;
    for (const char c : row.substr(position_rows.size()))
      table.value = table.value << 8 | static_cast<unsigned char>(c);
    positions_[table] = *position;
    return true;
  });
}

/// `row` holds the list that guards the row, if it has one of its own.
void state_machine::note_change(table_id table, const std::optional<row_record>& row, change what) {
  const auto of_table = guards_.find(table);
  const bool is_guarded = of_table != guards_.end();
  if (is_guarded || (row && !row->acl.empty())) {
    access_list own;
    const auto& list = guard_of(row, is_guarded ? &of_table->second.list : nullptr, own);
    if (list.is_owned())
      what.guard = &list == &own ? std::string(row->acl) : of_table->second.encoded;
  }
  // At once: a seal in the same batch tells the position.
  ++positions_[table];
  changes_.add(table, std::move(what));
}

/// A row that is over, and not removed yet, is written or removed: it ends first.
void state_machine::note_end(table_id table, const std::optional<row_record>& row,
                             std::string_view name, stamp now) {
  if (row && row->has_value && !row->is_there(now))
    note_change(table, row, {change_kind::expire, row->version, 0, 0, std::string(name)});
}

void state_machine::set_position(table_id table, std::uint64_t position) {
  positions_[table] = position;
  row_record r{1, {}, {}, {}, {}};
  std::string value;
  put_varint(value, position);
  r.value = value;
  rows_.update(position_row(table),
               [&](const blob&) { return std::optional<blob>(make_blob(encode_row(r))); });
}

void state_machine::keep_changes(slot at) {
  history_bytes_ = 0;
  if (changes_.empty()) return;
  const auto& by_table = changes_.by_table();
  history_.emplace_back(at, encode_history(changes_, [&](table_id table) {
                          return positions_[table] + 1 - by_table.at(table).size();
                        }));
  history_bytes_ = history_.back().second.size();
  for (const auto& [table, list] : by_table) set_position(table, positions_[table]);
}

}  // namespace atlas::core
