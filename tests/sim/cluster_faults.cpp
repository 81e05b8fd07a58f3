// The storm: when which fault strikes. All of it is drawn from the seed.
#include <algorithm>

#include "core/grid_quorum.hpp"
#include "tests/sim/cluster.hpp"

namespace atlas::sim {

void cluster::storm() {
  for (auto& node : nodes_) {
    // Most clusters begin together, some in a row.
    const auto delay = random_.chance(1, 2) ? 0 : random_.below(500'000);
    events_.push(delay, [n = node.get()] { n->start(); });
  }
  clients_.start();
  if (options_.fault_every_us) schedule_fault();
  if (options_.reconfigure_every_us) schedule_reconfiguration();
  if (options_.siege_every_us) schedule_siege();
  if (options_.move_every_us) schedule_move();
  if (options_.close_at_us) schedule_close();
  if (options_.regroup_every_us) schedule_regroup();
  run_until(options_.fault_us);
}

void cluster::schedule_fault() {
  events_.push(events_.now() + random_.below(2 * options_.fault_every_us), [this] {
    if (calm_) return;
    one_fault();
    schedule_fault();
  });
}

void cluster::schedule_reconfiguration() {
  events_.push(events_.now() + random_.below(2 * options_.reconfigure_every_us), [this] {
    if (calm_) return;
    reconfigure_some();
    schedule_reconfiguration();
  });
}

void cluster::one_fault() {
  auto die = random_.below(options_.crash + options_.partition + options_.cut + options_.pause +
                           options_.slow_disk + options_.usurp + options_.duel + options_.siege +
                           options_.isolate + options_.bridge + options_.flap + options_.slow_link +
                           options_.disk_full);
  auto& node = *nodes_[random_.below(nodes_.size())];
  const auto fits = [&](unsigned weight) {
    if (die < weight) return true;
    die -= weight;
    return false;
  };
  if (fits(options_.crash)) return crash_some();
  if (fits(options_.partition)) return cut_some(true);
  if (fits(options_.cut)) return cut_some(false);
  if (fits(options_.pause)) return node.pause(events_.now() + random_.below(3'000'000));
  if (fits(options_.usurp)) return usurp_some();
  if (fits(options_.duel)) return duel();
  if (fits(options_.siege)) return siege();
  if (!fits(options_.slow_disk)) return wide_fault(die);
  const auto by = random_.below(300'000);
  slow_for(node, by, random_.below(2'000'000));
}

std::uint64_t cluster::moment() {
  return random_.below(4 * (options_.zone_delay_us + options_.delay_us + options_.fsync_us));
}

void cluster::duel() {
  story_.count(thing::duel);
  const core::log_id log{2 + random_.below(options_.logs)};
  const auto a = random_.below(nodes_.size());
  const auto b = random_.below(nodes_.size());
  if (random_.chance(1, 4)) return whisper(*nodes_[a], log);
  auto at = events_.now();
  for (std::uint64_t bids = 2 + random_.below(4); bids > 0; --bids) {
    auto& node = *nodes_[bids % 2 ? a : b];
    events_.push(at, [this, &node, log] {
      if (!calm_) node.usurp(log);
    });
    at += moment();
  }
  // Who is struck, mostly the last bidder, may bid for the same log again as soon as it is back.
  if (!random_.chance(1, 2)) return;
  auto& struck = *nodes_[random_.chance(2, 3) ? a : random_.below(nodes_.size())];
  strike(struck, log, random_.chance(1, 2) ? at - events_.now() : 0);
}

void cluster::whisper(sim_node& rival, core::log_id log) {
  for (auto& node : nodes_) {
    const auto* const owner = node->owner(log);
    if (!owner || owner->state() != core::proposer::stage::serving || node.get() == &rival)
      continue;
    std::vector<std::pair<core::node_id, core::node_id>> pairs;
    for (const auto& other : nodes_)
      if (other != node && other.get() != &rival) pairs.push_back({rival.id(), other->id()});
    cut_for(pairs, 50'000 + random_.below(500'000));
    slow_for(*node, 10'000 + random_.below(200'000), 300'000);
    rival.usurp(log);
    // What others choose meanwhile the owner's copy does not hold, and reads must notice.
    for (std::uint64_t i = 1; i <= 12; ++i)
      events_.push(events_.now() + i * (1'000 + moment() / 4), [this, &owned = *node, log, i] {
        if (!calm_) clients_.probe(owned, log, i % 3 == 1);
      });
    return;
  }
}

void cluster::slow_for(sim_node& node, std::uint64_t by_us, std::uint64_t us) {
  story_.count(thing::slow_disk);
  node.slow_down(by_us);
  events_.push(events_.now() + us, [this, &node] {
    const bool always = !calm_ && node.id() == options_.slow_node;
    node.slow_down(always ? options_.slow_node_us : 0);
  });
}

void cluster::strike(sim_node& node, core::log_id log, std::uint64_t after_us) {
  const bool sleeps = random_.chance(1, 3);
  const bool bids = random_.chance(1, 2);
  const auto back = random_.below(random_.chance(1, 2) ? 30'000 : 500'000);
  const auto at = events_.now() + after_us + moment();
  events_.push(at, [this, &node, log, sleeps, bids, back] {
    if (calm_ || !node.up()) return;
    if (sleeps) return node.pause(events_.now() + back);
    node.crash();
    clients_.on_crash(node.id());
    events_.push(events_.now() + back, [this, &node, log, bids] {
      if (calm_ || node.up()) return;
      node.start();
      if (bids) node.usurp(log);
    });
  });
}

void cluster::ambush(sim_node& owner, core::log_id log) {
  story_.count(thing::ambush);
  strike(owner, log, 0);
  auto& rival = *nodes_[random_.below(nodes_.size())];
  events_.push(events_.now() + moment(), [this, &rival, log] {
    if (!calm_) rival.usurp(log);
  });
  if (random_.chance(1, 2))
    events_.push(events_.now() + 2 * moment(), [this] {
      if (!calm_) reconfigure_some();
    });
}

void cluster::usurp_some() {
  auto& node = *nodes_[random_.below(nodes_.size())];
  node.usurp({2 + random_.below(options_.logs)});
  if (!random_.chance(1, 3)) return;
  // It falls asleep on the way and goes on with what it knew when the world has changed.
  auto& sleeper = random_.chance(2, 3) ? node : *nodes_[random_.below(nodes_.size())];
  events_.push(events_.now() + random_.below(4 * (options_.zone_delay_us + options_.fsync_us)),
               [this, &sleeper] {
                 if (!calm_) sleeper.pause(events_.now() + random_.below(1'500'000));
               });
}

void cluster::crash_some() {
  // Mostly one, sometimes the power fails everywhere.
  const bool all = random_.chance(1, 10);
  if (all) tell("the power fails everywhere");
  const auto one = random_.below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[i];
    if (!node.up() || (!all && i != one)) continue;
    node.crash();
    clients_.on_crash(node.id());
    events_.push(events_.now() + 10'000 + random_.below(2'000'000), [this, &node] {
      if (!calm_ && !node.up()) node.start();
    });
  }
}

