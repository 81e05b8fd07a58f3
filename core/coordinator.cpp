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

}  // namespace

std::uint64_t coordinator::back_off_ms(const log_view& view, std::uint64_t failures) {
  if (created_here_.contains(view.log) && failures == 0) return 0;
  // The last owner (its ballot names it) goes first: its clients and data are there.
  const bool was_mine = view.promised.node == self_.node;
  const std::uint64_t first = was_mine || !view.promised ? 0 : 150;
  const std::uint64_t spread =
      std::min<std::uint64_t>(200ull << std::min<std::uint64_t>(failures, 6), back_off_ms_max);
  return first + random_.below(spread);
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
    if (view.holder) hints_.erase(view.log);
    created_here_.erase(view.log);
    return;
  }
  auto [it, fresh] = attempts_.try_emplace(view.log);
  attempt& a = it->second;
  if (fresh) {
    a.started = now;
    a.not_before = now + back_off_ms(view, 0);
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
  if (quorum.value().has_q1(quorum.value().votes_of(agree))) {
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
  for (const auto& seat : view.active->seats)
    if (seat.node != self_.node)
      out.send.push_back({seat.node, owner_query{view.log, view.holder}});
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
  const auto known = hints_.find(m.log);
  if (m.missed && known != hints_.end() && known->second.owner == from) hints_.erase(known);
  // Who follows this very process hears no owner: none runs here, or nobody would have been asked.
  if (m.missed || m.holder == self_) {
    if (found != attempts_.end()) found->second.missed_by[from.node] = now;
    return;
  }
  if (found != attempts_.end()) found->second.missed_by.erase(from.node);
  if (!m.holder) return;
  auto& h = hints_[m.log];
  if (m.promised >= h.by) h = {m.holder, m.promised, now};
}

void coordinator::on_lost(tick now, log_id log, ballot seen) {
  auto& known = seen_[log];
  known = std::max(known, seen);
  auto& a = attempts_[log];
  a.started = now;
  ++a.failures;
  const std::uint64_t spread =
      std::min<std::uint64_t>(200ull << std::min<std::uint64_t>(a.failures, 6), back_off_ms_max);
  a.not_before = now + 100 + random_.below(spread);
}

process coordinator::hinted_owner(log_id log) const {
  const auto found = hints_.find(log);
  return found == hints_.end() ? process{} : found->second.owner;
}

}  // namespace atlas::core
