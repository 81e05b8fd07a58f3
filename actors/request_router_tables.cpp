// Tables that this node does not know yet.
#include <algorithm>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/check.hpp"
#include "core/state_machine.hpp"
#include "net/command_parser.hpp"

namespace atlas::actors {
namespace {

/// Of the tables of a transaction only that of its first key is made: the others have to be in the
/// group of that one.
bool makes(const std::string& table, const net::client_request& r) {
  return net::makes_table(r.what) &&
         (r.what != net::verb::txn_commit || table == net::table_of(r.key));
}

}  // namespace

/// By the catalogue alone, which says name, table and log in one breath: a log by its name may be
/// that of a group which the table of this name was in before it was dropped.
request_router::route* request_router::find_route(const std::string& table) {
  if (const auto found = routes_.find(table); found != routes_.end()) return found->second.get();
  const auto catalogue = board_->catalogue();
  const auto* const record = catalogue->find(table);
  if (!record && table != core::meta_table) return nullptr;  // the meta table is in no catalogue
  const auto id = record ? record->table : core::home_table(core::meta_log);
  if (closed_.contains(id)) return nullptr;
  auto entry = record && record->from ? board_->log(record->from) : nullptr;
  if (!entry) entry = board_->log(record ? record->log : core::meta_log);
  if (!entry) return nullptr;
  auto made = std::make_unique<route>(board_->self(), id, table);
  made->is_group = record && record->is_group;
  made->before_first = record ? record->made.us : 0;
  made->entry = std::move(entry);
  auto* r = made.get();
  ATLAS_CHECK(by_table_.emplace(id, r).second, "a table has one route");
  routes_.emplace(table, std::move(made));
  return r;
}

bool request_router::is_gone(core::table_id table) const {
  return closed_.contains(table) || board_->catalogue()->was_forgotten(table);
}

void request_router::run_meta_command(core::operation what, std::string row, std::string value,
                                      std::function<void(bool, core::outcome)> done) {
  std::unique_lock lock(mutex_);
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) {
    lock.unlock();
    return done(false, {core::outcome_code::refused, "this node is still starting"});
  }
  const auto now = monotonic_us() / 1000;
  add_write(*meta, {0, what, std::move(row), std::move(value), {}},
            waiting{0, net::verb::key_put, std::move(done)}, now + options_.request_timeout_ms);
  flush_dirty(now);
  const auto wake = wake_;
  wake_if_ready(lock);
  if (wake) wake();  // the gateway's thread keeps the deadline
}

void request_router::park(const std::string& table, net::client_request&& r,
                          std::uint64_t deadline) {
  auto& u = unknown_[table];
  const bool is_write = makes(table, r);
  u.list.push_back({std::move(r), deadline, false});
  if (u.asked || u.exists) return;
  if (is_write)
    create(table);
  else
    look_up(table);
}

void request_router::look_up(const std::string& table) {
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) return;  // asked again by the next tick
  auto& u = unknown_[table];
  u.asked = true;
  for (auto& p : u.list) p.asked = true;
  add_read(*meta, core::read_kind::get, "t/" + table,
           waiting{0, net::verb::key_get,
                   [this, table](bool decided, core::outcome&& result) {
                     std::unique_lock lock(mutex_);
                     on_looked_up(table, decided, std::move(result));
                     flush_dirty(monotonic_us() / 1000);
                     wake_if_ready(lock);
                   }},
           monotonic_us() / 1000 + options_.request_timeout_ms);
}

void request_router::create(const std::string& table) {
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) return;
  unknown_[table].asked = true;
  add_write(*meta,
            {0, core::operation::create_table, table, core::encode_policy(options_.quorum), {}},
            waiting{0, net::verb::key_put,
                    [this, table](bool decided, core::outcome&& result) {
                      std::unique_lock lock(mutex_);
                      if (decided && result.code == core::outcome_code::ok)
                        if (const auto t = core::decode_table(result.data))
                          caf::anon_send(board_->coordinator, created_here{t->log});
                      on_looked_up(table, decided, std::move(result));
                      flush_dirty(monotonic_us() / 1000);
                      wake_if_ready(lock);
                    }},
            monotonic_us() / 1000 + options_.request_timeout_ms);
}

/// The meta log says that the name is this table's. Not a group that was made since then.
void request_router::leave_group(const core::table_record& known) {
  const auto old = routes_.find(known.name);
  if (old != routes_.end() && old->second->is_group && old->second->table < known.table)
    retire(old->second->table);
}

