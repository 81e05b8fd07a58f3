// Giving the log away while it is served (consensus.md §6). Offers find out when the target holds
// nearly everything; only then writes pause, what is in flight is chosen, and the ballot itself is
// sent. From that moment the giver is mute under this ballot, whatever arrives late: the target and
// it are one proposer in sequence, and that is all that keeps one value per (ballot, slot).
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

std::string named(node_id node) {
  return "node " + std::to_string(node.value);
}

grid_quorum quorum_of(const configuration& c) {
  return grid_quorum::make(c).value();
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
      quorum_(quorum_of(config_)),
      reachable_(std::move(i.reachable)),
      began_(at.now),
      could_commit_at_(at.now),
      chosen_(i.from.what.last_slot),
      applied_(i.from.watermark),
      // Log time must not fall between the two owners (§10).
      last_stamp_(std::max(i.from.what.last_stamp, i.from.last_stamp)),
      told_(i.from.what.last_slot),
      leases_(leases) {
  if (planted(bug::heir_serves_at_once)) applied_ = chosen_;
  finish_recovery(at, out);
  // The acceptors learn at once whom they follow and how far the log is, caught up here or not.
  if (stage_ != stage::recovering) return;
  confirm(at, out);
  // The replica is asking already; its reports so far may have found no owner here.
  out.fetch = proposer_effects::chase{i.from.giver, chosen_};
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
    if (from != move_->heir || m.gen != parting.gen || m.applied < parting.last_slot) return;
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
  if (stage_ != stage::handing) return;
  if (!in_flight_.empty() && !planted(bug::hand_off_before_chosen)) return;
  const auto next = planted(bug::hand_off_same_generation) ? gen_ : gen_ + 1;
  move_->parting = {log_, ballot_, next, move_->heir, chosen_, config_, last_stamp_};
  move_->began = move_->said_at = at.now;
  stage_ = stage::gone;
  out.send.push_back({move_->target, move_->parting});
  give_back(out, "the table moves to " + named(move_->target));
  if (planted(bug::giver_goes_on)) stage_ = stage::serving;
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
