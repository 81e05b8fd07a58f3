// Phase 2: what an owner puts into its next slots, and when.
#include <algorithm>
#include <iterator>

#include "core/blob_manifest.hpp"
#include "core/planted_bug.hpp"
#include "core/proposer.hpp"

namespace atlas::core {
namespace {

constexpr std::size_t commands_max = 65'536;
// Adaptive batching: whatever queued up while earlier rounds were in flight becomes one slot.
constexpr std::size_t rounds_in_flight_max = 4;
// When rounds take long (quorums across a WAN) more of them overlap, a few milliseconds apart.
constexpr std::size_t rounds_in_flight_far_max = 64;

}  // namespace

void proposer::on_commands(std::vector<command>&& commands, clock_reading at,
                           proposer_effects& out) {
  if (is_done() || queue_.size() + commands.size() > commands_max) {
    out.why = is_done() ? "ownership moved" : "the owner is overloaded";
    std::move(commands.begin(), commands.end(), std::back_inserter(out.unproposed));
    return;
  }
  queue_.push(std::move(commands));
  pump(at, out);
}

void proposer::pump(clock_reading at, proposer_effects& out) {
  if (stage_ != stage::serving) return;
  if (!can_commit()) {
    give_back(out, quorum_.describe_q2(quorum_.votes_of(reachable_)));
    return;
  }
  for (;;) {
    const bool small = queue_.small() > 0 && has_room(at);
    const bool chunk = queue_.chunks() > 0 && chunks_in_flight() < chunk_window_.size();
    if (!small && !chunk) break;
    propose_batch(queue_.take(small, chunk), at, out);
  }
  if (!reads_.empty() && reads_.back().round == round_ + 1) {
    // No accept went out after these reads came: ask by itself, two rounds at most in the air.
    const bool room = reads_.size() <= 2;
    if (room) confirm(at, out, true);
  }
}

void proposer::propose_batch(command_batch&& batch, clock_reading at, proposer_effects& out) {
  if (const auto small = batch.commands.size() - (batch.has_chunk ? 1 : 0); small > 0) {
    last_batch_ = small;
    proposed_at_ = at.now;
  }
  // A short one, at the end of a value, says nothing of the way that others take.
  const bool is_whole = batch.has_chunk && batch.commands.back().value.size() > chunk_bytes;
  last_stamp_ = std::max(stamp{last_stamp_.us + 1}, at.wall);
  if (planted(bug::stamp_of_own_clock)) last_stamp_ = at.wall;
  if (batch.has_chunk) chunk_window_.sent(chunks_in_flight(), at.now.ms);
  propose(make_batch(last_stamp_, batch.commands), at, out);
  in_flight_.back().is_chunk = batch.has_chunk;
  in_flight_.back().is_whole = is_whole;
}

/// For small commands, beside whatever chunks are in flight.
bool proposer::has_room(clock_reading at) const {
  const slot from = std::max(chosen_, inherited_);
  const std::uint64_t own = (chosen_ + in_flight_.size()) - from;
  if (own == 0) return true;
  const std::uint64_t rounds = own - chunks_in_flight();
  if (rounds < rounds_in_flight_max)
    return queue_.small() * 2 >= last_batch_ || at.now.ms > proposed_at_.ms;
  return rounds < rounds_in_flight_far_max && at.now.ms > proposed_at_.ms + 1;
}

std::size_t proposer::chunks_in_flight() const {
  return static_cast<std::size_t>(std::count_if(in_flight_.begin(), in_flight_.end(),
                                                [](const auto& p) { return p.is_chunk; }));
}

}  // namespace atlas::core
