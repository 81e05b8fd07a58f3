// Tables that come to this log and leave it: what `seal`, `adopt` and `clear_table` change, and the
// parts that a sealed table is handed out in. All of it follows from the log alone, so that every
// copy has the same tables after the same slot.
#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/catalogue.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {
namespace {

// Rows that one command removes: others wait behind it.
constexpr std::size_t clear_rows_max = 512;
constexpr std::size_t clear_bytes_max = 8 << 20;

}  // namespace

void state_machine::load_tables() {
  tables_[home_] = {};
  if (planted(bug::seal_lost_at_restart)) return;
  rows_.scan(std::string(state_rows), {}, [&](std::string_view row, std::string_view bytes) {
    const auto record = decode_row(bytes);
    const auto state = record ? decode_table_state(record->value) : std::nullopt;
    ATLAS_CHECK(state.has_value(), "states of tables decode");
    tables_[table_of_state_row(row)] = *state;
    return true;
  });
  // Records may still hold lines of tables that have left since.
  for (const auto table : window_.tables()) {
    const auto* const s = state_of(table);
    if (table != log_itself && (!s || s->what == custody::gone)) window_.forget(table);
  }
}

const table_state* state_machine::state_of(table_id table) const {
  const auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second;
}

void state_machine::set_state(table_id table, const table_state& s, stamp when) {
  tables_[table] = s;
  put(state_row(table), encode(s), {}, when);
}

outcome state_machine::elsewhere(const table_state* s) {
  outcome o{outcome_code::moved, {}};
  if (!s || s->what == custody::arriving) return o;
  if (!s->other) return {outcome_code::dropped, {}};
  put_varint(o.data, s->other.value);
  return o;
}

/// A group may be dropped when its tables have left it: they are not dropped with it, and who has
/// not heard of their leaving is sent after them.
outcome state_machine::closed_answer(table_id table) const {
  const auto* const s = state_of(table);
  const bool has_left = table != log_itself && table != home_ && (!s || s->what != custody::held);
  return has_left ? elsewhere(s) : outcome{outcome_code::dropped, {}};
}

/// Answers with the state of the table afterwards, whoever brought it about.
outcome state_machine::execute_move(const command_view& c, stamp when) {
  outcome broken{outcome_code::refused, "not a command of this log"};
  table_id table;
  if (c.what == operation::seal) {
    const auto r = decode_seal_request(c.value);
    if (!r) return broken;
    seal(*r, when);
    table = r->table;
  } else if (c.what == operation::adopt) {
    const auto p = decode_adopt_part(c.value);
    if (!p) return broken;
    adopt(*p, when);
    table = p->table;
  } else if (c.what == operation::clear_table) {
    const auto r = decode_clear_request(c.value);
    if (!r) return broken;
    return {outcome_code::ok, clear(*r, when) ? "more" : "done"};
  } else {
    return broken;
  }
  const auto* const s = state_of(table);
  return s ? outcome{outcome_code::ok, encode(*s)} : outcome{outcome_code::not_found, {}};
}

void state_machine::seal(const seal_request& r, stamp when) {
  const auto* const s = state_of(r.table);
  if (!s || s->what != custody::held || r.to == log_) return;
  if (s->moves != r.moves && !planted(bug::seal_ignores_count)) return;
  table_state next = *s;
  next.what = custody::sealed;
  next.other = r.to;
  next.least = std::max(s->least, when);
  next.position = positions_[r.table];
  set_state(r.table, next, when);
  // From here on nothing of it changes here, not even by itself: only what is held ends.
  next_due_ = first_end();
  guards_.erase(r.table);
}

