// TABLE DROP in three steps: the meta log decides it, the table's own log closes (from then on it
// answers nothing), and the meta log frees the name. In this order no two tables of one name are
// ever served at once, and nothing acknowledged to a later table can be lost with an earlier one.
// In a group the log goes on: there the table is sealed, and its rows are cleared. Each step may be
// repeated, by any node: whoever owns the log sees that a drop is finished.
#include <algorithm>

#include "actors/request_router.hpp"
#include "actors/table_settings.hpp"

namespace atlas::actors {

void request_router::start_drop(const net::client_request& r, std::uint64_t deadline) {
  auto wrong = table_name_error(r.key);
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  decide(core::operation::close_table, r.key, {}, r.ticket, deadline,
         [this, r, deadline](core::outcome&& result) {
           const auto now = monotonic_us() / 1000;
           const auto found = core::decode_table(result.data);
           if (!found)
             return reply(r.ticket, net::reply_kind::warn,
                          "not found: table " + r.key + " does not exist");
           if (!found->closing && now < deadline) {
             next_tick_.emplace_back([this, r, deadline] { start_drop(r, deadline); });
             return;
           }
           if (!found->closing)
             return reply(r.ticket, net::reply_kind::warn,
                          "not dropped: table " + r.key + " is on its way " +
                              destination_text(*found) + "; try again later");
           auto& d = drops_[found->table];
           d.table = *found;
           d.deadline = std::max(d.deadline, deadline);
           d.tickets.emplace_back(r.ticket, deadline);
           press_drops(now);
         });
}

void request_router::press_drops(std::uint64_t now) {
  for (auto it = drops_.begin(); it != drops_.end();) {
    auto& d = it->second;
    expire_droppers(d, now);
    const bool is_late = !d.asked && now >= d.deadline;
    if (!is_late && (d.asked || press_drop(it->first, d)))
      ++it;
    else
      it = drops_.erase(it);
  }
}

/// Each by the deadline of its own: others may ask for the same for ever.
void request_router::expire_droppers(pending_drop& d, std::uint64_t now) {
  std::erase_if(d.tickets, [&](const auto& one) {
    if (now < one.second) return false;
    reply(one.first, net::reply_kind::warn,
          "not finished yet: table " + d.table.name +
              " is being dropped; its owner goes on with it as soon as it has a quorum");
    return true;
  });
}

/// False if there is nothing more to do.
bool request_router::press_drop(core::table_id table, pending_drop& d) {
  if (board_->catalogue()->was_forgotten(table)) {
    end_drop(d);
    return false;
  }
  d.closed = d.closed || closed_.contains(table);
  step_drop(d, [this, table](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    on_drop_step(table, decided, result);
    wake_if_ready(lock);
  });
  return true;
}

void request_router::step_drop(pending_drop& d, const completion& answered) {
  waiting w{0, net::verb::key_put, answered};
  const auto& t = d.table;
  const bool in_group = !t.group.empty();
  route* to = nullptr;
  core::request_table::write_request what;
  if (!d.closed && in_group) {
    to = admin_route(t.log);
    what.what = core::operation::seal;
    what.value = core::encode(core::seal_request{t.table, t.moves, {}});
  } else if (!d.closed) {
    to = find_route(t.name);
    if (to && to->table != t.table) to = nullptr;
    what.what = core::operation::close_log;
  } else if (in_group && !d.cleared) {
    to = admin_route(t.log);
    what.what = core::operation::clear_table;
    what.value = core::encode(core::clear_request{t.table, t.moves});
  } else {
    to = find_route(std::string(core::meta_table));
    what.what = core::operation::forget_table;
    what.row = t.name;
    what.value = std::to_string(t.table.value);
  }
  if (!to) return;  // not open here yet
  d.asked = true;
  add_write(*to, std::move(what), std::move(w), d.deadline);
}

void request_router::on_drop_step(core::table_id table, bool decided, const core::outcome& result) {
  const auto found = drops_.find(table);
  if (found == drops_.end()) return;
  auto& d = found->second;
  d.asked = false;
  const bool done = decided && (result.code == core::outcome_code::ok ||
                                result.code == core::outcome_code::dropped);
  const auto now = monotonic_us() / 1000;
  if (!done) return;  // again with the next tick, until the deadline
  if (!d.closed) {
    d.closed = true;
    retire(table);
  } else if (!d.table.group.empty() && !d.cleared) {
    d.cleared = result.data == "done";
  } else {
    end_drop(d);
    drops_.erase(found);
  }
  press_drops(now);
  flush_dirty(now);
}

void request_router::end_drop(pending_drop& d) {
  for (const auto& [ticket, deadline] : d.tickets) reply(ticket, net::reply_kind::ok);
}

void request_router::retire(core::table_id table) {
  closed_.insert(table);
  const auto known = by_table_.find(table);
  if (known == by_table_.end()) return;
  const auto at = routes_.find(known->second->label);
  if (at == routes_.end() || at->second.get() != known->second) return;
  retired_.push_back(std::move(at->second));
  routes_.erase(at);
}

/// Whoever dropped them: the name may stand for another table soon, or does.
void request_router::leave_dropped_tables() {
  std::vector<core::table_id> gone;
  const auto catalogue = board_->catalogue();
  for (const auto& [table, r] : by_table_)
    if (r->entry->log != core::meta_log && catalogue->was_forgotten(table)) gone.push_back(table);
  for (const auto table : gone) {
    retire(table);
    auto& r = *by_table_.at(table);
    if (board_->log(r.entry->log)) continue;  // it still tells what became of each request
    withdraw_stale(r);
    for (auto& request : r.requests.withdraw_all()) send_elsewhere(r, std::move(request));
  }
  // Whoever waits there takes the next step from what the catalogue says.
  std::erase_if(admin_, [&](auto& one) {
    auto& r = *one.second;
    if (board_->log(one.first) || r.dirty) return false;
    for (auto& request : r.requests.withdraw_all()) send_elsewhere(r, std::move(request));
    return true;
  });
  sweep_retired();
}

void request_router::sweep_retired() {
  std::erase_if(retired_, [&](const auto& r) {
    if (r->dirty || r->requests.size() > 0 || !r->stale.empty()) return false;
    by_table_.erase(r->table);
    return true;
  });
}

void request_router::send_elsewhere(const route& from, core::request_table::withdrawn&& r) {
  const auto found = waiting_.find(r.ticket);
  if (found == waiting_.end()) return;
  const waiting w = std::move(found->second);
  waiting_.erase(found);
  if (w.done) {
    after_.emplace_back([done = w.done] { done(true, {core::outcome_code::dropped, {}}); });
    return;
  }
  const auto& table = from.label;
  const bool is_part = w.verb == net::verb::blob_part || w.verb == net::verb::blob_commit;
  // A part may be sent twice: without its manifest a value is as it was.
  if (r.in_doubt && w.verb != net::verb::blob_part)
    return reply(w.ticket, net::reply_kind::warn,
                 "outcome unknown: table " + table + " was dropped meanwhile");
  if (is_part) w.original->value = std::move(r.write.value);  // it was moved there
  if (w.original) return park(table, std::move(*w.original), r.deadline.ms);
  // Nothing was done. The meta log's owner says what the name stands for now; this node may be the
  // last to hear of a new table.
  park(table,
       {w.ticket, w.verb, table + r.write.row, std::move(r.write.value),
        std::move(r.write.principal)},
       r.deadline.ms);
}

}  // namespace atlas::actors
