// Phase 1, recovery and configuration changes of the owner (consensus.md §4, §9).
#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/proposer.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t election_ms_max = 5'000;
constexpr std::uint64_t invite_again_ms = 400;
constexpr std::uint64_t invitation_pause_ms = 250;

}  // namespace

proposer::proposer(beginning b, clock_reading at, proposer_effects& out, const lease_source* leases)
    : log_(b.log),
      self_(b.self),
      ballot_(next_ballot(b.above, b.self.node)),
      config_(std::move(b.active)),
      quorum_(grid_quorum::of_logged(config_)),
      reachable_{b.self.node},
      above_(b.above),
      began_(at.now),
      could_commit_at_(at.now),
      chosen_(b.watermark),
      applied_(b.watermark),
      last_stamp_(b.last_stamp),
      told_(b.watermark),
      leases_(leases) {
  invite(config_, at, out);
}

void proposer::invite(const configuration& c, clock_reading at, proposer_effects& out) {
  invite_again_at_ = at.now + invite_again_ms;
  if (at.now.ms > began_.ms + election_ms_max + lease_wait_max_ms_ && stage_ != stage::serving)
    return end(out, ballot_);
  const prepare m{log_, ballot_, applied_ + 1, config_.epoch};
  if (!promises_.contains(self_.node)) {
    // Durable here before anybody else hears of this ballot (§4).
    out.send.push_back({self_.node, m});
    if (!planted(bug::prepare_before_own_promise)) return;
  }
  for (const auto& seat : c.seats)
    if (seat.node != self_.node && !promises_.contains(seat.node) && is_reachable(seat.node))
      out.send.push_back({seat.node, m});
}

void proposer::on_promise(process from, const promise& m, clock_reading at, proposer_effects& out) {
  if ((m.by != ballot_ && !planted(bug::promise_of_any_ballot)) || is_done()) return;
  const bool early = planted(bug::prepare_before_own_promise);
  if (stage_ == stage::promising && from != self_ && !early) return;
  if (!promises_.insert(from.node).second) return;
  if (m.watermark > reported_watermark_) {
    reported_watermark_ = m.watermark;
    watermark_source_ = from.node;
  }
  const slot next = chosen_ + 1 + in_flight_.size();
  for (const auto& e : m.entries) {
    ATLAS_CHECK(e.by <= ballot_, "a promise reports votes below it");
    // A value once sent under this ballot never changes: later promises are ignored for it.
    if (e.at < next) continue;
    auto& best = reported_[e.at];
    if (!best.at || e.by > best.by || planted(bug::recovery_takes_any_value)) best = e;
  }
  if (stage_ == stage::promising) {
    stage_ = stage::electing;
    invite(config_, at, out);
  } else if (from == self_ && stage_ == stage::serving && wanted_) {
    invite(*wanted_, at, out);  // an inherited ballot: asked for the first time
  }
  if (stage_ == stage::electing) try_election(at, out);
  try_drain(at, out);
}

void proposer::try_election(clock_reading at, proposer_effects& out) {
  if (!quorum_.has_q1(quorum_.votes_of({promises_.begin(), promises_.end()}))) return;
  if (reported_watermark_ > applied_ && !planted(bug::election_without_catching_up)) {
    // What is chosen is fetched, never guessed. Once: the replica repeats what gets no answer, and
    // each of its reports comes back here.
    if (reported_watermark_ > std::exchange(chased_, reported_watermark_))
      out.fetch = proposer_effects::chase{watermark_source_, reported_watermark_};
    return;
  }
  ATLAS_CHECK(in_flight_.empty() && chosen_ <= applied_,
              "an election begins with nothing in flight");
  chosen_ = applied_;
  stage_ = stage::recovering;
  could_commit_at_ = at.now;
  recover(at, out);
}

void proposer::recover(clock_reading at, proposer_effects& out) {
  reported_.erase(reported_.begin(), reported_.upper_bound(chosen_ + in_flight_.size()));
  while (!reported_.empty()) {
    const slot next = chosen_ + 1 + in_flight_.size();
    const auto found = reported_.find(next);
    // A gap below a reported slot was never chosen: a Q1 knows nothing of it.
    const bool blank = found == reported_.end() || planted(bug::recovery_no_op_over_value);
    const entry value = blank ? make_no_op() : found->second.value;
    if (found != reported_.end()) reported_.erase(found);
    if (batch_reader batch(value); batch.is_batch())
      last_stamp_ = std::max(last_stamp_, batch.when());
    propose(value, at, out);
    const auto c = decode_configuration_entry(value);
    if (planted(bug::recovery_passes_configuration)) continue;
    if (c && c->parent == config_.epoch) {
      // Nothing above it before it is chosen and Q1 of the new configuration is won (§9).
      wanted_ = *c;
      stage_ = stage::switching;
      return;
    }
  }
  finish_recovery(at, out);
}

