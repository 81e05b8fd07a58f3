// Live moves of logs from node to node: when, whereto, and who is struck meanwhile.
#include <algorithm>

#include "tests/sim/cluster.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

// A move that something stopped half way is asked for again; all of it must be over by then.
constexpr std::uint64_t moved_within_us = 30'000'000;
constexpr std::uint64_t ask_again_us = 500'000;

}  // namespace

void cluster::schedule_move() {
  events_.push(events_.now() + random_.below(2 * options_.move_every_us), [this] {
    if (calm_) return;
    move_some();
    schedule_move();
  });
}

sim_node* cluster::owner_of(core::log_id log) const {
  for (const auto& node : nodes_)
    if (const auto* owner = node->owner(log);
        owner && node->is_well() && owner->state() == core::proposer::stage::serving)
      return node.get();
  return nullptr;
}

/// A node that stays broken, but not so much that it could not own the log.
bool cluster::is_with_a_broken_one(core::log_id log) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    const auto* const owner = node->up() && !node->is_well() ? node->owner(log) : nullptr;
    return owner && owner->state() == core::proposer::stage::serving;
  });
}

void cluster::schedule_close() {
  // Two in a row from different nodes, and once more in case both were lost.
  const core::log_id log{2 + random_.below(options_.logs)};
  for (const std::uint64_t later : {std::uint64_t{0}, moment(), 700'000 + moment()})
    events_.push(options_.close_at_us + later, [this, log] {
      if (!calm_) clients_.close(*nodes_[random_.below(nodes_.size())], log);
    });
}

void cluster::schedule_regroup() {
  events_.push(events_.now() + random_.below(2 * options_.regroup_every_us), [this] {
    if (calm_) return;
    if (random_.chance(1, 4))
      mover_.meddle();
    else
      mover_.regroup();
    schedule_regroup();
  });
}

void cluster::finish_moves() {
  mover_.finish();
  const auto until = events_.now() + moved_within_us;
  while (!mover_.is_finished()) {
    require(events_.now() < until,
            mover_.unfinished() + " does not arrive though nothing is broken (invariant 8)");
    events_.step();
  }
}

void cluster::move_some() {
  const core::log_id log{2 + random_.below(options_.logs)};
  auto* const giver = owner_of(log);
  auto& heir = *nodes_[random_.below(nodes_.size())];
  if (!giver || giver == &heir) return;
  giver->move(log, heir.id());
  // To and fro, so that what was said before comes back to one who speaks again.
  auto at = events_.now();
  for (std::uint64_t more = random_.chance(1, 2) ? 1 + random_.below(3) : 0; more > 0; --more) {
    at += 30'000 + moment();
    const auto target = more % 2 ? giver->id() : nodes_[random_.below(nodes_.size())]->id();
    events_.push(at, [this, log, target] {
      auto* const owner = calm_ ? nullptr : owner_of(log);
      if (owner) owner->move(log, target);
    });
  }
  if (options_.crash && random_.chance(1, 5)) strike(random_.chance(1, 2) ? heir : *giver, log, 0);
  if (!options_.usurp || !random_.chance(1, 5)) return;
  auto& rival = *nodes_[random_.below(nodes_.size())];
  events_.push(events_.now() + moment(), [this, &rival, log] {
    if (!calm_) rival.usurp(log);
  });
}

void cluster::move_all() {
  for (unsigned i = 0; i < options_.logs; ++i) {
    const core::log_id log{2 + i};
    auto heir = random_.below(nodes_.size());
    while (!nodes_[heir]->is_well()) heir = (heir + 1) % nodes_.size();
    const auto& target = *nodes_[heir];
    story_.enter(target.id(), log);
    // Of an owner that stays broken no move is demanded, also if it came into the log only now.
    if (options_.many_stay_broken && !owner_of(log)) continue;
    const auto until = events_.now() + moved_within_us;
    for (auto ask_at = events_.now(); owner_of(log) != &target; events_.step()) {
      require(events_.now() < until,
              "log " + std::to_string(log.value) + " does not move to node " +
                  std::to_string(target.id().value) + " though nothing is broken (invariant 8)");
      if (is_with_a_broken_one(log)) break;
      if (events_.now() < ask_at) continue;
      ask_at = events_.now() + ask_again_us;
      if (auto* const owner = owner_of(log)) owner->move(log, target.id());
    }
  }
}

}  // namespace atlas::sim
