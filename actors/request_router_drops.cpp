// TABLE DROP in three steps: the meta log decides it, the table's own log closes (from then on it
// answers nothing), and the meta log frees the name. In this order no two tables of one name are
// ever served at once, and nothing acknowledged to a later table can be lost with an earlier one.
// Each step may be repeated, by any node: the owner of the log sees that a drop is finished.
#include <algorithm>

#include "actors/request_router.hpp"
#include "actors/table_settings.hpp"

namespace atlas::actors {

void request_router::start_drop(const net::client_request& r, std::uint64_t deadline) {
  auto wrong = table_name_error(r.key);
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  decide(core::operation::close_table, r.key, {}, r.ticket, deadline,
         [this, ticket = r.ticket, deadline, table = r.key](core::outcome&& result) {
           const auto found = core::decode_table(result.data);
           if (!found)
             return reply(ticket, net::reply_kind::warn,
                          "not found: table " + table + " does not exist");
           auto& d = drops_[found->log];
           d.table = table;
           d.deadline = std::max(d.deadline, deadline);
           d.tickets.push_back(ticket);
           press_drops(monotonic_us() / 1000);
         });
}

void request_router::on_closing(const std::string& table, core::log_id log) {
  std::unique_lock lock(mutex_);
  const auto now = monotonic_us() / 1000;
  const auto [at, fresh] = drops_.try_emplace(log);
  if (!fresh) return;
  at->second.table = table;
  at->second.deadline = now + options_.request_timeout_ms;
  press_drops(now);
  flush_dirty(now);
  wake_if_ready(lock);
}

void request_router::press_drops(std::uint64_t now) {
  for (auto it = drops_.begin(); it != drops_.end();) {
    auto& d = it->second;
    if (!d.asked && now >= d.deadline)
      end_drop(d, "not finished yet: table " + d.table +
                      " is being dropped; its owner goes on with it as soon as it has a quorum");
    else if (d.asked || press_drop(it->first, d)) {
      ++it;
      continue;
    }
    it = drops_.erase(it);
  }
}

/// False if there is nothing more to do.
bool request_router::press_drop(core::log_id log, pending_drop& d) {
  if (board_->catalogue()->was_dropped(log)) {
    end_drop(d, {});
    return false;
  }
  auto* const to = d.closed ? find_route(std::string(core::meta_table)) : find_route(d.table);
  d.closed = d.closed || closed_.contains(log);
  if (!to || (!d.closed && to->entry->log != log)) return true;  // not open here yet
  d.asked = true;
  const auto answered = [this, log](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    const auto found = drops_.find(log);
    if (found != drops_.end()) {
      auto& one = found->second;
      one.asked = false;
      const bool done = decided && (result.code == core::outcome_code::ok ||
                                    result.code == core::outcome_code::dropped);
      if (done && one.closed) {
        end_drop(one, {});
        drops_.erase(found);
      } else if (done) {
        one.closed = true;
        retire(log);
      }
      // What could not be decided is tried again by the next tick, until the deadline.
      const auto now = monotonic_us() / 1000;
      if (done) press_drops(now);
      flush_dirty(now);
    }
    wake_if_ready(lock);
  };
  if (d.closed) {
    auto* const meta = find_route(std::string(core::meta_table));
    add_write(*meta, {0, core::operation::forget_table, d.table, std::to_string(log.value), {}},
              waiting{0, net::verb::key_put, answered}, d.deadline);
  } else {
    add_write(*to, {0, core::operation::close_log, {}, {}, {}},
              waiting{0, net::verb::key_put, answered}, d.deadline);
  }
  return true;
}

void request_router::end_drop(pending_drop& d, const std::string& wrong) {
  for (const auto ticket : d.tickets)
    wrong.empty() ? reply(ticket, net::reply_kind::ok)
                  : reply(ticket, net::reply_kind::warn, wrong);
}

void request_router::retire(core::log_id log) {
  closed_.insert(log);
  const auto known = by_log_.find(log);
  if (known == by_log_.end()) return;
  const auto at = routes_.find(known->second->entry->table);
  if (at == routes_.end() || at->second.get() != known->second) return;
  retired_.push_back(std::move(at->second));
  routes_.erase(at);
}

void request_router::leave_removed_logs() {
  std::vector<core::log_id> gone;
  for (const auto& [log, r] : by_log_)
    if (!board_->log(log)) gone.push_back(log);
  for (const auto log : gone) {
    retire(log);
    auto& r = *by_log_.at(log);
    for (auto& request : r.requests.withdraw_all()) send_elsewhere(r, std::move(request));
  }
  sweep_retired();
}

void request_router::sweep_retired() {
  std::erase_if(retired_, [&](const auto& r) {
    if (r->dirty || r->requests.size() > 0) return false;
    by_log_.erase(r->entry->log);
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
  const auto& table = from.entry->table;
  if (r.in_doubt)
    return reply(w.ticket, net::reply_kind::warn,
                 "outcome unknown: table " + table + " was dropped meanwhile");
  // Nothing was done. The meta log's owner says what the name stands for now; this node may be the
  // last to hear of a new table.
  park(table,
       {w.ticket, w.verb, table + r.write.row, std::move(r.write.value),
        std::move(r.write.principal)},
       r.deadline.ms);
}

}  // namespace atlas::actors
