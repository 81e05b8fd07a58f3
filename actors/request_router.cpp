// Requests in, replies out. Tables that are not known here yet: request_router_tables.cpp.
#include "actors/request_router.hpp"

#include <algorithm>

#include "actors/describe.hpp"
#include "core/check.hpp"
#include "core/row_command.hpp"
#include "core/state_machine.hpp"
#include "net/command_parser.hpp"

namespace atlas::actors {
namespace {

std::uint64_t now_ms() {
  return monotonic_us() / 1000;
}

}  // namespace

request_router::request_router(std::shared_ptr<board> where, router_options options)
    : board_(std::move(where)), options_(std::move(options)) {}

void request_router::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void request_router::submit(std::vector<net::client_request>&& round) {
  make_parts(round);
  std::unique_lock lock(mutex_);
  const auto now = now_ms();
  for (auto& r : round) start(std::move(r), now, now + options_.request_timeout_ms);
  flush_dirty(now);
  wake_if_ready(lock);
}

int request_router::next_deadline_ms() {
  const std::lock_guard lock(mutex_);
  const bool idle = waiting_.empty() && unknown_.empty() && moves_.empty() && changes_.empty() &&
                    drops_.empty() && rescans_.empty() && travels_.empty() && next_tick_.empty();
  return idle ? -1 : static_cast<int>(tick_every_ms);
}

void request_router::poll(std::vector<net::client_reply>& out) {
  std::unique_lock lock(mutex_);
  if (now_ms() >= ticked_at_ms_ + tick_every_ms) {
    tick_locked();
    run_after(lock);
    lock.lock();
  }
  if (out.empty())
    out.swap(ready_);
  else
    std::move(ready_.begin(), ready_.end(), std::back_inserter(out));
  ready_.clear();
}

void request_router::start(net::client_request&& r, std::uint64_t now, std::uint64_t deadline) {
  const bool asks_for_data = net::asks_for_data(r.what);
  if (r.upload && board_->was_removed() && board_->hasher)
    caf::anon_send(board_->hasher, hash_end{r.upload});
  if (board_->was_removed() && asks_for_data)
    return reply(r.ticket, net::reply_kind::warn, core::removed_text(board_->self().node));
  switch (r.what) {
    case net::verb::key_put:
    case net::verb::key_get:
    case net::verb::key_get_stale:
    case net::verb::key_del:
    case net::verb::blob_set:
    case net::verb::blob_get:
    case net::verb::blob_stat:
    case net::verb::key_cas:
    case net::verb::key_incr:
    case net::verb::key_expire:
    case net::verb::key_persist:
    case net::verb::key_ttl:
    case net::verb::key_meta:
    case net::verb::key_worm:
    case net::verb::acl_grant:
    case net::verb::acl_revoke:
    case net::verb::acl_list:
    case net::verb::blob_chunk:
    case net::verb::watch:
      return start_key(std::move(r), now, deadline);
    case net::verb::blob_part:
      return start_blob(std::move(r));
    case net::verb::blob_commit:
      return start_commit(std::move(r), now, deadline);
    case net::verb::txn_commit:
      return start_transaction(std::move(r), deadline);
    case net::verb::key_mget:
      return start_many(r, deadline);
    case net::verb::info:
      return reply(r.ticket, net::reply_kind::payload, info_text());
    case net::verb::scan:
    case net::verb::count:
    case net::verb::sample:
      return start_scan(std::move(r), now, deadline);
    case net::verb::table_move:
      return start_move(r, now, deadline);
    case net::verb::table_create:
    case net::verb::table_alter:
    case net::verb::node_remove:
    case net::verb::table_drop:
    case net::verb::group_create:
    case net::verb::group_add:
    case net::verb::group_remove:
      return start_change(std::move(r), deadline);
    default:
      break;
  }
  auto kind = net::reply_kind::payload;
  auto text = describe(*board_, r, options_.quorum, kind);
  reply(r.ticket, kind, std::move(text));
}

void request_router::start_key(net::client_request&& r, std::uint64_t, std::uint64_t deadline) {
  if (options_.keys_folded)
    std::transform(r.key.begin(), r.key.end(), r.key.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto dot = r.key.find('.');
  // The row keeps its dot, so that the keys `users` and `users.` stay two keys.
  const std::string table = r.key.substr(0, dot);
  const bool is_part = r.what == net::verb::blob_part || r.what == net::verb::blob_commit;
  if (r.value.size() > options_.value_bytes_max && !is_part)
    return reply(r.ticket, net::reply_kind::warn,
                 too_large("value", r.value.size(), options_.value_bytes_max) +
                     " here; write it with KEY PUT without WORM or KEY BLOB SET");
  const bool is_write = !net::is_key_read(r.what) && r.what != net::verb::watch;
  if (auto wrong = key_error(r.key, is_write); !wrong.empty())
    return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  auto* to = find_route(table);
  // What this node takes for a group may be a table by now: the meta log's owner knows.
  if (!to || to->is_group) return park(table, std::move(r), deadline);
  std::string row = dot == std::string::npos ? std::string() : r.key.substr(dot);
  if (r.what == net::verb::watch) return add_watch(*to, r, std::move(row), deadline);
  if (r.what == net::verb::key_get_stale) return add_stale(*to, r, std::move(row), deadline);
  if (net::has_rule(r)) return start_rule(*to, std::move(r), std::move(row), deadline);
  waiting w{r.ticket, r.what, {}, {}, r.connection};
  if (!is_write)
    return add_read(*to, core::read_kind::get, std::move(row), std::move(w), deadline,
                    std::move(r.principal));
  const auto what = r.what == net::verb::key_del ? core::operation::erase : core::operation::put;
  add_write(*to, {0, what, std::move(row), std::move(r.value), std::move(r.principal)},
            std::move(w), deadline);
}

void request_router::add_read(route& to, core::read_kind what, std::string row, waiting w,
                              std::uint64_t deadline, std::string principal) {
  const auto ticket = next_ticket_++;
  waiting_.emplace(ticket, std::move(w));
  to.requests.submit_read(ticket, what, std::move(row), {deadline}, std::move(principal));
  if (!std::exchange(to.dirty, true)) dirty_.push_back(&to);
}

void request_router::add_write(route& to, core::request_table::write_request&& what, waiting w,
                               std::uint64_t deadline) {
  // Chosen, it would end every node that applies it. Steps were looked at already.
  ATLAS_CHECK(
      what.what == core::operation::transaction || core::has_whole_value(what.what, what.value),
      "a request becomes a whole command");
  const auto ticket = next_ticket_++;
  what.ticket = ticket;
  if (!to.requests.submit(std::move(what), {deadline})) {
    const std::string text =
        "overloaded: too many writes to table " + to.label + " are waiting; try again later";
    if (w.done)
      after_.emplace_back([done = std::move(w.done), text] {
        done(false, {core::outcome_code::refused, text});
      });
    else
      reply(w.ticket, net::reply_kind::warn, text);
    return;
  }
  waiting_.emplace(ticket, std::move(w));
  if (!std::exchange(to.dirty, true)) dirty_.push_back(&to);
}

core::process request_router::owner_of(const log_entry& entry, owner_actor& local) const {
  local = entry.owner();
  if (local) return board_->self();
  const auto holder = entry.now().holder;
  if (holder && holder != board_->self() && board_->hears(holder)) return holder;
  return {};
}

void request_router::flush(route& r, std::uint64_t now) {
  owner_actor local;
  const auto to = owner_of(*r.entry, local);
  if (!to) return;
  const caf::actor_id tenure = local ? local.id() : 0;
  if (to != r.destination || tenure != r.tenure) {
    if (r.destination) r.requests.on_owner_changed();
    r.destination = to;
    r.tenure = tenure;
  }
  auto parcel = r.requests.take({now});
  if (parcel.empty()) return;
  if (local) {
    caf::anon_send(local, board_->self(),
                   forward{r.entry->log, std::move(parcel.commands), std::move(parcel.reads)});
  } else {
    board_->forward_to(to.node,
                       {r.entry->log, std::move(parcel.commands), std::move(parcel.reads)});
  }
}

void request_router::flush_dirty(std::uint64_t now) {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {  // grows where an owner is to be asked
    auto* const r = dirty_[i];
    r->dirty = false;
    press_stale(*r, now);
    flush(*r, now);
  }
  dirty_.clear();
}

void request_router::on_answers(answers&& a) {
  std::unique_lock lock(mutex_);
  for (auto& one : a.list) {
    const bool to_log = one.table == core::log_itself;
    auto* const r =
        to_log ? admin_route(a.log) : route_of(one.table ? one.table : core::home_table(a.log));
    if (!r) continue;
    const bool has_moved = one.result.code == core::outcome_code::moved;
    const bool is_gone = one.result.code == core::outcome_code::dropped ||
                         (has_moved && board_->catalogue()->was_forgotten(r->table));
    if (is_gone && a.log != core::meta_log && !to_log) {
      retire(r->table);
      if (auto back = r->requests.withdraw(one)) send_elsewhere(*r, std::move(*back));
      continue;
    }
    if (has_moved) {
      follow_table(*r, one);
      continue;
    }
    if (one.result.code == core::outcome_code::denied && !one.is_read) {
      deny(*r, one);
      continue;
    }
    if (one.result.code == core::outcome_code::chunked) {
      on_chunked(*r, std::move(one));
      continue;
    }
    const auto ticket = r->requests.on_answer(one);
    if (!ticket) continue;
    const auto w = waiting_.find(*ticket);
    if (w == waiting_.end()) continue;
    reply_outcome(w->second, std::move(one.result));
    waiting_.erase(w);
  }
  flush_dirty(now_ms());
  wake_if_ready(lock);
}

void request_router::on_returned(returned&& back) {
  std::unique_lock lock(mutex_);
  auto* const r = back.table == core::log_itself
                      ? admin_route(back.log)
                      : route_of(back.table ? back.table : core::home_table(back.log));
  if (r) r->requests.on_returned(back.commands, back.reads, {now_ms()}, back.why);
}

void request_router::on_routes_changed() {
  std::unique_lock lock(mutex_);
  leave_dropped_tables();
  unpark_known();
  const auto now = now_ms();
  for (auto& [table, r] : routes_) {
    follow_catalogue(*r);
    flush(*r, now);
  }
  for (auto& [log, r] : admin_) flush(*r, now);
  press_travels(now);
  flush_dirty(now);
  wake_if_ready(lock);
}

void request_router::tick() {
  std::unique_lock lock(mutex_);
  tick_locked();
  wake_if_ready(lock);
}

void request_router::tick_locked() {
  const auto now = ticked_at_ms_ = now_ms();
  unpark_known();
  expire_parked(now);
  tick_moves(now);
  continue_changes(now);
  for (auto& again : std::exchange(next_tick_, {})) again();
  look_after_tables(now);
  look_after_watches(now);
  press_drops(now);
  press_travels(now);
  repeat_scans();
  const auto look_after = [&](route& r) {
    if (!r.stale.empty()) expire_stale(r, now);
    if (r.requests.size() == 0) return;
    r.requests.on_tick({now});
    expire(r, now);
    flush(r, now);
  };
  for (auto& [table, r] : routes_) look_after(*r);
  for (auto& [log, r] : admin_) look_after(*r);
  for (auto& r : retired_) look_after(*r);
  flush_dirty(now);
  sweep_retired();
}

void request_router::expire(route& r, std::uint64_t now) {
  for (auto& e : r.requests.expire({now})) {
    const auto w = waiting_.find(e.ticket);
    if (w == waiting_.end()) continue;
    const std::string why = e.why.empty() ? describe_missing(*board_, *r.entry) : e.why;
    // Whatever became of a part: without the manifest the value is as it was.
    const bool in_doubt = e.maybe_done && w->second.verb != net::verb::blob_part;
    const std::string text = (in_doubt ? "outcome unknown: " : "quorum unavailable: ") + why;
    if (w->second.done)
      after_.emplace_back([done = std::move(w->second.done), text] {
        done(false, {core::outcome_code::refused, text});
      });
    else
      reply(w->second.ticket, net::reply_kind::warn, text);
    waiting_.erase(w);
  }
}

void request_router::reply(std::uint64_t ticket, net::reply_kind what, std::string text) {
  if (const auto part = ticket >= first_part ? parts_.find(ticket) : parts_.end();
      part != parts_.end()) {
    const auto done = std::move(part->second);
    parts_.erase(part);
    return done({ticket, what, std::move(text)});
  }
  ready_.push_back({ticket, what, std::move(text)});
}

void request_router::reply_outcome(const waiting& w, core::outcome&& result) {
  if (w.done) {
    after_.emplace_back(
        [done = w.done, result = std::move(result)]() mutable { done(true, std::move(result)); });
    return;
  }
  if (result.code == core::outcome_code::chunked) return reply_chunked(w, result.data);
  if (w.original && result.code <= core::outcome_code::not_found)
    return reply_rule(w, std::move(result));
  const bool is_blob = w.verb == net::verb::blob_get;
  const bool is_read = net::is_key_read(w.verb);
  switch (result.code) {
    case core::outcome_code::ok:
      if (!is_read) return reply(w.ticket, net::reply_kind::ok);
      return reply(w.ticket, is_blob ? net::reply_kind::blob : net::reply_kind::value,
                   std::move(result.data));
    case core::outcome_code::not_found:
      return reply(w.ticket, net::reply_kind::payload, is_blob ? "EMPTY" : "NOT_FOUND");
    case core::outcome_code::refused:
    case core::outcome_code::dropped:
    case core::outcome_code::moved:
    case core::outcome_code::denied:
    case core::outcome_code::expiring:
    case core::outcome_code::chunked:
      return reply(w.ticket, net::reply_kind::warn, std::move(result.data));
    case core::outcome_code::unknown:
      return reply(w.ticket, net::reply_kind::warn, "outcome unknown: " + result.data);
  }
}

void request_router::run_after(std::unique_lock<std::mutex>& lock) {
  // Completions run without the lock: they may submit more.
  auto calls = std::exchange(after_, {});
  lock.unlock();
  for (auto& call : calls) call();
}

void request_router::wake_if_ready(std::unique_lock<std::mutex>& lock) {
  const auto wake = ready_.empty() ? std::function<void()>{} : wake_;
  run_after(lock);
  if (wake) wake();
}

}  // namespace atlas::actors
