// Hand-offs: who may speak under a ballot, and when (consensus.md §6). Two processes that share a
// ballot are safe only because they speak one after the other and the second knows all of the
// first; both halves are checked here, before anything bad can come of it.
#include "tests/sim/monitor.hpp"
#include "tests/sim/monitor_names.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

std::string tenure(core::ballot b, core::generation g) {
  return "ballot " + name(b) + " generation " + std::to_string(g.value);
}

bool same(const core::hand_off& a, const core::hand_off& b) {
  return a.to == b.to && a.last_slot == b.last_slot && a.active == b.active &&
         a.last_stamp == b.last_stamp && a.unfinished == b.unfinished;
}

}  // namespace

void monitor::on_speaking(core::process self, std::uint64_t number, const core::accept& m) {
  auto& log = model(m.log);
  const auto [speaker, fresh] =
      log.speakers.emplace(tenure_name{m.by, m.gen}, std::pair{self, number});
  require(speaker->second == std::pair{self, number},
          tenure(m.by, m.gen) + " is spoken for by two owners, one on " + name(self.node));
  require(!log.given.contains({m.by, m.gen + 1}),
          name(self.node) + " goes on under " + tenure(m.by, m.gen) + " after it handed it on");
  if (!fresh || m.gen == core::generation{}) return;
  const auto given = log.given.find({m.by, m.gen});
  require(given != log.given.end() && given->second.to == self,
          name(self.node) + " goes on under " + tenure(m.by, m.gen) + ", which nobody gave to it");
}

void monitor::on_giving(core::generation mine, const core::hand_off& m) {
  auto& log = model(m.log);
  require(m.gen == mine + 1, tenure(m.by, mine) + " is handed on without a higher generation");
  const auto [given, fresh] = log.given.emplace(tenure_name{m.by, m.gen}, m);
  require(same(given->second, m), tenure(m.by, mine) + " is handed on in two ways");
  if (!fresh) return;
  const auto above = log.proposed.upper_bound({m.by, m.last_slot});
  require(above == log.proposed.end() || above->first.first != m.by,
          tenure(m.by, mine) + " is handed on at " + name(m.log, m.last_slot) +
              " though more was proposed");
  require(m.chosen() <= last_chosen(m.log), tenure(m.by, mine) + " is handed on with " +
                                                name(m.log, m.chosen()) +
                                                " as chosen before it is");
  core::slot at = m.chosen();
  for (const auto& value : m.unfinished) {
    const auto sent = log.proposed.find({m.by, ++at});
    require(sent != log.proposed.end() && sent->second == value,
            tenure(m.by, mine) + " is handed on with another value at " + name(m.log, at));
  }
}

void monitor::on_taken(core::process self, const core::hand_off& m, const core::replica& copy) {
  require(m.to == self, name(self.node) + " takes " + tenure(m.by, m.gen) +
                            ", which was given to another start of a node");
  require(model(m.log).taken.insert({m.by, m.gen}).second,
          name(self.node) + " takes " + tenure(m.by, m.gen) + " for the second time");
  require(copy.promised() <= m.by, name(self.node) + " takes " + tenure(m.by, m.gen) +
                                       " below its promise of " + name(copy.promised()));
}

void monitor::on_serving(core::node_id node, const core::proposer& owner,
                         const core::replica& copy) const {
  require(copy.watermark() >= owner.chosen(),
          name(node) + " serves " + name(copy.log(), owner.chosen()) + " having applied only " +
              std::to_string(copy.watermark().value) + " slots");
}

}  // namespace atlas::sim
