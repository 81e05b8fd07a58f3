#include "tests/sim/story.hpp"

#include <cstdio>

namespace atlas::sim {
namespace {

// Events are kept for all logs together; few clusters have more logs than this.
constexpr std::size_t logs_at_once = 8;

}  // namespace

const char* name_of(thing t) {
  static constexpr std::array<const char*, things> names{"crashes",
                                                         "with loss",
                                                         "partitions",
                                                         "cuts",
                                                         "pauses",
                                                         "slow disks",
                                                         "usurpers",
                                                         "duels",
                                                         "ambushes",
                                                         "sieges",
                                                         "isolations",
                                                         "bridges",
                                                         "flappings",
                                                         "slow links",
                                                         "disks full",
                                                         "nodes left broken",
                                                         "messages lost",
                                                         "repeated",
                                                         "late",
                                                         "echoes",
                                                         "elections",
                                                         "steals",
                                                         "slots recovered",
                                                         "gaps filled",
                                                         "configuration changes",
                                                         "refusals",
                                                         "read confirmations",
                                                         "reads before copy",
                                                         "fetches answered",
                                                         "commands repeated",
                                                         "promises with votes",
                                                         "leases granted",
                                                         "lease reads",
                                                         "leases run out",
                                                         "lease refusals",
                                                         "leases released",
                                                         "truncations",
                                                         "snapshot parts",
                                                         "snapshots installed",
                                                         "transfers begun again",
                                                         "moves begun",
                                                         "handed over",
                                                         "taken",
                                                         "given in flight",
                                                         "requests relayed",
                                                         "moves finished",
                                                         "nodes removed",
                                                         "attempts to close a log",
                                                         "tables sealed",
                                                         "parts adopted",
                                                         "tables adopted",
                                                         "requests redirected",
                                                         "stale: owners asked",
                                                         "stale reads with an age",
                                                         "stale reads, age 0",
                                                         "stale: copy waited",
                                                         "changes of fn or fz",
                                                         "changes in a row",
                                                         "runs with fz > 0",
                                                         "reads by a round",
                                                         "ticks of log time",
                                                         "write-once refusals",
                                                         "conflicts",
                                                         "values in chunks"};
  return names[static_cast<std::size_t>(t)];
}

tally& tally::operator+=(const tally& other) {
  for (std::size_t i = 0; i < things; ++i) of[i] += other.of[i];
  return *this;
}

std::string told_event::to_string() const {
  char head[64];
  std::snprintf(head, sizeof head, "%10.3f ms  %-4s %-4s ", static_cast<double>(at_us) / 1000,
                node ? ("n" + std::to_string(node.value)).c_str() : "-",
                log ? ("l" + std::to_string(log.value)).c_str() : "-");
  return head + what;
}

void story::tell(core::node_id node, core::log_id log, std::string what) {
  if (!heard()) return;
  told_event e{events_.now(), node, log, std::move(what)};
  if (who_.prints) std::printf("%s\n", e.to_string().c_str());
  if (who_.keeps == 0) return;
  kept_.push_back(std::move(e));
  if (kept_.size() > who_.keeps * logs_at_once) kept_.pop_front();
}

void story::on_election(core::node_id node, core::log_id log) {
  count(thing::election);
  auto& owner = owners_[log];
  if (owner && owner != node) count(thing::steal);
  owner = node;
}

std::vector<std::string> story::last_of(core::log_id log) const {
  std::deque<std::string> lines;
  for (auto e = kept_.rbegin(); e != kept_.rend() && lines.size() < who_.keeps; ++e)
    if (!log || !e->log || e->log == log) lines.push_front(e->to_string());
  return {lines.begin(), lines.end()};
}

}  // namespace atlas::sim
