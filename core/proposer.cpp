// Phase 2: votes and reads. What becomes a slot: proposer_batching.cpp. Phase 1 and configurations:
// proposer_election.cpp.
#include "core/proposer.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

constexpr std::size_t reads_max = 65'536;
constexpr std::size_t outside_bytes_max = 1 << 20;
constexpr std::uint64_t repeat_ms = 400;
constexpr std::uint64_t idle_notice_ms = 20;
constexpr std::uint64_t busy_notice_ms = 500;
constexpr std::uint64_t old_notice_ms_max = 60'000;
constexpr std::uint64_t invitation_ms_max = 2'000;
constexpr std::uint64_t recovery_alone_ms_max = 3'000;
constexpr std::uint64_t recovery_behind_ms_max = 10'000;

bool asks_for_time(const std::vector<read>& reads) {
  return std::any_of(reads.begin(), reads.end(),
                     [](const read& r) { return r.what == read_kind::meta; });
}

}  // namespace

bool proposer::is_reachable(node_id node) const {
  return std::find(reachable_.begin(), reachable_.end(), node) != reachable_.end();
}

void proposer::on_reads(std::vector<read>&& reads, clock_reading at, proposer_effects& out) {
  if (is_done() || reads_waiting_ + reads.size() > reads_max) {
    out.why = is_done() ? "ownership moved" : "the owner is overloaded";
    std::move(reads.begin(), reads.end(), std::back_inserter(out.unread));
    return;
  }
  time_asked_ = time_asked_ || (next_due_.us && asks_for_time(reads));
  if (const tick until = lease_until(); may_read() && at.now < until && knows_inherited()) {
    out.reads.push_back({chosen_, std::move(reads), until});
    return;
  }
  reads_waiting_ += reads.size();
  const slot past = std::max(chosen_, planted(bug::heir_reads_early) ? slot{} : inherited_);
  // The round that confirms these reads must be sent after they arrived: the next one.
  if (!reads_.empty() && reads_.back().round == round_ + 1) {
    auto& batch = reads_.back();
    batch.applied_min = std::max(batch.applied_min, past);
    std::move(reads.begin(), reads.end(), std::back_inserter(batch.reads));
  } else {
    const slot least = planted(bug::read_before_applied) ? slot{} : past;
    reads_.push_back({round_ + 1, least, std::move(reads)});
  }
  pump(at, out);
}

void proposer::confirm(clock_reading at, proposer_effects& out, bool near) {
  ++round_;
  confirmed_at_ = at.now;
  accept m{log_, ballot_, gen_, config_.epoch, round_, chosen_ + 1, {}, chosen_};
  near&& is_thrifty(at) ? send_near(std::move(m), out) : send_accept(std::move(m), out);
}

void proposer::propose(entry value, clock_reading at, proposer_effects& out) {
  const slot s = chosen_ + 1 + in_flight_.size();
  ++round_;
  confirmed_at_ = at.now;
  told_ = chosen_;
  told_at_ = at.now;
  in_flight_.push_back({value, {}, at.now, false, at.now});
  if (is_thrifty(at)) {
    keep_outside(s, value, at);
    accept m{log_, ballot_, gen_, config_.epoch, round_, s, {std::move(value)}, chosen_};
    send_near(std::move(m), out);
    if (outside_bytes_ >= outside_bytes_max) send_outside(out);
    return;
  }
  send_outside(out);
  send_accept({log_, ballot_, gen_, config_.epoch, round_, s, {std::move(value)}, chosen_}, out);
}

void proposer::send_accept(accept m, proposer_effects& out) const {
  m.stable = ledger_.stable(quorum_);
  // The own replica first: it must hold the entry before it hears that it is chosen.
  out.send.push_back({self_.node, m});
  for (const auto& seat : config_.seats)
    if (seat.node != self_.node && is_reachable(seat.node)) out.send.push_back({seat.node, m});
}