void proposer::finish_recovery(clock_reading at, proposer_effects& out) {
  // What was handed over in flight is no recovery: an heir proposes behind it, and reads later.
  const bool done = (in_flight_.empty() || chosen_ < inherited_) && applied_ >= chosen_;
  if (!done && !planted(bug::serving_before_recovery)) return;
  stage_ = stage::serving;
  notice_every_ms_ = 1;  // and the members without a seat
  confirm(at, out);      // from here on the acceptors know whom they follow
  pump(at, out);
}

void proposer::on_progress(const replica_progress& p, clock_reading at, proposer_effects& out) {
  if (is_done()) return;
  applied_ = std::max(applied_, p.watermark);
  last_stamp_ = std::max(last_stamp_, p.last_stamp);
  next_due_ = p.next_due;
  const bool before_recovery = stage_ == stage::promising || stage_ == stage::electing;
  if (p.watermark > chosen_ && !before_recovery && !count_learned(p, at, out))
    return end(out, ballot_);  // somebody else got slots chosen: this owner was beaten
  if (p.changed && p.changed->epoch > config_.epoch) {
    adopt(*p.changed, at);
    if (!before_recovery) stage_ = stage::electing;
    if (planted(bug::configuration_without_q1) && !before_recovery) stage_ = stage::recovering;
    invite(config_, at, out);
    if (stage_ == stage::over) return;
  }
  if (before_recovery) chosen_ = std::max(chosen_, applied_);
  if (stage_ == stage::electing) try_election(at, out);
  if (stage_ == stage::recovering) finish_recovery(at, out);
  if (stage_ == stage::serving) pump(at, out);
}

/// An heir's copy may learn from the giver, which goes on counting, what the heir proposed and has
/// not counted yet: the very same values are chosen, whoever says so. False if there are others.
bool proposer::count_learned(const replica_progress& p, clock_reading at, proposer_effects& out) {
  for (const auto& [s, value] : p.learned) {
    if (s <= chosen_) continue;
    const auto place = (s - chosen_) - 1;
    if (place >= in_flight_.size()) return false;
    const bool same = in_flight_[place].value == value || planted(bug::heir_trusts_learned);
    if (!same) return false;
    in_flight_[place].chosen = true;
  }
  advance(at, out);
  release_reads(out);
  return p.watermark <= chosen_;
}

void proposer::adopt(const configuration& c, clock_reading at) {
  near_ = {};
  chunk_window_ = {};  // other ways
  began_ = at.now;  // winning its Q1 has its own time; the tenure is not at fault for a slow change
  config_ = c;
  quorum_ = grid_quorum::of_logged(config_);
  wanted_.reset();
  invitations_failed_ = 0;
}

void proposer::on_reconfigure(const configuration& next, proposer_effects& out, clock_reading at) {
  if (stage_ != stage::serving || wanted_ || next.parent != config_.epoch) return;
  if (at.now < no_invitation_before_) return;
  ATLAS_CHECK(grid_quorum::make(next).ok(), "only legal configurations are proposed");
  wanted_ = next;
  began_ = at.now;
  // Q1 of the new one is won while clients are served: a promise counts for all later slots,
  // whenever it was given, and members that do not answer must not stop the writes.
  invite(*wanted_, at, out);
  try_drain(at, out);
}

void proposer::withdraw_invitation(clock_reading at) {
  wanted_.reset();
  ++invitations_failed_;
  no_invitation_before_ =
      at.now + (invitation_pause_ms << std::min<std::uint64_t>(invitations_failed_, 6));
}

void proposer::try_drain(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::serving || !wanted_) return;
  const auto next = grid_quorum::of_logged(*wanted_);
  const bool won = next.has_q1(next.votes_of({promises_.begin(), promises_.end()}));
  if (!won && !planted(bug::configuration_without_q1)) return;
  stage_ = stage::draining;
  try_switch(at, out);
}

void proposer::try_switch(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::draining || !in_flight_.empty()) return;
  stage_ = planted(bug::configuration_before_chosen) ? stage::serving : stage::switching;
  propose(make_configuration_entry(*wanted_), at, out);
  if (planted(bug::configuration_before_chosen)) adopt(configuration(*wanted_), at);
}

}  // namespace atlas::core
