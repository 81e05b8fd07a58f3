// Commands that change rows of a table: single rows, transactions over several, and rows whose time
// is over. What a command makes of a row is decided in row_command.cpp; here it is found and kept.
#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/catalogue.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_command.hpp"
#include "core/state_machine.hpp"
#include "core/transaction.hpp"

namespace atlas::core {
namespace {

// Rows that end with one batch: those behind them are over all the same, and go with the next.
constexpr std::size_t expire_rows_max = 512;
constexpr std::string_view due_rows = "!x";
// Chunks that lose a name with one transaction: 2 GiB of values.
constexpr std::size_t released_chunks_max = 16'384;

/// The manifest that a row's value is; empty if it is none.
std::string manifest_in(const std::optional<row_record>& row) {
  return row && row->is_chunked ? std::string(row->value) : std::string();
}

}  // namespace

std::string state_machine::due_row(const stay& of, stamp at, std::string_view row) {
  std::string out(due_rows);
  put_big_endian(out, of.table.value);
  put_big_endian(out, of.moves);
  put_big_endian(out, at.us);
  return out.append(row);
}

void state_machine::load_due() {
  if (planted(bug::expiry_lost_at_restart)) return;
  rows_.scan(std::string(due_rows), {}, [&](std::string_view row, std::string_view) {
    constexpr std::size_t head = due_rows.size() + 24;
    ATLAS_CHECK(row.size() >= head, "the index of ends is whole");
    std::uint64_t numbers[3] = {};
    for (std::size_t i = 0; i < 24; ++i)
      numbers[i / 8] = numbers[i / 8] << 8 | static_cast<unsigned char>(row[due_rows.size() + i]);
    due_[{{numbers[0]}, numbers[1]}].emplace(stamp{numbers[2]}, row.substr(head));
    return true;
  });
  next_due_ = first_end();
}

bool state_machine::is_held(const stay& s) const {
  const auto* const state = state_of(s.table);
  return state && state->what == custody::held && state->moves == s.moves;
}

stamp state_machine::first_end() const {
  stamp least;
  for (const auto& [of, list] : due_)
    if (is_held(of) && (!least.us || list.begin()->first < least)) least = list.begin()->first;
  return least;
}

void state_machine::note_due(const stay& of, std::string_view row, stamp before, stamp after) {
  if (before == after) return;
  if (before.us) {
    const auto list = due_.find(of);
    if (list != due_.end() && list->second.erase({before, std::string(row)})) {
      rows_.erase(due_row(of, before, row));
      if (list->second.empty()) due_.erase(list);
    }
  }
  if (after.us) {
    rows_.update(due_row(of, after, row), [](const blob&) { return make_blob(encode_row({})); });
    due_[of].emplace(after, row);
    // Too early for a stay that has not begun; then the next look finds nothing.
    if (!next_due_.us || after < next_due_) next_due_ = after;
  }
}

/// Log time has come to `when`: what ends by then goes.
void state_machine::expire_due(stamp when) {
  if (!next_due_.us || next_due_ > when) return;
  std::size_t n = 0;
  for (auto it = due_.begin(); it != due_.end() && n < expire_rows_max;) {
    auto& [of, list] = *it;
    while (is_held(of) && !list.empty() && list.begin()->first <= when && n < expire_rows_max) {
      const auto [at, row] = *list.begin();
      list.erase(list.begin());
      n += end_row(of, at, row, when);
    }
    it = list.empty() ? due_.erase(it) : std::next(it);
  }
  next_due_ = first_end();
}

std::size_t state_machine::end_row(const stay& of, stamp at, const std::string& row, stamp when) {
  rows_.erase(due_row(of, at, row));
  if (const auto hash = hash_of_count_row(row); !hash.empty()) {
    end_chunk(of, hash);
    return 2;
  }
  std::string manifest;
  rows_.update(row_prefix(of.table, of.moves) + row, [&](const blob& before) {
    const auto old = decoded(before);
    ATLAS_CHECK(old && old->due() == at, "the index of ends agrees with the rows");
    note_change(of.table, old, {change_kind::expire, old->version, 0, 0, row});
    manifest = manifest_in(old);
    if (old->acl.empty()) return std::optional<blob>(nullptr);
    row_record left{0, old->created, when, {}, {}};
    left.has_value = false;
    left.acl = old->acl;
    return std::optional<blob>(make_blob(encode_row(left)));
  });
  count_chunks(of, manifest, {}, when);
  return 1 + manifest.size() / hash_bytes;
}

stamp state_machine::next_due() const {
  // Nothing ends in a closed log; whoever waited for that would wait for ever (seed 952).
  return closed_ ? stamp{} : next_due_;
}

const access_list* state_machine::guard(table_id table) const {
  const auto found = guards_.find(table);
  return found == guards_.end() ? nullptr : &found->second.list;
}

/// The list of the row without a name guards the whole table.
void state_machine::load_guard(table_id table) {
  const auto* const s = state_of(table);
  guards_.erase(table);
  if (!s || s->what != custody::held || log_ == meta_log) return;
  const auto bytes = rows_.get(row_prefix(table, s->moves));
  const auto record = decoded(bytes);
  if (!record || record->acl.empty()) return;
  auto list = access_list::decode(record->acl);
  ATLAS_CHECK(list.has_value(), "access lists decode");
  guards_[table] = {*std::move(list), std::string(record->acl)};
}

outcome state_machine::execute_row(const command_view& c, table_id table, const std::string& prefix,
                                   stamp when) {
  outcome result;
  stamp before_due, after_due;
  std::string before_manifest, after_manifest;
  const auto decide = [&](const blob& before) -> std::optional<blob> {
    auto old = decoded(before);
    const auto due = old ? old->due() : stamp{};
    row_command done(c, old, guard(table), when);
    result = done.take_result();
    if (!done.changes()) return std::nullopt;
    before_due = due;
    before_manifest = manifest_in(done.old());
    after_manifest = manifest_in(done.next());
    if (done.told() || c.what == operation::erase) note_end(table, done.old(), c.row, when);
    if (done.told()) {
      change told = *done.told();
      told.command = command_;
      note_change(table, done.next() ? done.next() : done.old(), std::move(told));
    }
    if (!done.next()) return nullptr;
    after_due = done.next()->due();
    return make_blob(encode_row(*done.next()));
  };
  if (prefix.empty())
    rows_.update(c.row, decide);
  else
    rows_.update(prefix + std::string(c.row), decide);
  const stay here{table, state_of(table)->moves};
  note_due(here, c.row, before_due, after_due);
  count_chunks(here, before_manifest, after_manifest, when);
  const bool is_access = c.what == operation::grant || c.what == operation::revoke;
  if (c.row.empty() && is_access) load_guard(table);
  return result;
}

/// All steps see what those before them made, and nothing is kept before the last one is decided.
outcome state_machine::execute_transaction(const command_view& c, stamp log_time, slot at) {
  const auto steps = decode_steps(c.value);
  if (!steps) return {outcome_code::refused, "not a transaction"};
  txn_rows changed;
  std::string values;
  std::uint64_t number = 0;
  std::size_t released = 0;
  for (const auto& s : *steps) {
    ++number;
    const auto* const state = state_of(s.table);
    if (!state || state->what != custody::held)
      return {outcome_code::refused,
              "key " + s.key +
                  " is in another log than the first key; a transaction needs its tables in one "
                  "group: GROUP CREATE <group>, GROUP ADD <group> <table>"};
    const auto when = std::max(log_time, state->least);
    const std::pair name{s.table, row_of_key(s.key)};
    const auto known = changed.find(name);
    const blob before =
        known != changed.end()
            ? known->second.next
            : rows_.get(row_prefix(s.table, state->moves) + std::string(name.second));
    const auto old = decoded(before);
    if (is_condition(s.what)) {
      if (auto conflict = conflict_of(s, old, c.principal, when))
        return {outcome_code::ok, std::move(*conflict)};
      continue;
    }
    const auto one = command_of(s, c);
    row_command done(one.view, old, guard(s.table), when);
    if (done.result().code != outcome_code::ok) {
      const auto& why = done.result();
      return {why.code, why.code == outcome_code::denied ? why.data : s.key + ": " + why.data};
    }
    if (s.what == step_kind::increase) values += "\r\n" + done.result().data;
    if (!done.changes()) continue;
    if (old && old->is_chunked &&
        (released += old->value.size() / hash_bytes) > released_chunks_max)
      return {outcome_code::refused, s.key +
                                         ": the transaction would replace or remove values of "
                                         "more than 2 GiB; do it in several"};
    auto& row = changed[name];
    row.next = done.next() ? make_blob(encode_row(*done.next())) : nullptr;
    if (done.told()) {
      row.told = done.told();
      row.told->command = command_;
      row.told->step = number;
    }
    if (planted(bug::transaction_half_done)) keep_rows(std::exchange(changed, {}));
  }
  keep_rows(changed);
  return {outcome_code::ok, "COMMITTED SLOT:" + std::to_string(at.value) + values};
}

void state_machine::keep_rows(const txn_rows& changed) {
  for (const auto& change : changed) {  // Clang 14 captures no structured bindings
    const auto& made = change.second;
    const auto& table = change.first.first;
    const auto& row = change.first.second;
    stamp before_due;
    std::string before_manifest;
    const auto next = decoded(made.next);
    rows_.update(row_prefix(table, state_of(table)->moves) + std::string(row),
                 [&, &kept = made.next](const blob& before) -> std::optional<blob> {
                   const auto old = decoded(before);
                   if (old) before_due = old->due();
                   before_manifest = manifest_in(old);
                   const auto now = std::max(now_, state_of(table)->least);
                   const bool was_there = old && old->is_there(now);
                   if (made.told || !next || !next->has_value) note_end(table, old, row, now);
                   // Written and removed again: nobody else ever saw it.
                   const bool is_told =
                       made.told && (made.told->what == change_kind::put || was_there);
                   if (is_told) {
                     auto told = *made.told;
                     // What the transaction wrote before it removed the row nobody ever saw.
                     if (told.what == change_kind::erase) told.version = old->version;
                     note_change(table, next ? next : old, std::move(told));
                   }
                   return kept;
                 });
    const stay here{table, state_of(table)->moves};
    note_due(here, row, before_due, next ? next->due() : stamp{});
    count_chunks(here, before_manifest, manifest_in(next), std::max(now_, state_of(table)->least));
  }
}

std::optional<std::string> state_machine::conflict_of(const txn_step& s,
                                                      const std::optional<row_record>& old,
                                                      std::string_view principal,
                                                      stamp when) const {
  access_list own;
  const bool is_readable = guard_of(old, guard(s.table), own).may_read(principal);
  const bool there = old && old->is_there(when) && is_readable;
  const bool holds = s.what == step_kind::if_absent ? !there
                     : s.what == step_kind::if_version
                         ? there && old->version == s.number
                         : there && !old->is_chunked && old->value == s.value;
  if (holds) return std::nullopt;
  return "CONFLICT " + s.key + (there ? " VERSION:" + std::to_string(old->version) : " ABSENT");
}

state_machine::step_command state_machine::command_of(const txn_step& s, const command_view& c) {
  step_command one;
  one.view.row = row_of_key(s.key);
  one.view.principal = c.principal;
  one.view.table = s.table;
  one.view.what = s.what == step_kind::put     ? operation::put
                  : s.what == step_kind::erase ? operation::erase
                                               : operation::increase;
  if (s.what == step_kind::increase)
    one.value = std::make_unique<std::string>(encode_amount(static_cast<std::int64_t>(s.number)));
  one.view.value = one.value ? std::string_view(*one.value) : std::string_view(s.value);
  return one;
}

}  // namespace atlas::core