void proposer::on_accepted(process from, const accepted& m, clock_reading at,
                           proposer_effects& out) {
  // A giver goes on counting: what is chosen was chosen, and its clients wait for it.
  const bool over = stage_ == stage::over;
  if ((m.by != ballot_ && !planted(bug::vote_of_any_ballot)) || over) return;
  // An earlier tenure of this process under the same ballot counted its rounds by itself.
  if (m.gen != gen_) return;
  if (m.round > round_) return;  // nobody can answer a round that was not sent
  ledger_.note(from.node, m.applied);
  auto& answered = answered_round_[from.node];
  answered = std::max(answered, m.round);
  auto& session = sessions_[from.node];
  session = std::max(session, m.session);
  auto seat = quorum_.seat_of(from.node);
  if (planted(bug::vote_without_seat) && !seat) seat = 0;
  if (seat) {
    const slot last = std::min(m.first + m.count, chosen_ + 1 + in_flight_.size());
    for (slot s = std::max(m.first, chosen_ + 1); s < last; ++s) {
      auto& p = in_flight_[(s - chosen_) - 1];
      const bool again = planted(bug::vote_counts_twice) && p.votes.has(*seat);
      p.votes.add(again ? (*seat + 1) % static_cast<unsigned>(config_.seats.size()) : *seat);
      if (!p.chosen && quorum_.has_q2(p.votes)) p.chosen = true;
      if (planted(bug::quorum_of_the_reachable))
        p.chosen = p.chosen || p.votes.bits == quorum_.votes_of(reachable_).bits;
    }
  }
  advance(at, out);
  release_reads(out);
  pump(at, out);
}

void proposer::advance(clock_reading at, proposer_effects& out) {
  const slot before = chosen_;
  const bool skips = planted(bug::chosen_out_of_order);
  while (!in_flight_.empty() &&
         (in_flight_.front().chosen || (skips && in_flight_.back().chosen))) {
    const auto& first = in_flight_.front();
    // From the first time on: which of several an answer is for, nobody knows.
    if (first.is_whole)
      chunk_window_.chosen(at.now.ms - first.first_sent.ms, chunks_in_flight(), at.now.ms);
    in_flight_.pop_front();
    ++chosen_;
  }
  if (chosen_ == before) return;
  out.send.push_back({self_.node, commit{log_, ballot_, chosen_, {}, gen_}});
  try_switch(at, out);
  try_hand_over(at, out);
}

void proposer::release_reads(proposer_effects& out) {
  if (stage_ != stage::serving && stage_ != stage::draining && stage_ != stage::handing) return;
  const std::uint64_t early = planted(bug::read_of_earlier_round) ? 1 : 0;
  while (!reads_.empty() && reads_.front().round <= round_) {
    if (reads_.front().applied_min > chosen_) return;  // an heir does not know all yet
    vote_set confirmed;
    for (const auto& [node, round] : answered_round_)
      if (const auto seat = quorum_.seat_of(node); seat && round + early >= reads_.front().round)
        confirmed.add(*seat);
    if (!quorum_.has_q2(confirmed) && !planted(bug::read_without_round)) return;
    reads_waiting_ -= reads_.front().reads.size();
    out.reads.push_back({reads_.front().applied_min, std::move(reads_.front().reads), {}});
    reads_.pop_front();
  }
}

void proposer::give_back(proposer_effects& out, std::string why) {
  queue_.give_back(out.unproposed);
  for (auto& batch : reads_)
    std::move(batch.reads.begin(), batch.reads.end(), std::back_inserter(out.unread));
  reads_.clear();
  reads_waiting_ = 0;
  out.why = std::move(why);
}

void proposer::end(proposer_effects& out, ballot seen) {
  stage_ = stage::over;
  end_move(false, "the owner lost the table meanwhile", out);
  give_back(out, "ownership moved");
  out.over = true;
  out.seen = std::max(seen, ballot_);
}