void cluster::cut_some(bool partition) {
  std::vector<std::pair<core::node_id, core::node_id>> pairs;
  const auto side = random_.next();
  const auto count = nodes_.size();
  for (std::uint64_t a = 1; partition && a <= count; ++a)
    for (std::uint64_t b = 1; b <= count; ++b)
      if (((side >> a) & 1) != ((side >> b) & 1))
        pairs.push_back({core::node_id{a}, core::node_id{b}});
  if (!partition) {
    const core::node_id a{1 + random_.below(count)};
    const core::node_id b{1 + random_.below(count)};
    pairs.push_back({a, b});
    if (random_.chance(1, 2)) pairs.push_back({b, a});
  }
  story_.count(partition ? thing::partition : thing::cut);
  cut_for(pairs, random_.below(3'000'000));
}

void cluster::cut_for(const std::vector<std::pair<core::node_id, core::node_id>>& pairs,
                      std::uint64_t us) {
  for (const auto& [a, b] : pairs) {
    net_.cut(a, b);
    if (story_.heard())
      tell("cut: n" + std::to_string(a.value) + " to n" + std::to_string(b.value));
  }
  events_.push(events_.now() + us, [this, pairs] {
    if (calm_ && options_.many_stay_broken) return;  // all is mended, and what is cut now stays so
    for (const auto& [a, b] : pairs) net_.mend(a, b);
    tell("a cut heals");
  });
}

void cluster::remove_some(core::log_id log) {
  if (!options_.removals || removed_.size() + 1 >= nodes_.size() || !random_.chance(1, 5)) return;
  auto& node = *nodes_[random_.below(nodes_.size())];
  if (!removed_.insert(node.id()).second) return;
  story_.count(thing::removal);
  tell("n" + std::to_string(node.id().value) + " is removed for good");
  // It is cut off while the others go on, and back with an old configuration and a new ballot.
  if (random_.chance(1, 2)) {
    std::vector<std::pair<core::node_id, core::node_id>> pairs;
    for (const auto& other : nodes_)
      if (other->id() != node.id()) {
        pairs.push_back({node.id(), other->id()});
        pairs.push_back({other->id(), node.id()});
      }
    cut_for(pairs, random_.below(2'000'000));
  }
  for (int bids = 0; bids < 3; ++bids)
    events_.push(events_.now() + random_.below(3'000'000), [this, &node, log] {
      if (!calm_) node.usurp(log);
    });
}

void cluster::reconfigure_some() {
  const core::log_id log{2 + random_.below(options_.logs)};
  remove_some(log);
  for (auto& node : nodes_) {
    auto* owner = node->owner(log);
    if (!owner || owner->state() != core::proposer::stage::serving) continue;
    const bool anywhere = random_.chance(1, 3);
    core::configuration next;
    next.parent = owner->active().epoch;
    next.epoch = next.parent + 1;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (!removed_.contains({i + 1}) &&
          (owner->active().has({i + 1}) && !anywhere ? !random_.chance(1, 4)
                                                     : random_.chance(1, 2)))
        next.seats.push_back({{i + 1}, options_.zones[i]});
    core::sort_seats(next.seats);
    core::tolerance_policy policy;
    if (random_.chance(1, 3)) policy.fn = static_cast<std::uint32_t>(random_.below(3));
    if (random_.chance(1, 3)) policy.fz = static_cast<std::uint32_t>(random_.below(3));
    next = core::resolve_tolerances(std::move(next), policy);
    if (!core::grid_quorum::make(next).ok()) continue;
    node->reconfigure(log, next);
    if (options_.ambush && random_.chance(1, 2)) ambush(*node, log);
  }
}

}  // namespace atlas::sim
