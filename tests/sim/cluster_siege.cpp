// Attacks on leases. Random faults hardly ever meet in the short time at the end of a lease, when
// somebody else may win the log and the owner must know that it may not read any more. So the storm
// aims: an owner is cut off for about the length of a lease, a rival bids, reads go on at the
// owner, and the helper whose promise decides restarts or is heard again at the worst moment.
#include "tests/sim/cluster.hpp"

namespace atlas::sim {
namespace {

constexpr std::uint64_t siege_probes = 40;

using cuts = std::vector<std::pair<core::node_id, core::node_id>>;

void both_ways(cuts& list, core::node_id a, core::node_id b) {
  list.push_back({a, b});
  list.push_back({b, a});
}

}  // namespace

void cluster::schedule_siege() {
  events_.push(events_.now() + random_.below(2 * options_.siege_every_us), [this] {
    if (calm_) return;
    siege();
    schedule_siege();
  });
}

void cluster::siege() {
  const core::log_id some{2 + random_.below(options_.logs)};
  const auto serving = [](sim_node& node, core::log_id log) {
    const auto* const owner = node.owner(log);
    return owner && owner->state() == core::proposer::stage::serving;
  };
  auto& rival = *nodes_[random_.below(nodes_.size())];
  if (!rival.up()) return;
  const auto attack = [&](sim_node& owner, core::log_id log) {
    if (&rival == &owner || !serving(owner, log)) return false;
    story_.count(thing::siege);
    tell("a siege of n" + std::to_string(owner.id().value));
    besiege(owner, rival, log);
    return true;
  };
  // Whose clock is slow believes longest.
  if (options_.slow_clock)
    for (std::uint64_t log = 2; log < 2 + options_.logs; ++log)
      if (attack(*nodes_[options_.slow_clock.value - 1], {log})) return;
  for (auto& node : nodes_)
    if (attack(*node, some)) return;
}

void cluster::besiege(sim_node& owner, sim_node& rival, core::log_id log) {
  const auto lease_us = options_.lease.duration_ms * 1000;
  const auto drift_us = lease_us * options_.lease.drift_permille / 1000;
  cuts to_rival;
  both_ways(to_rival, owner.id(), rival.id());
  cuts to_helpers;
  for (const auto& n : nodes_)
    if (n->id() != owner.id() && n->id() != rival.id()) both_ways(to_helpers, owner.id(), n->id());
  const auto kind = random_.below(4);
  if (kind == 3) {
    cut_for(to_rival, 2 * lease_us);
    cut_for(to_helpers, 2 * lease_us);
    return besiege_to_the_minute(owner, rival, log);
  }
  // The helpers hear the owner longer than the rival does, not as long, or again.
  const auto ends_us = lease_us + random_.below(2 * drift_us + 200'000);
  cut_for(to_rival, ends_us + lease_us);
  if (kind == 0) cut_for(to_helpers, ends_us + drift_us);
  if (kind == 1) besiege_by_restart(owner, rival, to_helpers, ends_us);
  if (kind == 2) besiege_by_return(owner, to_helpers, ends_us);
  usurp_at(events_.now() + (random_.chance(1, 2) ? 0 : random_.below(ends_us)), rival, log);
  const auto every = 2'000 + random_.below(20'000);
  probe_from(events_.now() + ends_us - std::min(ends_us, 10 * every), every, owner, log);
}

/// The owner is alone from now on, and reads go on at it until after the last moment at which the
/// leases can end on any clock. The rival asks again as soon as it may win.
void cluster::besiege_to_the_minute(sim_node& owner, sim_node& rival, core::log_id log) {
  const auto lease_us = options_.lease.duration_ms * 1000;
  const auto drift_us = lease_us * options_.lease.drift_permille / 1000;
  // The latest heartbeat may be as old as their distance.
  const auto first_us = lease_us - std::min(lease_us, drift_us + 250'000);
  usurp_at(events_.now() + random_.below(lease_us), rival, log);
  const auto every = (lease_us + drift_us - first_us) / siege_probes;
  probe_from(events_.now() + first_us + random_.below(every + 1), every + 1, owner, log);
}

void cluster::usurp_at(std::uint64_t when, sim_node& rival, core::log_id log) {
  events_.push(when, [this, &rival, log] {
    if (!calm_) rival.usurp(log);
  });
}

void cluster::probe_from(std::uint64_t when, std::uint64_t every, sim_node& owner,
                         core::log_id log) {
  for (std::uint64_t i = 0; i < siege_probes; ++i)
    events_.push(when + i * every, [this, &owner, log] {
      if (!calm_) clients_.probe(owner, log);
    });
}

void cluster::besiege_by_restart(sim_node& owner, sim_node& rival, const cuts& to_helpers,
                                 std::uint64_t ends_us) {
  // By then the rival's own grant has run out, the helpers' are fresh.
  events_.push(events_.now() + ends_us, [this, &owner, &rival, to_helpers] {
    if (calm_) return;
    cut_for(to_helpers, options_.lease.duration_ms * 1000);
    for (auto& n : nodes_) {
      if (n.get() == &owner || n.get() == &rival || !n->up()) continue;
      n->crash();
      clients_.on_crash(n->id());
      n->start();
    }
  });
}

void cluster::besiege_by_return(sim_node& owner, const cuts& to_helpers, std::uint64_t ends_us) {
  cut_for(to_helpers, ends_us + 50'000 + random_.below(200'000));
  // Heartbeats come through before the owner's own messages do.
  for (const auto& n : nodes_)
    if (n->id() != owner.id())
      net_.deafen(owner.id(), n->id(), events_.now() + ends_us + 400'000 + random_.below(400'000));
}

}  // namespace atlas::sim
