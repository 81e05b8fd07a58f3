// Tables that this node does not know yet, and scans over several tables.
#include <algorithm>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/state_machine.hpp"
#include "net/command_parser.hpp"

namespace atlas::actors {

/// One SCAN: the parts that are still out, and the keys so far.
struct request_router::scan_job {
  std::uint64_t ticket = 0;
  std::uint64_t deadline = 0;
  std::string prefix;
  std::size_t parts = 0;
  bool failed = false;
  std::vector<std::string> keys;
};

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
  const bool is_write = !net::is_key_read(r.what);
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
                      wake_if_ready(lock);
                    }},
            monotonic_us() / 1000 + options_.request_timeout_ms);
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
  if (result.code == core::outcome_code::ok && known && closed_.contains(known->table)) {
    result = {core::outcome_code::not_found, {}};  // only the name is still there
  } else if (result.code == core::outcome_code::ok && known && known->is_group) {
    result = {core::outcome_code::refused,
              table + " is a group of tables and holds no keys of its own"};
  } else if (result.code == core::outcome_code::ok) {
    const auto old = routes_.find(table);
    if (old != routes_.end() && old->second->is_group) retire(old->second->table);
    u.exists = true;
    return unpark_known();
  }
  auto list = std::exchange(u.list, {});
  unknown_.erase(found);
  for (auto& p : list) {
    const bool is_read = net::is_key_read(p.request.what);
    // "Absent" was true at some moment after the asked ones came. Of later ones it says nothing:
    // the table may have been made and written to before they were sent.
    if (result.code == core::outcome_code::not_found && (!p.asked || !is_read))
      park(table, std::move(p.request), p.deadline_ms);
    else if (result.code == core::outcome_code::not_found)
      reply_absent(p.request);
    else
      reply(p.request.ticket, net::reply_kind::warn, result.data);
  }
}

/// The table was asked for after the request came, and is not there.
void request_router::reply_absent(const net::client_request& r) {
  const bool is_blob = r.what == net::verb::blob_get;
  reply(r.ticket, net::reply_kind::payload, is_blob ? "EMPTY" : "NOT_FOUND");
  if (r.what == net::verb::key_get_stale) ready_.back().head = "AGE:0";
}

void request_router::unpark_known() {
  for (auto it = unknown_.begin(); it != unknown_.end();) {
    if (it->second.asked || !find_route(it->first)) {
      // A lookup that could not be decided is tried again while somebody waits for it.
      auto& u = it->second;
      const std::string table = it->first;
      const bool again = !u.asked && !u.exists && !u.list.empty();
      ++it;
      if (again) {
        if (net::is_key_read(u.list.front().request.what))
          look_up(table);
        else
          create(table);
      }
      continue;
    }
    auto list = std::exchange(it->second.list, {});
    it = unknown_.erase(it);
    for (auto& p : list) start_key(std::move(p.request), 0, p.deadline_ms);
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

void request_router::start_scan(net::client_request&& r, std::uint64_t, std::uint64_t deadline) {
  if (options_.keys_folded)
    std::transform(r.key.begin(), r.key.end(), r.key.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  auto job = std::make_shared<scan_job>();
  job->ticket = r.ticket;
  job->deadline = deadline;
  job->prefix = r.key;
  const auto dot = r.key.find('.');
  const std::string table = r.key.substr(0, dot);
  const std::string rows = dot == std::string::npos ? std::string() : r.key.substr(dot);
  // With a dot the prefix names one table; without, every table whose name begins with it. Either
  // way the meta log's owner says which exist: this node's own list may be a moment old.
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) return reply(r.ticket, net::reply_kind::warn, "this node is still starting");
  job->parts = 1;
  const bool one = dot != std::string::npos;
  if (one) {
    if (find_route(table)) return scan_table(job, table, rows);
  }
  add_read(*meta, core::read_kind::scan, "t/" + table,
           waiting{0, net::verb::scan,
                   [this, job, table, rows, one](bool decided, core::outcome&& result) {
                     std::unique_lock lock(mutex_);
                     if (!decided) {
                       reply(job->ticket, net::reply_kind::warn, result.data);
                     } else {
                       std::vector<std::string> tables;
                       if (const auto found = core::decode_rows(result.data))
                         for (const auto& [row, value] : *found)
                           if (!one || row.substr(2) == table) tables.push_back(row.substr(2));
                       if (one && !tables.empty())
                         scan_table(job, table, rows);
                       else
                         scan_tables(job, std::move(tables));
                     }
                     flush_dirty(monotonic_us() / 1000);
                     wake_if_ready(lock);
                   }},
           deadline);
}

void request_router::rescan(scan_job& job) {
  if (std::exchange(job.failed, true)) return;
  rescans_.push_back({{job.ticket, net::verb::scan, job.prefix, {}, {}}, job.deadline, false});
}

void request_router::repeat_scans() {
  for (auto& s : std::exchange(rescans_, {})) {
    if (s.deadline_ms > ticked_at_ms_)
      start_scan(std::move(s.request), ticked_at_ms_, s.deadline_ms);
    else
      reply(s.request.ticket, net::reply_kind::warn,
            "a table that begins with " + s.request.key +
                " is being created or dropped and is not open here yet; try again");
  }
}

void request_router::scan_tables(std::shared_ptr<scan_job> job, std::vector<std::string> tables) {
  if (tables.empty()) return reply(job->ticket, net::reply_kind::payload, "KEYS:0");
  job->parts = tables.size();
  for (const auto& t : tables) scan_table(job, t, "");
}

void request_router::scan_table(const std::shared_ptr<scan_job>& job, const std::string& table,
                                const std::string& rows) {
  auto* to = find_route(table);
  const auto part_done = [this, job, table](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    if (decided && result.code == core::outcome_code::dropped) rescan(*job);
    if (decided)
      if (const auto found = core::decode_rows(result.data))
        for (const auto& [row, value] : *found) job->keys.push_back(table + row);
    if (!decided && !std::exchange(job->failed, true))
      reply(job->ticket, net::reply_kind::warn, result.data);
    if (--job->parts == 0 && !job->failed) {
      std::sort(job->keys.begin(), job->keys.end());
      std::string text = "KEYS:" + std::to_string(job->keys.size());
      for (const auto& key : job->keys) text += "\r\n" + key;
      reply(job->ticket, net::reply_kind::payload, std::move(text));
    }
    wake_if_ready(lock);
  };
  if (!to) return rescan(*job);
  if (to->is_group) {
    // Holds no keys; its part of the job is done at once.
    after_.emplace_back([part_done] { part_done(true, {core::outcome_code::ok, {}}); });
    return;
  }
  add_read(*to, core::read_kind::scan, rows, waiting{0, net::verb::scan, part_done}, job->deadline);
}

}  // namespace atlas::actors
