#include "core/coordinator.hpp"

#include <algorithm>

#include "core/grid_quorum.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t ask_again_ms = 300;
// An answer counts this long; an owner that came back in between is noticed by the next round.
constexpr std::uint64_t answer_valid_ms = 1'500;
// What others said about an owner counts this long: it may have lost the log since.
constexpr std::uint64_t hint_valid_ms = 2'000;
// Another candidate gets this long to finish before anybody else starts.
constexpr std::uint64_t rival_grace_ms = 1'000;
constexpr std::uint64_t back_off_ms_max = 4'000;
constexpr std::uint64_t pause_spread_ms = 200;

}  // namespace

std::uint64_t coordinator::first_pause_ms(const log_view& view) {
  if (created_here_.contains(view.log)) return 0;
  // The last owner (its ballot names it) goes first: its clients and data are there.
  const bool was_mine = view.promised.node == self_.node;
  // A log that nobody ever owned was just created: its creator is about to take it.
  const std::uint64_t first = was_mine ? 0 : view.promised ? 150 : 1'500;
  return first + random_.below(pause_spread_ms);
}

void coordinator::on_tick(tick now, const std::vector<log_view>& logs, const hears& heard,
                          coordinator_effects& out) {
  for (const auto& view : logs) consider(now, view, heard, out);
}

void coordinator::consider(tick now, const log_view& view, const hears& heard,
                           coordinator_effects& out) {
  const bool alive = view.owned_here || (view.holder && view.holder != self_ && heard(view.holder));
  if (alive) {
    attempts_.erase(view.log);
    // A candidate that still runs is no success: its defeats stay counted until somebody serves.
    if (view.holder && (view.holder == self_) == view.owned_here) defeats_.erase(view.log);
    if (view.holder) hints_.erase(view.log);
    created_here_.erase(view.log);
    return;
  }
  auto [it, fresh] = attempts_.try_emplace(view.log);
  attempt& a = it->second;
  if (fresh) {
    a.started = now;
    a.not_before = now + first_pause_ms(view);
    a.promised = view.promised;
  }
  if (view.promised != a.promised) {
    a.promised = view.promised;
    if (view.promised.node != self_.node)
      a.not_before = std::max(a.not_before, now + rival_grace_ms + random_.below(500));
  }
  if (const auto known = hints_.find(view.log); known != hints_.end()) {
    // Others follow somebody that this node hears: no reason to depose it while they say so.
    const auto& h = known->second;
    if (h.owner != self_ && heard(h.owner) && now.ms < h.heard_at.ms + hint_valid_ms)
      return ask(now, view, a, out);
    hints_.erase(known);
  }
  const auto quorum = grid_quorum::make(*view.active);
  if (!quorum) return;
  a.missed_by[self_.node] = now;
  std::vector<node_id> agree;
  for (const auto& [node, when] : a.missed_by)
    if (now.ms < when.ms + answer_valid_ms) agree.push_back(node);
  // Nobody can be deposed in a log that this node created and that nobody has promised yet.
  const bool brand_new = created_here_.contains(view.log) && !view.promised;
  if (brand_new || quorum.value().has_q1(quorum.value().votes_of(agree))) {
    if (now < a.not_before) return;
    const auto seen = seen_.find(view.log);
    a.not_before = now + rival_grace_ms;
    out.take_over.emplace_back(
        view.log, std::max(view.promised, seen == seen_.end() ? ballot{} : seen->second));
    return;
  }
  ask(now, view, a, out);
}

void coordinator::ask(tick now, const log_view& view, attempt& a, coordinator_effects& out) {
  if (a.asked_at && now.ms < a.asked_at->ms + ask_again_ms) return;
  a.asked_at = now;
  std::set<node_id> nodes;
  for (const auto& seat : view.active->seats) nodes.insert(seat.node);
  for (const auto& [owner, when] : a.named)
    if (now.ms < when.ms + hint_valid_ms) nodes.insert(owner.node);
  nodes.erase(self_.node);
  for (const auto node : nodes) out.send.push_back({node, owner_query{view.log, view.holder}});
}

owner_report coordinator::on_query(const owner_query& q, const log_view* view,
                                   const hears& heard) const {
  owner_report r{q.log, q.suspect, false, {}, {}};
  if (!view) return r;  // knows nothing of this log yet, so it cannot miss anybody
  r.promised = view->promised;
  r.holder = view->owned_here ? self_ : view->holder;
  r.missed = !view->owned_here && (!view->holder || view->holder == self_ || !heard(view->holder));
  return r;
}

void coordinator::on_report(tick now, process from, const owner_report& m) {
  auto& seen = seen_[m.log];
  seen = std::max(seen, m.promised);
  const auto found = attempts_.find(m.log);
  if (found == attempts_.end()) return;  // nobody is missed here any more
  attempt& a = found->second;
  // Followers can follow each other in a circle after lost messages; whom they name says itself
  // whether it owns the log. Who names this very process follows nobody: no owner runs here.
  const bool owns = !m.missed && m.holder == from;
  const auto known = hints_.find(m.log);
  if (!owns) {
    a.disclaimed[from] = now;
    if (known != hints_.end() && known->second.owner == from) hints_.erase(known);
  } else {
    a.disclaimed.erase(from);
  }
  if (m.holder) a.named[m.holder] = now;
  const auto denied = a.disclaimed.find(m.holder);
  const bool is_denied =
      denied != a.disclaimed.end() && now.ms < denied->second.ms + answer_valid_ms;
  if (m.missed || m.holder == self_ || is_denied) {
    a.missed_by[from.node] = now;
    return;
  }
  a.missed_by.erase(from.node);
  if (!m.holder) return;
  auto& h = hints_[m.log];
  if (m.promised >= h.by) h = {m.holder, m.promised, now};
}

void coordinator::on_lost(tick now, log_id log, ballot seen) {
  auto& known = seen_[log];
  known = std::max(known, seen);
  auto& a = attempts_[log];
  a.started = now;
  const std::uint64_t failures = ++defeats_[log];
  const std::uint64_t spread =
      std::min(pause_spread_ms << std::min<std::uint64_t>(failures, 6), back_off_ms_max);
  a.not_before = now + 100 + random_.below(spread);
}

process coordinator::hinted_owner(log_id log) const {
  const auto found = hints_.find(log);
  return found == hints_.end() ? process{} : found->second.owner;
}

}  // namespace atlas::core