void proposer::on_removed(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::serving || wanted_ || move_ || config_.has(self_.node)) return;
  // Just leaving is not enough: who still hears this process would wait for it to come back.
  while (farewells_ < config_.seats.size()) {
    const auto heir = config_.seats[farewells_++].node;
    if (is_reachable(heir)) return on_move(heir, at, out);
  }
  // What is in flight goes on to the next owner, as after any other end (§4).
  end(out, ballot_);
}

void proposer::on_nack(process from, const nack& m, proposer_effects& out) {
  if (m.by != ballot_ || stage_ == stage::over) return;
  // Whom the ballot was handed to speaks already; its own word ends the move.
  if (m.why == nack_reason::generation_below && stage_ == stage::gone) return;
  if (m.why == nack_reason::lease_runs) {
    // A lease that was renewed meanwhile, or that protects a newer ballot than this candidate knew
    // of, has a living holder: go and ask it, rather than wait here with this node's requests.
    auto& before = lease_waits_[from.node];
    const bool lives = (before && m.wait_ms > before) || m.promised > above_;
    if (lives && (stage_ == stage::promising || stage_ == stage::electing))
      return end(out, m.promised);
    before = m.wait_ms;
    lease_wait_ms_ = lease_wait_ms_ ? std::min(lease_wait_ms_, m.wait_ms) : m.wait_ms;
    lease_wait_max_ms_ = std::max(lease_wait_max_ms_, m.wait_ms);
    return;
  }
  // A late refusal of a hand-off by an earlier tenure under this ballot: nothing higher is known.
  if (m.why == nack_reason::ballot_below && m.promised <= ballot_ && stage_ != stage::gone) return;
  // Handed on and back again: the refusal is of words from before.
  if (m.why == nack_reason::generation_below && m.gen <= gen_) return;
  if (m.why == nack_reason::epoch_below) {
    // Late refusals of the time before this owner's own change name an epoch it knows: in force, or
    // chosen and about to be. Any other newer configuration was brought about by somebody else.
    if (m.epoch <= config_.epoch) return;
    const bool own_is_chosen = stage_ == stage::switching && in_flight_.empty();
    if (own_is_chosen && wanted_ && m.epoch == wanted_->epoch) return;
    // A candidate that was away goes on with what it is sent now, the newer configuration included.
    const bool candidate = stage_ == stage::promising || stage_ == stage::electing;
    if (candidate && m.promised <= ballot_) return;
  }
  end(out, m.promised);
}

void proposer::on_reachable(const std::vector<node_id>& nodes, clock_reading at,
                            proposer_effects& out) {
  if (is_done()) return;
  const bool grown =
      std::any_of(nodes.begin(), nodes.end(), [&](node_id node) { return !is_reachable(node); });
  reachable_ = nodes;
  choose_near(at, out);
  // Who comes back must learn whom to follow and how far the log is.
  if (grown) notice_every_ms_ = idle_notice_ms;
  if (grown && stage_ == stage::serving) confirm(at, out);
  if (stage_ == stage::serving) pump(at, out);
}

void proposer::on_tick(clock_reading at, proposer_effects& out) {
  if (move_) tick_move(at, out);
  if (is_done()) return;
  repeat_unanswered(at, out);
  if (stage_ == stage::over) return;
  tick_thrifty(at, out);
  if (can_commit()) could_commit_at_ = at.now;
  // A candidate that can not finish its recovery stands in the way of one that could.
  const bool unfinished = stage_ == stage::recovering || stage_ == stage::switching;
  if (unfinished && at.now.ms > could_commit_at_.ms + recovery_alone_ms_max)
    return end(out, ballot_);
  // Neither may an heir that finds nobody to learn the last slots from.
  const bool behind = stage_ == stage::recovering && applied_ < chosen_ &&
                      (in_flight_.empty() || chosen_ < inherited_);
  if (behind && at.now.ms > began_.ms + recovery_behind_ms_max) return end(out, ballot_);
  if (!can_commit() && (!queue_.empty() || !reads_.empty()))
    give_back(out, quorum_.describe_q2(quorum_.votes_of(reachable_)));
  if (stage_ == stage::serving) pump(at, out);
  tick_time(at, out);
  renew_lease(at, out);
  notice(at, out);
}

