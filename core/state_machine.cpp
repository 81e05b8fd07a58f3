#include "core/state_machine.hpp"

#include <algorithm>
#include <utility>

#include "core/bytes.hpp"
#include "core/catalogue.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_record.hpp"

namespace atlas::core {
namespace {

// Result records are folded into one after this many slots, so that a dead origin whose commands
// stay in the window can not pin them for ever.
constexpr std::size_t result_records_max = 512;

}  // namespace

/// The catalogue's rows, read and written through the state machine while a batch is applied.
class state_machine::catalogue_door : public catalogue_rows {
 public:
  catalogue_door(state_machine& self, stamp when) : self_(self), when_(when) {}

  std::optional<std::string> get(const std::string& row) const override {
    const auto bytes = self_.rows_.get(row);
    if (!bytes) return std::nullopt;
    const auto record = decode_row(*bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
    return std::string(record->value);
  }
  std::vector<std::pair<std::string, std::string>> scan(const std::string& prefix) const override {
    return self_.rows(prefix);
  }
  void put(const std::string& row, std::string value) override { self_.put(row, value, {}, when_); }
  void erase(const std::string& row) override { self_.rows_.erase(row); }

 private:
  state_machine& self_;
  stamp when_;
};

state_machine::state_machine(log_id log, const log_store& disk, const recovered_log& past)
    : log_(log), home_(home_table(log)), now_(past.last_stamp), rows_(disk) {
  for (const auto& [at, record] : past.results) {
    if (planted(bug::dedupe_lost_at_restart)) break;
    ATLAS_CHECK(window_.replay(record), "result records decode");
    result_slots_.push_back(at);
  }
  load_tables();
  load_due();
  load_positions();
  for (const auto& [table, state] : tables_) load_guard(table);
  closed_ = rows_.get(closed_row) != nullptr && !planted(bug::close_lost_at_restart);
}

void state_machine::apply(const entry& batch, stamp when, std::vector<command_result>* results,
                          slot at) {
  now_ = when;
  batch_ = *batch.bytes;
  batch_at_ = at;
  changes_.clear();
  if (!closed_) expire_due(when);
  batch_reader in(batch);
  command_view c;
  for (command_ = 0; in.next(c); ++command_) {
    const auto table = table_of(c.table);
    const bool is_part = c.what == operation::put_chunk || c.what == operation::put_blob;
    if (!is_part && c.value.size() < filed_bytes_min) ++small_commands_;
    auto known = window_.find(table, c.id());
    if (!known) {
      known = execute(c, table, when, at);
      const bool is_here = known->code != outcome_code::moved || planted(bug::moved_is_remembered);
      if (is_here && (known->code != outcome_code::dropped || log_ == meta_log)) {
        result_window::encode_line(result_lines_, table, c.id(), *known);
        window_.remember(table, c.id(), *known);
      }
    }
    if (results) results->push_back({c.from, c.seq, std::move(*known), c.table});
  }
  ATLAS_CHECK(in.complete(), "chosen batches decode; the border refuses others");
  keep_changes(at);
}

void state_machine::save(slot at, std::uint64_t group, std::vector<record_write>& writes) {
  rows_.save(group, writes);
  for (auto& [of, record] : std::exchange(history_, {}))
    writes.push_back(
        {.what = record_write::kind::put_history, .at = of, .value = make_blob(std::move(record))});
  if (result_lines_.empty()) return;
  auto lines = std::exchange(result_lines_, {});
  if (result_slots_.size() >= result_records_max) {
    for (const auto old : result_slots_)
      writes.push_back({.what = record_write::kind::erase_results, .at = old});
    result_slots_.clear();
    lines = window_.encode_all();
  }
  result_slots_.push_back(at);
  writes.push_back(
      {.what = record_write::kind::put_results, .at = at, .value = make_blob(std::move(lines))});
}

outcome state_machine::execute(const command_view& c, table_id table, stamp when, slot at) {
  if (log_ == meta_log) {
    if (table != home_) return {outcome_code::refused, "not a table of this log"};
    catalogue_door door(*this, when);
    catalogue_changed_ = true;
    return execute_catalogue(c.copy(), when, door);
  }
  if (closed_ && !planted(bug::closed_log_written)) return closed_answer(table);
  if (table == log_itself) return execute_move(c, when);
  const auto* const state = state_of(table);
  const bool is_fenced = !state || state->what != custody::held;
  if (is_fenced && !(state && planted(bug::seal_does_not_fence))) return elsewhere(state);
  const auto prefix = row_prefix(table, state->moves);
  if (prefix.empty() && is_reserved_row(c.row))
    return {outcome_code::refused, "no key begins like this"};
  switch (c.what) {
    case operation::close_log:
      closed_ = true;
      put(closed_row, {}, c.principal, when);
      return {};
    case operation::put_chunk:
      return put_chunk(c, {table, state->moves}, std::max(when, state->least));
    case operation::put_blob:
      if (!has_chunks({table, state->moves}, c.value))
        return {outcome_code::refused,
                "parts of the value are gone, because its upload took too long; send it again"};
      return execute_row(c, table, prefix, std::max(when, state->least));
    case operation::put:
    case operation::erase:
    case operation::put_once:
    case operation::cas:
    case operation::increase:
    case operation::expire:
    case operation::protect:
    case operation::grant:
    case operation::revoke:
      return execute_row(c, table, prefix, std::max(when, state->least));
    case operation::transaction:
      return execute_transaction(c, when, at);
    case operation::create_table:
    case operation::add_node:
    case operation::alter_table:
    case operation::remove_node:
    case operation::close_table:
    case operation::forget_table:
    case operation::seal:
    case operation::adopt:
    case operation::clear_table:
    case operation::create_group:
    case operation::join_group:
    case operation::leave_group:
    case operation::table_arrived:
      break;
  }
  return {outcome_code::refused, "not a command of this table"};
}

void state_machine::put(std::string_view row, std::string_view value, std::string_view principal,
                        stamp when) {
  rows_.update(row, [&](const blob& before) {
    row_record next{1, when, when, principal, value};
    if (before) {
      const auto old = decode_row(*before);
      ATLAS_CHECK(old.has_value(), "rows decode");
      next.version = old->version + 1;
      next.created = old->created;
    }
    return std::optional<blob>(make_blob(encode_row(next)));
  });
}

std::vector<std::pair<std::string, std::string>> state_machine::rows(
    const std::string& prefix) const {
  std::vector<std::pair<std::string, std::string>> found;
  rows_.scan(prefix, {}, [&](std::string_view row, std::string_view bytes) {
    const auto record = decode_row(bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
    found.emplace_back(row, record->value);
    return true;
  });
  return found;
}

bool state_machine::take_catalogue_change() {
  return log_ == meta_log && std::exchange(catalogue_changed_, false);
}

std::string encode_rows(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string out;
  for (const auto& [row, value] : rows) {
    put_string(out, row);
    put_string(out, value);
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> decode_rows(
    std::string_view bytes) {
  std::vector<std::pair<std::string, std::string>> rows;
  byte_reader in(bytes);
  while (!in.failed() && !in.rest().empty()) {
    std::string row(in.string());
    std::string value(in.string());
    rows.emplace_back(std::move(row), std::move(value));
  }
  if (in.failed()) return std::nullopt;
  return rows;
}

}  // namespace atlas::core