void request_router::on_looked_up(const std::string& table, bool decided, core::outcome&& result) {
  const auto found = unknown_.find(table);
  if (found == unknown_.end()) return;
  auto& u = found->second;
  u.asked = false;
  if (!decided) {
    u.why = result.data;
    return;
  }
  if (result.code == core::outcome_code::dropped) {
    u.why = "table " + table + " is being dropped; try again in a moment";
    return;  // asked again until the name is free
  }
  const auto known = core::decode_table(result.data);
  if (result.code == core::outcome_code::ok && !known) {
    result = {core::outcome_code::refused, damaged_answer};
  } else if (result.code == core::outcome_code::ok && is_gone(known->table)) {
    result = {core::outcome_code::not_found, {}};  // only the name is still there
  } else if (result.code == core::outcome_code::ok && known->is_group) {
    result = {core::outcome_code::refused,
              table + " is a group of tables and holds no keys of its own"};
  } else if (result.code == core::outcome_code::ok) {
    leave_group(*known);
    u.exists = known->table;
    return unpark_known();
  }
  auto list = std::exchange(u.list, {});
  unknown_.erase(found);
  for (auto& p : list) {
    const bool is_read = !makes(table, p.request);
    // "Absent" was true at some moment after the asked ones came. Of later ones it says nothing:
    // the table may have been made and written to before they were sent.
    if (result.code == core::outcome_code::not_found && (!p.asked || !is_read))
      park(table, std::move(p.request), p.deadline_ms);
    else if (result.code == core::outcome_code::not_found)
      reply_absent(table, p.request);
    else
      reply(p.request.ticket, net::reply_kind::warn, result.data);
  }
}

/// The table was asked for after the request came, and is not there.
void request_router::reply_absent(const std::string& table, const net::client_request& r) {
  switch (r.what) {
    case net::verb::blob_get:
    case net::verb::blob_stat:
      return reply(r.ticket, net::reply_kind::payload, "EMPTY");
    case net::verb::blob_chunk:
      return reply(r.ticket, net::reply_kind::warn, "a part of the value is gone");
    case net::verb::acl_list:
      return reply(r.ticket, net::reply_kind::payload, "ACL public");
    case net::verb::acl_revoke:
      return reply(r.ticket, net::reply_kind::payload, acl_text(r));
    case net::verb::watch:
      return reply(r.ticket, net::reply_kind::warn,
                   "table " + std::string(net::table_of(r.key)) +
                       " does not exist: write a key of it or send TABLE CREATE first");
    case net::verb::txn_commit:
      return reply(r.ticket, net::reply_kind::warn,
                   "table " + table + " does not exist; TABLE CREATE " + table +
                       " and put it into the group of the other tables first");
    default:
      reply(r.ticket, net::reply_kind::payload, "NOT_FOUND");
      if (r.what == net::verb::key_get_stale) ready_.back().head = "AGE:0";
  }
}

void request_router::unpark_known() {
  for (auto it = unknown_.begin(); it != unknown_.end();) {
    if (it->second.asked || !find_route(it->first)) {
      // A lookup that could not be decided is tried again while somebody waits for it.
      auto& u = it->second;
      const std::string table = it->first;
      // Made and dropped again before this node heard of it: the name is to be asked for anew.
      if (u.exists && is_gone(u.exists)) u.exists = {};
      const bool again = !u.asked && !u.exists && !u.list.empty();
      ++it;
      if (again) {
        if (makes(table, u.list.front().request))
          create(table);
        else
          look_up(table);
      }
      continue;
    }
    auto list = std::exchange(it->second.list, {});
    it = unknown_.erase(it);
    for (auto& p : list) restart(std::move(p.request), p.deadline_ms);
  }
}

void request_router::expire_parked(std::uint64_t now) {
  for (auto it = unknown_.begin(); it != unknown_.end();) {
    auto& u = it->second;
    std::erase_if(u.list, [&](const parked& p) {
      if (p.deadline_ms > now) return false;
      std::string why = u.why;
      if (why.empty()) {
        const auto meta = board_->log_of(std::string(core::meta_table));
        why = "quorum unavailable: " +
              (meta ? describe_missing(*board_, *meta) : "this node is still starting");
      }
      // The client's own command was never proposed: only the table's creation is in doubt, and
      // creating a table twice changes nothing.
      if (why.starts_with("outcome unknown: ")) why.replace(0, 17, "quorum unavailable: ");
      reply(p.request.ticket, net::reply_kind::warn, std::move(why));
      return true;
    });
    it = u.list.empty() && !u.asked ? unknown_.erase(it) : std::next(it);
  }
}

}  // namespace atlas::actors