void state_machine::adopt(const adopt_part& p, stamp when) {
  const auto* const s = state_of(p.table);
  const bool is_new =
      !s || (s->moves < p.moves && s->what != custody::held) || planted(bug::adopted_again);
  const bool is_next = s && s->what == custody::arriving && s->moves == p.moves &&
                       (s->parts == p.index || planted(bug::adopted_out_of_order));
  if (!is_next && !(is_new && p.index == 0)) return;
  table_state next{custody::arriving, p.moves, p.from, p.sealed, p.index + 1, {}, 0};
  if (is_next) next.after = s->after;
  if (!planted(bug::results_left_behind)) {
    result_lines_ += p.results;
    ATLAS_CHECK(window_.replay(p.results), "parts were decoded");
  }
  const auto prefix = row_prefix(p.table, p.moves);
  for (const auto& [row, record] : p.rows) {
    rows_.update(prefix + row, [&, bytes = &record](const blob&) { return make_blob(*bytes); });
    // The rows alone travel; when they end is noted again.
    if (!planted(bug::expiry_left_behind))
      note_due({p.table, p.moves}, row, {}, decode_row(record)->due());
  }
  if (!p.rows.empty()) next.after = p.rows.back().first;
  if (p.last) {
    next.what = custody::held;
    next.after.clear();
  }
  set_state(p.table, next, when);
  if (!p.last) return;
  if (!planted(bug::position_left_behind)) set_position(p.table, p.position);
  load_guard(p.table);
  next_due_ = first_end();
}

/// True if there is more to remove.
bool state_machine::clear(const clear_request& r, stamp when) {
  const auto* const s = state_of(r.table);
  const bool is_last = s && s->moves == r.moves && s->what == custody::sealed;
  if (!is_last && !(s && s->moves > r.moves)) return false;
  // Rows without a prefix are the home table's.
  if (r.moves == 0 && r.table != home_) return false;
  std::vector<std::pair<std::string, stamp>> found;
  std::size_t bytes_seen = 0;
  bool more = false;
  // Behind what is removed already: a store walks slowly over what was deleted a moment ago.
  const auto from = is_last && !s->after.empty() ? s->after + std::string(1, 0) : std::string();
  scan_table(r.table, r.moves, {}, from, [&](std::string_view row, std::string_view bytes) {
    const auto record = decode_row(bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
    more = found.size() == clear_rows_max || bytes_seen >= clear_bytes_max;
    if (more) return false;
    bytes_seen += bytes.size();
    found.emplace_back(row, record->due());
    return true;
  });
  const auto prefix = row_prefix(r.table, r.moves);
  for (const auto& [row, due] : found) {
    rows_.erase(prefix + row);
    note_due({r.table, r.moves}, row, due, {});
  }
  if (!is_last) return more;
  table_state next = *s;
  next.after = more ? found.back().first : std::string();
  if (!more) {
    next.what = custody::gone;
    window_.forget(r.table);
    positions_.erase(r.table);
    rows_.erase(position_row(r.table));
  }
  set_state(r.table, next, when);
  return more;
}

outcome state_machine::part(const read& r) const {
  const auto asked = decode_part_request(r.row);
  if (!asked) return {outcome_code::refused, "not a read of this log"};
  const auto* const s = state_of(asked->table);
  if (!s || s->what != custody::sealed || s->moves != asked->moves || s->other != asked->to)
    return {outcome_code::not_found, {}};
  adopt_part p;
  p.table = asked->table;
  p.moves = s->moves + 1;
  p.from = log_;
  p.sealed = s->least;
  p.position = s->position;
  p.index = asked->index;
  auto results = window_.encode_parts_of(p.table, asked->bytes);
  if (asked->index < results.size()) {
    p.results = std::move(results[asked->index]);
    return {outcome_code::ok, encode(p)};
  }
  const bool is_first = asked->index == results.size();
  std::size_t bytes = 0;
  p.last = true;
  const auto from = is_first ? std::string() : asked->after + std::string(1, 0);
  scan_table(p.table, s->moves, {}, from, [&](std::string_view row, std::string_view record) {
    if (bytes >= asked->bytes) p.last = false;
    if (!p.last) return false;
    bytes += row.size() + record.size();
    p.rows.emplace_back(row, record);
    return true;
  });
  return {outcome_code::ok, encode(p)};
}

void state_machine::scan_table(
    table_id table, std::uint64_t moves, const std::string& prefix, std::string_view from,
    const std::function<bool(std::string_view row, std::string_view value)>& visit) const {
  const auto before = row_prefix(table, moves);
  const auto first = before + std::string(from);
  rows_.scan(before + prefix, first, [&](std::string_view row, std::string_view value) {
    // Of what begins like the log's own rows only chunks are the table's.
    const bool is_own = !before.empty() || log_ == meta_log || !is_reserved_row(row) ||
                        (is_chunk_row(row) && !planted(bug::chunks_left_behind));
    return !is_own || visit(row.substr(before.size()), value);
  });
}

}  // namespace atlas::core