/// While rows wait for their end, log time goes on without commands, too (§10): when one is due,
/// and when somebody asks how much is left, which nobody could say from a log that stood still.
void proposer::tick_time(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::serving || !next_due_.us || !can_commit()) return;
  if (!in_flight_.empty() || !queue_.empty() || applied_ < chosen_) return;
  const bool is_due = at.wall >= next_due_;
  const bool is_asked = time_asked_ && at.wall.us >= last_stamp_.us + time_lag_us_max;
  time_asked_ = false;
  if (!is_due && !is_asked) return;
  last_stamp_ = std::max(stamp{last_stamp_.us + 1}, at.wall);
  propose(make_batch(last_stamp_, {}), at, out);
}

void proposer::notice(clock_reading at, proposer_effects& out) {
  if (stage_ == stage::promising || stage_ == stage::electing || stage_ == stage::recovering)
    return;
  const auto due = [&](tick last, std::uint64_t after) { return at.now.ms >= last.ms + after; };
  // Accepts reach the seats only, so a busy log tells its followers from time to time. An idle one
  // repeats itself ever more rarely: the notice may be lost, and it also says whom to follow.
  const bool fresh = told_ < chosen_ && due(told_at_, idle_notice_ms) && in_flight_.empty();
  const bool busy = !in_flight_.empty() && due(noticed_at_, busy_notice_ms);
  const bool again = in_flight_.empty() && due(noticed_at_, notice_every_ms_);
  if (!fresh && !busy && !again) return;
  notice_every_ms_ =
      fresh || busy ? idle_notice_ms : std::min(2 * notice_every_ms_, old_notice_ms_max);
  send_outside(out);  // or they would ask for what is on its way
  told_ = chosen_;
  told_at_ = noticed_at_ = at.now;
  std::set<node_id> others(followers_.begin(), followers_.end());
  for (const auto& seat : config_.seats) others.insert(seat.node);
  const slot told = planted(bug::notice_ahead_of_votes) ? chosen_ + in_flight_.size() : chosen_;
  for (const auto node : others)
    if (node != self_.node && is_reachable(node))
      out.send.push_back({node, commit{log_, ballot_, told, ledger_.stable(quorum_), gen_}});
}

void proposer::repeat_unanswered(clock_reading at, proposer_effects& out) {
  const auto is_old = [&](tick t) { return at.now.ms >= t.ms + repeat_ms; };
  if (const auto wait = std::exchange(lease_wait_ms_, 0)) invite_again_at_ = at.now + wait;
  const bool inviting = stage_ == stage::serving && wanted_;
  if (inviting && at.now.ms > began_.ms + invitation_ms_max) {
    withdraw_invitation(at);
  } else if ((stage_ == stage::promising || stage_ == stage::electing || inviting) &&
             at.now >= invite_again_at_) {
    invite(inviting ? *wanted_ : config_, at, out);
    if (stage_ == stage::over) return;
  }
  slot s = chosen_;
  for (auto& p : in_flight_) {
    ++s;
    if (p.chosen || !is_old(p.sent_at)) continue;
    p.sent_at = at.now;
    ++round_;
    const accept again{log_, ballot_, gen_, config_.epoch, round_, s, {p.value}, chosen_};
    for (const auto& seat : config_.seats) {
      const auto index = quorum_.seat_of(seat.node);
      if (!p.votes.has(*index) && (seat.node == self_.node || is_reachable(seat.node)))
        out.send.push_back({seat.node, again});
    }
  }
  if (!reads_.empty() && reads_.front().round <= round_ && is_old(confirmed_at_) &&
      stage_ == stage::serving)
    confirm(at, out);
}

}  // namespace atlas::core
