// What leaves a node: promises and votes that the disk must hold, entries handed out as chosen,
// answers to reads.
#include <algorithm>

#include "tests/sim/monitor.hpp"
#include "tests/sim/monitor_names.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

void monitor::on_answering(core::node_id node, core::config_epoch known,
                           const std::vector<core::outgoing>& answers) const {
  for (const auto& a : answers) {
    const auto* const vote = std::get_if<core::accepted>(&a.what);
    if (!vote) continue;
    const auto& rounds = logs_.at(vote->log).rounds;
    const auto sent = rounds.find({vote->by, vote->gen, vote->round});
    require(sent != rounds.end(), name(node) + " answers a round that nobody sent");
    require(sent->second >= known, name(node) + " follows ballot " + name(vote->by) +
                                       " under epoch " + std::to_string(sent->second.value) +
                                       " though it knows that epoch " +
                                       std::to_string(known.value) + " is chosen");
  }
}

void monitor::note_promise(core::node_id node, const core::promise& m, const log_image& durable) {
  require(durable.promised >= m.by, name(node) + " promised before it was durable");
  auto& told = acceptors_[{node, m.log}].told;
  require(m.by >= told, name(node) + " promises ballot " + name(m.by) + " below " + name(told));
  told = m.by;
  require(m.watermark <= durable.applied, name(node) + " tells watermark " +
                                              std::to_string(m.watermark.value) +
                                              " that its disk does not have");
  const auto from = std::max(model(m.log).asked_from[m.by], m.watermark + 1);
  for (auto it = durable.entries.lower_bound(from); it != durable.entries.end(); ++it) {
    const bool told_of = std::any_of(m.entries.begin(), m.entries.end(),
                                     [&](const auto& e) { return e.at == it->first; });
    require(told_of || it->second.by >= m.by, name(node) + " promises ballot " + name(m.by) +
                                                  " and does not tell its vote for " +
                                                  name(m.log, it->first));
  }
  note_votes_told(node, m, from);
}

void monitor::note_accepted(core::node_id node, const core::accepted& m, const log_image& durable) {
  require(m.applied <= durable.applied, name(node) + " says that slot " +
                                            std::to_string(m.applied.value) +
                                            " is durably applied, but its disk does not have it");
  require(m.by >= acceptors_[{node, m.log}].told,
          name(node) + " votes under ballot " + name(m.by) + " below its promise (invariant 2)");
  require(durable.promised >= m.by, name(node) + " voted before its promise was durable");
  auto& log = model(m.log);
  for (std::uint32_t i = 0; i < m.count; ++i) {
    const auto at = m.first + i;
    const auto held = durable.entries.find(at);
    const bool holds = held != durable.entries.end() && held->second.by >= m.by;
    // A slot that is chosen already may be answered without a vote: no other value can get there.
    require(holds || at <= last_chosen(m.log), name(node) + " said that it accepted " +
                                                   name(m.log, at) +
                                                   " but its disk does not have it (invariant 2)");
    log.votes[{m.by, at}].insert(node);
    auto& vote = acceptors_[{node, m.log}].votes[at];
    vote = std::max(vote, m.by);
  }
}

void monitor::note_handed_out(core::node_id node, const core::chosen& m) const {
  const auto found = logs_.find(m.log);
  core::slot at = m.first;
  for (const auto& value : m.entries) {
    require(at <= last_chosen(m.log) && found->second.chosen[at.value - 1].value == value,
            name(node) + " hands out as chosen at " + name(m.log, at) + " what is not");
    ++at;
  }
}

void monitor::note_prepare(core::node_id node, const core::prepare& m, bool to_itself,
                           const log_image& durable) {
  require(to_itself || durable.promised >= m.by,
          name(node) + " bids with ballot " + name(m.by) +
              " that its disk does not have, so its next start may use it again");
  auto& from = model(m.log).asked_from[m.by];
  from = std::max(from, m.from);
}

void monitor::on_leaving(core::node_id node, const core::outgoing& m, const log_image& durable) {
  if (const auto* q = std::get_if<core::prepare>(&m.what))
    note_prepare(node, *q, m.to == node, durable);
  else if (const auto* p = std::get_if<core::promise>(&m.what))
    note_promise(node, *p, durable);
  else if (const auto* a = std::get_if<core::accepted>(&m.what))
    note_accepted(node, *a, durable);
  else if (const auto* c = std::get_if<core::chosen>(&m.what))
    note_handed_out(node, *c);
}

void monitor::on_read_arrived(core::log_id log, const core::read& r) {
  // A repeated request may be answered by any of its arrivals, so the first one counts.
  reads_.emplace(std::tuple{log, r.table, r.from, r.ticket}, last_chosen(log));
}

void monitor::on_read_answered(core::log_id log, const core::read& r, core::slot applied) {
  const auto least = reads_.at({log, r.table, r.from, r.ticket});
  require(applied >= least, "a read of " + name(r.from.node) + " is answered at " +
                                name(log, applied) + " though slot " + std::to_string(least.value) +
                                " was chosen before it came (invariants 4 and 6)");
}

void monitor::on_lease_read(core::node_id node, core::log_id log, core::ballot by,
                            core::generation gen) {
  // A ballot that won a Q1 of an older configuration only can not get anything new chosen.
  const auto in_force = active(log).epoch;
  const auto& rounds = model(log).rounds;
  for (auto r = rounds.rbegin(); r != rounds.rend(); ++r) {
    const auto& [other, other_gen, round] = r->first;
    if (std::pair{other, other_gen} <= std::pair{by, gen}) break;
    require(r->second < in_force, name(node) + " reads log " + std::to_string(log.value) +
                                      " under a lease of ballot " + name(by) + " though ballot " +
                                      name(other) + " has another owner (invariant 6)");
  }
}

}  // namespace atlas::sim
