#include "core/request_table.hpp"

#include <algorithm>
#include <utility>

#include "core/planted_bug.hpp"
#include "core/result_window.hpp"

namespace atlas::core {

bool request_table::submit(write_request&& w, tick deadline) {
  const sequence oldest = writes_.empty() ? last_write_ + 1 : writes_.begin()->first;
  if (last_write_.value + 1 >= oldest.value + result_window::sequences_max / 2) return false;
  ++last_write_;
  pending_write p;
  p.ticket = w.ticket;
  p.deadline = deadline;
  p.what = std::move(w);
  writes_.emplace_hint(writes_.end(), last_write_, std::move(p));
  ++unsent_;
  return true;
}

void request_table::submit_read(std::uint64_t ticket, read_kind what, std::string row,
                                tick deadline, std::string principal) {
  ++last_read_;
  pending_read p;
  p.ticket = ticket;
  p.deadline = deadline;
  p.what = what;
  p.row = std::move(row);
  p.principal = std::move(principal);
  reads_.emplace_hint(reads_.end(), last_read_, std::move(p));
  ++unsent_;
}

request_table::parcel request_table::take(tick now) {
  parcel out;
  if (unsent_ == 0) return out;
  const sequence floor = writes_.empty() ? last_write_ + 1 : writes_.begin()->first;
  const auto ready = [&](pending& p) {
    if (p.sent_at || p.send_at > now) return false;
    p.sent_at = now;
    --unsent_;
    return true;
  };
  // New requests stand at the end: walk back from there instead of over all that are in flight.
  auto w = writes_.end();
  for (std::size_t left = unsent_; left > 0 && w != writes_.begin();) {
    --w;
    if (w->second.sent_at) continue;
    --left;
    if (!ready(w->second)) continue;
    const auto& r = w->second.what;
    out.commands.push_back({self_, w->first, floor, r.what, r.row, r.value, r.principal, table_});
  }
  std::reverse(out.commands.begin(), out.commands.end());
  auto r = reads_.end();
  for (std::size_t left = unsent_; left > 0 && r != reads_.begin();) {
    --r;
    if (r->second.sent_at) continue;
    --left;
    if (ready(r->second))
      out.reads.push_back(
          {self_, r->first, r->second.what, r->second.row, table_, r->second.principal});
  }
  std::reverse(out.reads.begin(), out.reads.end());
  return out;
}

bool request_table::has_unsent(tick now) const {
  if (unsent_ == 0) return false;
  const auto due = [&](const auto& item) {
    return !item.second.sent_at && item.second.send_at <= now;
  };
  return std::any_of(writes_.rbegin(), writes_.rend(), due) ||
         std::any_of(reads_.rbegin(), reads_.rend(), due);
}

std::optional<std::uint64_t> request_table::on_answer(const answer& a) {
  const auto finish = [&](auto& all) -> std::optional<std::uint64_t> {
    const auto found = all.find(a.number);
    if (found == all.end()) return std::nullopt;
    if (!found->second.sent_at) --unsent_;
    const auto ticket = found->second.ticket;
    all.erase(found);
    return ticket;
  };
  return a.is_read ? finish(reads_) : finish(writes_);
}

std::optional<request_table::withdrawn> request_table::withdraw(const answer& a) {
  if (const auto w = writes_.find(a.number); !a.is_read && w != writes_.end()) {
    auto write = std::move(w->second.what);
    const auto deadline = w->second.deadline;
    const auto& p = w->second;
    // An earlier sending may have been executed before the table was closed and its results with
    // it. And "moved", said again, may be of the sending before this one.
    const bool is_repeated = a.result.code == outcome_code::moved && p.was_moved && p.sent_at;
    const bool in_doubt = (p.in_doubt && !planted(bug::dropped_answers_trusted)) ||
                          (is_repeated && !planted(bug::moved_answers_trusted));
    const auto ticket = on_answer(a);
    return withdrawn{*ticket, deadline, in_doubt, std::move(write)};
  }
  const auto r = reads_.find(a.number);
  if (!a.is_read || r == reads_.end()) return std::nullopt;
  write_request what;
  what.row = std::move(r->second.row);
  what.principal = std::move(r->second.principal);
  const auto deadline = r->second.deadline;
  const auto ticket = on_answer(a);
  return withdrawn{*ticket, deadline, false, std::move(what)};
}

std::vector<request_table::withdrawn> request_table::withdraw_all() {
  std::vector<withdrawn> out;
  for (auto& [number, p] : writes_)
    out.push_back({p.ticket, p.deadline, p.in_doubt || p.sent_at, std::move(p.what)});
  for (auto& [number, p] : reads_) {
    out.push_back({p.ticket, p.deadline, false, {}});
    out.back().write.row = std::move(p.row);
    out.back().write.principal = std::move(p.principal);
  }
  writes_.clear();
  reads_.clear();
  unsent_ = 0;
  return out;
}

void request_table::on_returned(const std::vector<sequence>& commands,
                                const std::vector<sequence>& reads, tick now,
                                const std::string& why) {
  const auto put_back = [&](auto& all, sequence number) {
    const auto found = all.find(number);
    if (found == all.end() || !found->second.sent_at) return;
    auto& p = found->second;
    p.sent_at.reset();
    p.send_at = now + retry_ms;
    p.why = why;
    ++unsent_;
  };
  for (const auto number : commands) put_back(writes_, number);
  for (const auto number : reads) put_back(reads_, number);
}

void request_table::on_moved(const answer& a, tick now, const std::string& why) {
  const auto note = [&](auto& all) {
    const auto found = all.find(a.number);
    if (found == all.end()) return;
    if (std::exchange(found->second.was_moved, true) && !planted(bug::moved_answers_trusted))
      found->second.in_doubt = true;
  };
  a.is_read ? note(reads_) : note(writes_);
  const std::vector<sequence> one{a.number};
  on_returned(a.is_read ? std::vector<sequence>{} : one, a.is_read ? one : std::vector<sequence>{},
              now, why);
}

bool request_table::may_follow(tick now) {
  const bool is_soon = followed_ && now.ms < followed_->ms + retry_ms;
  if (is_soon && !planted(bug::moved_followed_at_once)) return false;
  followed_ = now;
  return true;
}

void request_table::on_owner_changed() {
  const auto again = [&](auto& all) {
    for (auto& [number, p] : all) {
      p.send_at = {};  // a pause was for the owner that gave it back
      if (!p.sent_at) continue;
      p.in_doubt = true;
      p.sent_at.reset();
      ++unsent_;
    }
  };
  again(writes_);
  again(reads_);
}

void request_table::on_tick(tick now) {
  const auto again = [&](auto& all) {
    for (auto& [number, p] : all) {
      if (!p.sent_at || now.ms < p.sent_at->ms + repeat_ms) continue;
      p.in_doubt = true;
      p.sent_at.reset();
      ++unsent_;
    }
  };
  again(writes_);
  again(reads_);
}

std::vector<request_table::expired_request> request_table::expire(tick now) {
  std::vector<expired_request> out;
  const auto sweep = [&](auto& all, bool is_read) {
    for (auto it = all.begin(); it != all.end();) {
      auto& p = it->second;
      if (p.deadline > now) {
        ++it;
        continue;
      }
      if (!p.sent_at) --unsent_;
      const bool sent = (p.in_doubt || p.sent_at) && !planted(bug::expired_called_undone);
      out.push_back({p.ticket, is_read, !is_read && sent, std::move(p.why)});
      it = all.erase(it);
    }
  };
  sweep(writes_, false);
  sweep(reads_, true);
  return out;
}

}  // namespace atlas::core
