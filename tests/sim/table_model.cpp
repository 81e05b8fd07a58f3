#include "tests/sim/table_model.hpp"

#include <algorithm>

#include "core/state_machine.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

bool table_model::admit(const core::command& c) {
  auto& o = origins_[c.from.node];
  if (c.from.boot < o.boot || (c.from.boot == o.boot && c.seq < o.floor)) return false;
  if (c.from.boot > o.boot) o = origin{c.from.boot, {}, {}};
  if (!o.done.insert(c.seq).second) return false;
  o.floor = std::max(o.floor, c.floor);
  return true;
}

void table_model::apply(const core::entry& value, bool fresh, const std::string& where) {
  history_.push_back(history_.back());
  auto& rows = history_.back();
  if (value.kind() == core::entry_kind::no_op) ++no_ops_;
  const auto batch = core::decode_batch(value);
  if (!batch) return;
  require(!fresh || batch->when > last_stamp_, where + ": its stamp does not rise");
  last_stamp_ = std::max(last_stamp_, batch->when);
  for (const auto& c : batch->commands) {
    if (closed_) continue;
    if (!admit(c)) {
      ++repeats_;
      continue;
    }
    require(executed_.insert(c.principal).second,
            where + " executes request " + c.principal + " again (invariant 7)");
    closed_ = c.what == core::operation::close_log;
    if (closed_) {
      rows[core::closed_row].version = 1;
    } else if (c.what == core::operation::put) {
      auto& row = rows[c.row];
      row.value = c.value;
      ++row.version;
    } else {
      rows.erase(c.row);
    }
  }
}

}  // namespace atlas::sim
