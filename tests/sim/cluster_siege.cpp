// Attacks on leases. Random faults hardly ever meet in the short time at the end of a lease, when
// somebody else may win the log and the owner must know that it may not read any more. So the storm
// aims: an owner is cut off for about the length of a lease, a rival bids, reads go on at the
// owner, and the helper whose promise decides restarts or is heard again at the worst moment.
#include "tests/sim/cluster.hpp"

namespace atlas::sim {
namespace {

using cuts = std::vector<std::pair<core::node_id, core::node_id>>;

void both_ways(cuts& list, core::node_id a, core::node_id b) {
  list.push_back({a, b});
  list.push_back({b, a});
}

}  // namespace

void cluster::siege() {
  const core::log_id log{2 + random_.below(options_.logs)};
  for (auto& node : nodes_) {
    const auto* const owner = node->owner(log);
    if (!owner || owner->state() != core::proposer::stage::serving) continue;
    auto& rival = *nodes_[random_.below(nodes_.size())];
    if (&rival == node.get() || !rival.up()) return;
    story_.count(thing::siege);
    tell("a siege of n" + std::to_string(node->id().value));
    return besiege(*node, rival, log);
  }
}

void cluster::besiege(sim_node& owner, sim_node& rival, core::log_id log) {
  const auto lease_us = options_.lease.duration_ms * 1000;
  const auto drift_us = lease_us * options_.lease.drift_permille / 1000;
  cuts to_rival;
  both_ways(to_rival, owner.id(), rival.id());
  cuts to_helpers;
  for (const auto& n : nodes_)
    if (n->id() != owner.id() && n->id() != rival.id()) both_ways(to_helpers, owner.id(), n->id());
  // The helpers hear the owner longer than the rival does, not as long, or again.
  const auto kind = random_.below(3);
  const auto ends_us = lease_us + random_.below(2 * drift_us + 200'000);
  cut_for(to_rival, ends_us + lease_us);
  if (kind == 0) cut_for(to_helpers, ends_us + drift_us);
  if (kind == 1) besiege_by_restart(owner, rival, to_helpers, ends_us);
  if (kind == 2) besiege_by_return(owner, to_helpers, ends_us);
  events_.push(events_.now() + (random_.chance(1, 2) ? 0 : random_.below(ends_us)),
               [this, &rival, log] {
                 if (!calm_) rival.usurp(log);
               });
  const auto every = 2'000 + random_.below(20'000);
  for (std::uint64_t i = 0; i < 40; ++i)
    events_.push(events_.now() + ends_us - std::min(ends_us, 10 * every) + i * every,
                 [this, &owner, log] {
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
