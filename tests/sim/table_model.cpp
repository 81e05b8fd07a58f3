#include "tests/sim/table_model.hpp"

#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

bool table_model::admit(const core::command& c, core::log_id log, table_ledger& ledger) {
  auto& o =
      ledger.origins[{c.table, c.table == core::log_itself ? log : core::log_id{}, c.from.node}];
  if (c.from.boot < o.boot || (c.from.boot == o.boot && c.seq < o.floor)) return false;
  if (c.from.boot > o.boot) o = table_ledger::origin{c.from.boot, {}, {}};
  if (!o.done.insert(c.seq).second) return false;
  o.floor = std::max(o.floor, c.floor);
  return true;
}

void table_model::apply(const core::entry& value, bool fresh, const std::string& where,
                        core::log_id log, table_ledger& ledger) {
  history_.push_back(history_.back());
  changes_.emplace_back();
  where_ = where;
  if (value.kind() == core::entry_kind::no_op) ++no_ops_;
  const auto batch = core::decode_batch(value);
  if (!batch) return;
  require(!fresh || batch->when > last_stamp_, where + ": its stamp does not rise");
  // What recovery found may be stamped below the slot before it; log time rises all the same.
  last_stamp_ = std::max(core::stamp{last_stamp_.us + 1}, batch->when);
  when_ = last_stamp_;
  if (tables_.empty()) tables_[core::home_table(log)] = {};
  if (!closed_) expire();
  for (const auto& c : batch->commands) {
    if (closed_) continue;
    const bool to_log = c.table == core::log_itself;
    const auto known = tables_.find(c.table);
    // Not here: it leaves no trace.
    if (!to_log && (known == tables_.end() || known->second.what != core::custody::held)) continue;
    if (!admit(c, log, ledger)) {
      ++repeats_;
      continue;
    }
    require(ledger.executed.insert(c.principal).second,
            where + " executes request " + c.principal + " again (invariant 7)");
    execute(c, log, ledger);
  }
}

void table_model::execute(const core::command& c, core::log_id log, table_ledger& ledger) {
  auto& rows = history_.back();
  if (c.table == core::log_itself) return execute_move(c, log, ledger);
  closed_ = c.what == core::operation::close_log;
  if (closed_)
    rows[core::closed_row].version = 1;
  else if (c.what == core::operation::transaction)
    execute_transaction(c);
  else
    execute_row(c, c.table);
}

model_rows table_model::rows_of(const model_rows& all, const std::string& prefix) {
  model_rows found;
  for (const auto& [row, value] : all)
    if (prefix.empty() ? row.empty() || row.front() == '.' || core::is_chunk_row(row)
                       : row.starts_with(prefix))
      found.emplace(row.substr(prefix.size()), value);
  return found;
}

void table_model::keep(core::table_id table, core::table_state s) {
  auto& row = history_.back()[core::state_row(table)];
  row.value = core::encode(s);
  ++row.version;
  tables_[table] = std::move(s);
}

void table_model::execute_move(const core::command& c, core::log_id log, table_ledger& ledger) {
  if (const auto p = core::decode_adopt_part(c.value); p && c.what == core::operation::adopt)
    return adopt(*p, log, ledger);
  if (const auto r = core::decode_seal_request(c.value); r && c.what == core::operation::seal) {
    const auto known = tables_.find(r->table);
    if (known == tables_.end()) return;
    auto s = known->second;
    if (s.what != core::custody::held || s.moves != r->moves) return;
    s.what = core::custody::sealed;
    s.other = r->to;
    s.least = std::max(s.least, when_);
    s.position = positions_[r->table];
    keep(r->table, s);
    const auto rows = rows_of(history_.back(), core::row_prefix(r->table, r->moves));
    require(ledger.sealed.emplace(std::pair{r->table, r->moves}, std::pair{r->to, rows}).second,
            where_ + ": a table is sealed again at the same count");
    ledger.positions[{r->table, r->moves}] = positions_[r->table];
    ++ledger.seals;
    return;
  }
  const auto r = core::decode_clear_request(c.value);
  const auto known = r ? tables_.find(r->table) : tables_.end();
  if (known == tables_.end()) return;
  auto s = known->second;
  const bool is_last = s.moves == r->moves && s.what == core::custody::sealed;
  if (s.moves <= r->moves && !is_last) return;
  auto& rows = history_.back();
  const auto prefix = core::row_prefix(r->table, r->moves);
  for (const auto& [row, value] : rows_of(rows, prefix)) {
    rows.erase(prefix + row);
    rows.erase(end_row(value.due(), r->table, r->moves, row));
  }
  if (!is_last) return;
  s.what = core::custody::gone;
  rows.erase(core::position_row(r->table));
  keep(r->table, s);
}

void table_model::adopt(const core::adopt_part& p, core::log_id log, table_ledger& ledger) {
  const auto known = tables_.find(p.table);
  const bool is_new = known == tables_.end() ||
                      (known->second.moves < p.moves && known->second.what != core::custody::held);
  const bool is_next = known != tables_.end() && known->second.what == core::custody::arriving &&
                       known->second.moves == p.moves && known->second.parts == p.index;
  if (!is_next && !(is_new && p.index == 0)) return;
  auto& rows = history_.back();
  const auto prefix = core::row_prefix(p.table, p.moves);
  core::table_state s;
  if (is_next) s = known->second;
  s.what = core::custody::arriving;
  s.moves = p.moves;
  s.other = p.from;
  s.least = p.sealed;
  s.parts = p.index + 1;
  for (const auto& [row, record] : p.rows) {
    const auto decoded = core::decode_row(record);
    rows[prefix + row] = {std::string(decoded->value), decoded->version, decoded->expires.us,
                          decoded->write_once.us, decoded->is_chunked};
    if (decoded->due().us) rows[end_row(decoded->due().us, p.table, p.moves, row)] = {};
    s.after = row;
  }
  ++ledger.parts;
  if (!p.last) return keep(p.table, s);
  s.what = core::custody::held;
  s.after.clear();
  keep(p.table, s);
  keep_position(p.table, p.position);
  require(p.position == ledger.positions[{p.table, p.moves - 1}],
          where_ + ": a table arrives at another position than it left");
  ++ledger.adoptions;
  const auto seal = ledger.sealed.find({p.table, p.moves - 1});
  require(seal != ledger.sealed.end() && seal->second.first == log,
          where_ + ": a table is adopted that was not sealed for this log");
  require(seal->second.second == rows_of(rows, prefix),
          where_ + ": a table arrives with other rows than it was sealed with");
}

}  // namespace atlas::sim
