// What truncation and snapshots may take away: nothing that a Q1 could still need to hear of. The
// monitor remembers each vote that an acceptor told and wants it told again, until the acceptor
// speaks of a watermark above it.
#include <algorithm>

#include "tests/sim/monitor.hpp"
#include "tests/sim/monitor_names.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

void monitor::note_votes_told(core::node_id node, const core::promise& m, core::slot from) {
  auto& votes = acceptors_[{node, m.log}].votes;
  votes.erase(votes.begin(), votes.upper_bound(m.watermark));
  for (auto it = votes.lower_bound(from); it != votes.end(); ++it) {
    const core::slot at = it->first;
    const core::ballot by = it->second;
    const bool chosen = at <= last_chosen(m.log);
    const bool told = std::any_of(m.entries.begin(), m.entries.end(), [&](const auto& e) {
      if (e.at != at || e.by >= by) return e.at == at;
      // A vote for a slot that was applied already is not stored; an older one with its value is.
      return chosen && e.value == model(m.log).chosen[at.value - 1].value;
    });
    require(told || by >= m.by, name(node) + " promises ballot " + name(m.by) +
                                    " and has lost its vote for " + name(m.log, at));
  }
}

void monitor::on_durable(core::node_id node, core::log_id log, const log_image& durable) {
  auto& known = acceptors_[{node, log}].durably_applied;
  require(durable.applied >= known, name(node) + ": the disk lost applied slots");
  known = durable.applied;
}

/// Who lost its seat may be emptied once the change is settled: nothing may depend on its disk.
void monitor::check_settled(core::node_id node, const core::replica& copy) {
  if (!copy.settled()) return;
  for (const auto& [at, force] : model(copy.log()).configurations) {
    if (at.value == 0 || force.epoch != copy.active().epoch) continue;
    std::set<core::node_id> hold;
    for (const auto& seat : force.seats)
      if (acceptors_[{seat.node, copy.log()}].durably_applied >= at) hold.insert(seat.node);
    require(has_q2(force, hold), name(node) + " calls epoch " + std::to_string(force.epoch.value) +
                                     " settled, but too few of its voters hold " +
                                     name(copy.log(), at));
  }
}

void monitor::check_truncation(core::node_id node, core::log_id log, const log_image& disk) {
  auto& memory = acceptors_[{node, log}];
  require(disk.truncated <= disk.applied,
          name(node) + " truncated " + name(log, disk.truncated) + " without having applied it");
  if (disk.truncated <= memory.truncated) return;
  memory.truncated = disk.truncated;
  // A snapshot replaces what it cuts: nothing of it was in this log.
  if (disk.truncated == disk.installed) return;
  const auto age_us = events_.now() - model(log).chosen.at(disk.truncated.value - 1).at_us;
  require(disk.applied - disk.truncated >= keep_slots_ || age_us + 1'000 >= keep_us_,
          name(node) + " truncated " + name(log, disk.truncated) + " which was to be kept, " +
              std::to_string(age_us / 1'000) + " ms after it was chosen");
  std::set<core::node_id> hold;
  for (const auto& [who, acceptor] : acceptors_)
    if (who.second == log && acceptor.durably_applied >= disk.truncated) hold.insert(who.first);
  const auto& all = model(log).configurations;
  require(
      std::any_of(all.begin(), all.end(), [&](const auto& c) { return has_q2(c.second, hold); }),
      name(node) + " truncated " + name(log, disk.truncated) + " which no Q2 has durably applied");
}

}  // namespace atlas::sim
