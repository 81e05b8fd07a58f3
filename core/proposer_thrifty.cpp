// Thrifty sends (consensus.md §2): what is proposed goes to the nearest Q2 first, to the other
// seats a moment later, many slots at a time; and to all at once as soon as the near ones keep an
// owner waiting. It changes whom to ask and when, never what counts.
#include <algorithm>

#include "core/proposer.hpp"

namespace atlas::core {
namespace {

// The others get the log in so large steps: one write of theirs instead of many.
constexpr std::uint64_t outside_every_ms = 100;
// A round trip as it was measured says nothing of the disk at its end.
constexpr std::uint64_t least_wait_ms = 20;
constexpr std::uint64_t all_for_ms = 1'000;

}  // namespace

void proposer::on_nearness(const round_trips& distance, clock_reading at, proposer_effects& out) {
  distance_ = distance;
  thrifty_ = true;
  choose_near(at, out);
}

void proposer::choose_near(clock_reading at, proposer_effects& out) {
  if (!thrifty_ || is_done()) return;
  auto chosen = nearest_q2(config_, distance_, reachable_, self_.node);
  // Somebody who was counted on is gone: what waits for him must not.
  const bool lost = std::any_of(near_.nodes.begin(), near_.nodes.end(),
                                [&](node_id node) { return !is_reachable(node); });
  // What was kept for those outside is kept for them alone.
  if (chosen.nodes != near_.nodes) send_outside(out);
  near_ = std::move(chosen);
  if (lost) ask_all(at, out);
}

bool proposer::is_thrifty(clock_reading at) const {
  return thrifty_ && !near_.nodes.empty() && stage_ == stage::serving && !wanted_ && !move_ &&
         at.now >= all_until_;
}

bool proposer::is_near(node_id node) const {
  return std::find(near_.nodes.begin(), near_.nodes.end(), node) != near_.nodes.end();
}

void proposer::send_near(accept m, proposer_effects& out) const {
  m.stable = ledger_.stable(quorum_);
  out.send.push_back({self_.node, m});
  for (const auto node : near_.nodes)
    if (node != self_.node) out.send.push_back({node, m});
}

void proposer::keep_outside(slot at_slot, const entry& value, clock_reading at) {
  if (outside_.empty()) {
    outside_from_ = at_slot;
    outside_since_ = at.now;
  }
  outside_bytes_ += value.size();
  outside_.push_back(value);
}

void proposer::send_outside(proposer_effects& out) {
  if (outside_.empty()) return;
  // No round of its own: it would be one that a Q2 was never asked in.
  accept m{log_, ballot_, gen_, config_.epoch, round_, outside_from_, std::move(outside_), chosen_};
  outside_.clear();
  outside_bytes_ = 0;
  m.stable = ledger_.stable(quorum_);
  for (const auto& seat : config_.seats)
    if (seat.node != self_.node && is_reachable(seat.node) && !is_near(seat.node))
      out.send.push_back({seat.node, m});
}

void proposer::ask_all(clock_reading at, proposer_effects& out) {
  all_until_ = at.now + all_for_ms;
  send_outside(out);
  if (!reads_.empty() && reads_.front().round <= round_ && stage_ == stage::serving)
    confirm(at, out);
}

void proposer::tick_thrifty(clock_reading at, proposer_effects& out) {
  if (!thrifty_) return;
  const auto wait = std::max(least_wait_ms, near_.wait_us / 1'000);
  const auto is_late = [&](tick since) { return at.now.ms > since.ms + wait; };
  const bool slot_waits = !in_flight_.empty() && is_late(in_flight_.front().sent_at);
  const bool read_waits =
      !reads_.empty() && reads_.front().round <= round_ && is_late(confirmed_at_);
  if ((slot_waits || read_waits) && is_thrifty(at)) return ask_all(at, out);
  const bool due = at.now.ms >= outside_since_.ms + outside_every_ms;
  if (!outside_.empty() && (due || !is_thrifty(at))) send_outside(out);
}

}  // namespace atlas::core
