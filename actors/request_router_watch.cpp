// WATCH: every change of a table, once and in order, from the history in this node's own copy of
// the log. The reader looks; here is who wants to know, how far he is, and whether he keeps up.
#include <algorithm>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/bytes.hpp"
#include "core/stale_reads.hpp"
#include "core/state_machine.hpp"

namespace atlas::actors {
namespace {

// Also without a sign of something new: an idle look costs next to nothing.
constexpr std::uint64_t look_every_ms = 1'000;

std::string event_text(const std::string& table, const core::watch_event& e, bool values) {
  const auto position = std::to_string(e.position);
  if (e.gap_to) return "GAP " + position + " " + std::to_string(e.gap_to);
  const char* const what = e.what == core::change_kind::put     ? " PUT "
                           : e.what == core::change_kind::erase ? " DEL "
                                                                : " EXPIRE ";
  std::string text = "EVENT " + position + what + table + e.row +
                     " version=" + std::to_string(e.version) +
                     " principal=" + (e.principal.empty() ? "-" : e.principal);
  if (e.chunked)
    text += " blob=" + std::to_string(*e.chunked);
  else if (values)
    text += " length=" + std::to_string(e.value.size()) + "\r\n" + e.value;
  return text;
}

}  // namespace

void request_router::add_watch(route& to, const net::client_request& r, std::string row,
                               std::uint64_t deadline) {
  auto& w = watches_[r.ticket];
  w.table = to.label;
  w.deadline_ms = deadline;
  w.terms.table = to.table;
  w.terms.prefix = std::move(row);
  w.terms.principal = r.principal;
  w.terms.values = r.terms.ends_with('1');
  w.before_first = to.before_first;
  if (r.terms.front() != '-') {
    w.named = std::stoull(r.terms);
    w.terms.next = *w.named > w.before_first ? *w.named - w.before_first + 1 : 1;
  }
  follow_to(w, to.entry);
  // From now on means: behind everything that was acknowledged before.
  if (w.terms.next)
    look(r.ticket, w);
  else
    ask_where(r.ticket, w);
}

void request_router::follow_to(watch& w, std::shared_ptr<log_entry> entry) {
  if (!entry || entry == w.entry) return;
  if (w.entry) --w.entry->watches;
  w.entry = std::move(entry);
  ++w.entry->watches;
  w.terms.home = core::home_table(w.entry->log);
  w.terms.from = {};
  w.frontier.reset();
  w.question = 0;  // its answer would be of another log, or of an earlier stay in this one
  w.is_orphan = false;
}

/// To the log that the table has gone to, or, if that is gone already, to where the catalogue says
/// it is now. What is not open here yet is tried again with a later look.
void request_router::follow_on(watch& w, core::log_id log) {
  if (auto entry = board_->log(log)) return follow_to(w, std::move(entry));
  const auto catalogue = board_->catalogue();
  if (const auto* const record = catalogue->find(w.terms.table))
    follow_to(w, board_->log(record->log));
}

void request_router::look(std::uint64_t ticket, watch& w) {
  w.again = w.is_asked || w.is_full;
  if (w.again || !w.entry) return;
  w.is_asked = true;
  w.asked = w.entry->log;
  w.number = ++last_look_;
  w.looked_at_ms = ticked_at_ms_;
  caf::anon_send(board_->reader, watch_job{ticket, w.number, w.entry->disk, w.terms});
}

void request_router::on_watch_part(std::uint64_t ticket, std::uint64_t look,
                                   core::watch_part&& part) {
  std::unique_lock lock(mutex_);
  // A watch that was asked for again has the ticket of the one before.
  if (const auto w = watches_.find(ticket); w != watches_.end() && w->second.number == look)
    take_watch_part(ticket, w->second, std::move(part));
  flush_dirty(monotonic_us() / 1000);
  wake_if_ready(lock);
}

void request_router::take_watch_part(std::uint64_t ticket, watch& w, core::watch_part&& part) {
  using state = core::watch_state;
  w.is_asked = false;
  if (w.asked != w.entry->log) return look(ticket, w);  // it has gone on meanwhile
  if (part.state == state::absent) return;
  if (!w.terms.next && (!w.frontier || part.applied < *w.frontier)) {
    if (!w.frontier) ask_where(ticket, w);
    return;
  }
  for (auto& e : part.events) {
    e.position += w.before_first;
    if (e.gap_to) e.gap_to += w.before_first;
  }
  if (part.state == state::ahead) return check_position(ticket, w, part);
  if (part.state == state::dropped && !w.is_told) return ask_again(ticket);
  if (!std::exchange(w.is_told, true)) begin_telling(ticket, w, part);
  w.terms.next = part.next;
  w.terms.from = part.from;
  if (!part.events.empty()) give_events(ticket, w, std::move(part.events));
  if (part.state == state::dropped) return end_watch(ticket, "table " + w.table + " was dropped");
  if (part.state == state::moved) follow_on(w, part.other);
  const bool has_gone_on = w.entry->log != w.asked;
  if (w.again || part.state == state::more || has_gone_on) look(ticket, w);
}

void request_router::begin_telling(std::uint64_t ticket, watch& w, core::watch_part& part) {
  const auto position = w.named.value_or(w.before_first + part.next - 1);
  ready_.push_back({ticket, net::reply_kind::line, "WATCHING " + std::to_string(position)});
  ready_.back().more = true;
  // Not this table's: what became of the one that it was of is not known any more.
  if (position == 0 || position >= w.before_first) return;
  core::watch_event gap;
  gap.position = position + 1;
  gap.gap_to = w.before_first;
  part.events.insert(part.events.begin(), std::move(gap));
}

void request_router::give_events(std::uint64_t ticket, watch& w,
                                 std::vector<core::watch_event>&& events) {
  std::string frames;
  for (const auto& e : events)
    core::put_string(frames, event_text(w.table, e, w.terms.values && !e.gap_to));
  ready_.push_back({ticket, net::reply_kind::frames, std::move(frames)});
  ready_.back().more = true;
  w.is_full = true;
}

/// The client names a position that this copy has not come to: it may be behind, or the position
/// may be none of this table's. The owner's frontier tells which.
void request_router::check_position(std::uint64_t ticket, watch& w, const core::watch_part& part) {
  if (!w.frontier) return ask_where(ticket, w);
  if (w.named && part.applied >= *w.frontier)
    end_watch(ticket, "position " + std::to_string(*w.named) + " is ahead of table " + w.table +
                          ", which is at " + std::to_string(w.before_first + part.position) +
                          ": it is of another table; watch from 0, or without FROM");
}

/// Asks the owner how far the log is that holds the table.
void request_router::ask_where(std::uint64_t ticket, watch& w) {
  auto* const to = route_of(w.terms.table);
  if (!to && !w.is_told) return ask_again(ticket);  // dropped, and its last request is answered
  if (!to || w.question) return;
  w.question = ++last_look_;
  const auto answered = [this, ticket, question = w.question](bool decided,
                                                              core::outcome&& result) {
    std::unique_lock lock(mutex_);
    const auto mine = watches_.find(ticket);
    if (mine != watches_.end() && mine->second.question == question)
      on_told_where(ticket, mine->second, decided, result);
    flush_dirty(monotonic_us() / 1000);
    wake_if_ready(lock);
  };
  const auto deadline = monotonic_us() / 1000 + options_.request_timeout_ms;
  add_read(*to, core::read_kind::frontier, {}, waiting{0, net::verb::watch, answered},
           w.is_told ? deadline : w.deadline_ms);
}

void request_router::on_told_where(std::uint64_t ticket, watch& w, bool decided,
                                   const core::outcome& result) {
  w.question = 0;
  const auto f = core::decode_frontier(result.data);
  const bool is_dropped = decided && result.code == core::outcome_code::dropped;
  if (w.is_told) {
    // Its end is told by the looks, behind everything that was before it.
    if (decided && f && w.entry->log == f->log) w.frontier = f->upto;
  } else if (is_dropped) {
    ask_again(ticket);
  } else if (!decided || !f) {
    end_watch(ticket, decided ? damaged_answer : result.data);
  } else {
    follow_to(w, board_->log(f->log));
    if (w.entry->log == f->log) w.frontier = f->upto;
    look(ticket, w);
  }
}

/// The table that the name stood for here was dropped: the name may stand for another by now.
void request_router::ask_again(std::uint64_t ticket) {
  auto& w = watches_.at(ticket);
  if (w.is_told) return end_watch(ticket, "table " + w.table + " was dropped");
  net::client_request r;
  r.ticket = ticket;
  r.what = net::verb::watch;
  r.key = w.table + w.terms.prefix;
  r.principal = w.terms.principal;
  r.terms = (w.named ? std::to_string(*w.named) : "-") + (w.terms.values ? " 1" : " 0");
  const auto deadline = w.deadline_ms;
  const auto table = w.table;
  retire(w.terms.table);
  forget_watch(ticket);
  park(table, std::move(r), deadline);
}

void request_router::end_watch(std::uint64_t ticket, const std::string& why) {
  forget_watch(ticket);
  reply(ticket, net::reply_kind::warn, why + "; the watch has ended");
}

void request_router::forget_watch(std::uint64_t ticket) {
  const auto w = watches_.find(ticket);
  if (w == watches_.end()) return;
  if (w->second.entry) --w->second.entry->watches;
  watches_.erase(w);
}

void request_router::on_history(core::log_id log) {
  std::unique_lock lock(mutex_);
  for (auto& [ticket, w] : watches_)
    if (w.entry->log == log) look(ticket, w);
}

void request_router::on_taken(const std::vector<std::uint64_t>& tickets) {
  std::unique_lock lock(mutex_);
  for (const auto ticket : tickets) {
    const auto w = watches_.find(ticket);
    if (w == watches_.end()) continue;
    w->second.is_full = false;
    if (w->second.again) look(ticket, w->second);
  }
}

void request_router::cancel(const std::vector<std::uint64_t>& tickets) {
  std::unique_lock lock(mutex_);
  for (const auto ticket : tickets) {
    forget_watch(ticket);
    if (board_->hasher) caf::anon_send(board_->hasher, hash_end{ticket});
    for (auto& [table, u] : unknown_)
      std::erase_if(u.list, [&](const parked& p) { return p.request.ticket == ticket; });
  }
}

void request_router::look_after_watches(std::uint64_t now) {
  if (watches_.empty()) return;
  if (board_->was_removed()) {
    std::vector<std::uint64_t> all;
    for (const auto& [ticket, w] : watches_) all.push_back(ticket);
    for (const auto ticket : all) end_watch(ticket, core::removed_text(board_->self().node));
    return;
  }
  std::vector<std::uint64_t> over;
  std::vector<std::uint64_t> late;
  for (auto& [ticket, w] : watches_) {
    if (!w.is_told && now > w.deadline_ms) {
      late.push_back(ticket);
      continue;
    }
    const bool is_idle = !w.is_asked && !w.is_full;
    if (!is_idle || now < w.looked_at_ms + (w.is_told ? look_every_ms : 50)) continue;
    if (look_after_orphan(w))
      look(ticket, w);
    else
      over.push_back(ticket);
  }
  for (const auto ticket : late) {
    const auto& w = watches_.at(ticket);
    end_watch(ticket, "quorum unavailable: " +
                          (w.entry ? describe_missing(*board_, *w.entry)
                                   : "this node has no copy of table " + w.table + " yet"));
  }
  for (const auto ticket : over) ask_again(ticket);
}

/// A log may be removed before this node's copy has come to its end: then the rest is a gap in the
/// log that the table went to. False if the table is nowhere any more. What the copy does hold is
/// told first.
bool request_router::look_after_orphan(watch& w) {
  if (board_->log(w.entry->log) || !std::exchange(w.is_orphan, true)) return true;
  const auto catalogue = board_->catalogue();
  const auto* const record = catalogue->find(w.terms.table);
  if (record) follow_to(w, board_->log(record->log));
  return record != nullptr;
}

}  // namespace atlas::actors
