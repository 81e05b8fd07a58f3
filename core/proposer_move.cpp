// Giving the log away while it is served (consensus.md §6). Offers find out when the target holds
// nearly everything; only then the ballot itself is sent, together with what is in flight under
// it. From that moment the giver proposes nothing under this ballot, whatever arrives late: the
// target and it are one proposer in sequence, and that is all that keeps one value per (ballot,
// slot). It still counts votes that come, because its clients wait for them.
#include <algorithm>
#include <utility>

#include "core/planted_bug.hpp"
#include "core/proposer.hpp"

namespace atlas::core {
namespace {

// Behind by less than this, the target is nearly there: it asks for the rest in one message.
constexpr std::uint64_t nearly_slots = 256;
constexpr std::uint64_t offer_again_ms = 50;
constexpr std::uint64_t offer_ms_max = 5'000;
// Longer than a lost round trip and its repeat across any WAN; then the writes go on here.
constexpr std::uint64_t drain_ms_max = 2'000;
constexpr std::uint64_t hand_off_again_ms = 200;
constexpr std::uint64_t hand_off_ms_max = 2'000;
// It is sent as one message, and once more to who has most of it already.
constexpr std::size_t unfinished_bytes_max = 1 << 20;

std::string named(node_id node) {
  return "node " + std::to_string(node.value);
}

}  // namespace

proposer::proposer(inheritance i, clock_reading at, proposer_effects& out,
                   const lease_source* leases)
    : log_(i.from.what.log),
      self_(i.self),
      ballot_(i.from.what.by),
      gen_(i.from.what.gen),
      stage_(stage::recovering),
      config_(std::move(i.from.what.active)),
      quorum_(grid_quorum::of_logged(config_)),
      reachable_(std::move(i.reachable)),
      began_(at.now),
      could_commit_at_(at.now),
      chosen_(i.from.what.chosen()),
      applied_(i.from.watermark),
      inherited_(i.from.what.last_slot),
      // Log time must not fall between the two owners (§10).
      last_stamp_(std::max(i.from.what.last_stamp, i.from.last_stamp)),
      told_(chosen_),
      leases_(leases) {
  if (planted(bug::heir_serves_at_once)) applied_ = chosen_;
  go_on(i.from.what, at, out);
  finish_recovery(at, out);
  // The acceptors learn at once whom they follow and how far the log is, caught up here or not.
  if (stage_ != stage::recovering) return;
  confirm(at, out);
  // The replica is asking already; its reports so far may have found no owner here.
  out.fetch = proposer_effects::chase{i.from.giver, chosen_};
}

/// Proposes what the giver had in flight: the same values in the same slots.
void proposer::go_on(const hand_off& from, clock_reading at, proposer_effects& out) {
  if (planted(bug::heir_takes_unfinished_as_chosen)) chosen_ = from.last_slot;
  if (planted(bug::heir_forgets_unfinished)) return;
  for (const auto& value : from.unfinished)
    if (chosen_ < inherited_) propose(value, at, out);
}

void proposer::end_move(bool done, std::string why, proposer_effects& out) {
  if (!move_) return;
  out.moved = proposer_effects::move_result{move_->target, done, std::move(why)};
  move_.reset();
}

void proposer::on_move(node_id target, clock_reading at, proposer_effects& out) {
  const auto refuse = [&](std::string why) {
    out.moved = proposer_effects::move_result{target, false, std::move(why)};
  };
  if (move_ && move_->target == target) return;
  if (is_done()) return refuse("it is changing hands at this moment; try again");
  if (target == self_.node) {
    out.moved = proposer_effects::move_result{target, true, {}};
    return;
  }
  if (move_) return refuse("it is moving to " + named(move_->target) + " at present; try again");
  if (!is_reachable(target))
    return refuse("the owner does not hear " + named(target) + "; start it or mend its network");
  move_.emplace();
  move_->target = target;
  move_->began = at.now;
  send_outside(out);  // the target may be one of those that are told late
  offer(at, out);
}

void proposer::offer(clock_reading at, proposer_effects& out) {
  // A change of configuration is finished first; it may well be what brings the target in (§9).
  if (stage_ != stage::serving || wanted_) return;
  move_->said_at = at.now;
  out.send.push_back({move_->target, move_offer{log_, ballot_, gen_, chosen_}});
}

void proposer::on_move_ready(process from, const move_ready& m, clock_reading at,
                             proposer_effects& out) {
  if (m.by != ballot_ || !move_ || from.node != move_->target) return;
  if (stage_ == stage::gone) {
    const auto& parting = move_->parting;
    if (from != move_->heir || m.gen != parting.gen || m.applied < parting.chosen()) return;
    end_move(true, {}, out);
    return end(out, ballot_);
  }
  if (stage_ != stage::serving || wanted_ || m.gen != gen_) return;
  if (m.applied + nearly_slots < chosen_) return;
  move_->heir = from;
  move_->began = at.now;
  stage_ = stage::handing;
  try_hand_over(at, out);
}

void proposer::try_hand_over(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::handing || !fits_hand_off()) return;
  const auto next = planted(bug::hand_off_same_generation) ? gen_ : gen_ + 1;
  const slot last = chosen_ + in_flight_.size();
  move_->parting = {log_, ballot_, next, move_->heir, last, config_, last_stamp_, {}};
  for (const auto& p : in_flight_) {
    ATLAS_CHECK(p.value.kind() != entry_kind::configuration, "a change is finished before a move");
    move_->parting.unfinished.push_back(p.value);
  }
  if (planted(bug::hand_off_before_chosen)) {
    move_->parting.last_slot = chosen_;
    move_->parting.unfinished.clear();
  }
  move_->began = move_->said_at = at.now;
  stage_ = stage::gone;
  out.send.push_back({move_->target, move_->parting});
  give_back(out, "the table moves to " + named(move_->target));
  if (planted(bug::giver_goes_on)) stage_ = stage::serving;
}

bool proposer::fits_hand_off() const {
  std::size_t bytes = 0;
  for (const auto& p : in_flight_) bytes += p.value.size();
  return in_flight_.size() <= hand_off::unfinished_max && bytes <= unfinished_bytes_max;
}

void proposer::tick_move(clock_reading at, proposer_effects& out) {
  const auto passed = [&](tick since, std::uint64_t ms) { return at.now.ms > since.ms + ms; };
  if (stage_ == stage::gone) {
    // Too long without a word: if the target never took it, nobody may use this ballot again, and
    // whoever needs the log wins a higher one.
    if (passed(move_->began, hand_off_ms_max)) {
      end_move(false, named(move_->target) + " has not said that it serves; ask TABLE INFO", out);
      return end(out, ballot_);
    }
    if (!passed(move_->said_at, hand_off_again_ms)) return;
    move_->said_at = at.now;
    out.send.push_back({move_->target, move_->parting});
  } else if (stage_ == stage::handing) {
    if (!passed(move_->began, drain_ms_max)) return;
    stage_ = stage::serving;
    end_move(false, "what is being written finds no quorum; try again", out);
    pump(at, out);
  } else if (passed(move_->began, offer_ms_max)) {
    end_move(false, named(move_->target) + " did not catch up in time; try again", out);
  } else if (passed(move_->said_at, offer_again_ms)) {
    offer(at, out);
  }
}

}  // namespace atlas::core
