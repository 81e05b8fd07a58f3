#include "tests/sim/sim_options.hpp"

#include <algorithm>

#include "core/grid_quorum.hpp"
#include "core/rng.hpp"

namespace atlas::sim {
namespace {

/// 1..5 nodes in 1..3 zones of any size; three nodes in one or three zones are the most common.
std::vector<std::string> draw_zones(core::rng& random) {
  static const char* const names[] = {"eu", "us", "ap"};
  const unsigned nodes = static_cast<unsigned>(random.chance(2, 5) ? 3 : 1 + random.below(5));
  const auto count = std::min<std::uint64_t>(1 + random.below(3), nodes);
  std::vector<std::string> zones;
  for (unsigned i = 0; i < nodes; ++i)
    zones.emplace_back(names[i < count ? i : random.below(count)]);
  return zones;
}

core::configuration draw_first(const std::vector<std::string>& zones, bool leave_some_out,
                               const core::tolerance_policy& fixed, core::rng& random) {
  for (;;) {
    core::configuration c;
    c.epoch = {1};
    for (std::size_t i = 0; i < zones.size(); ++i)
      if (!leave_some_out || random.chance(2, 3)) c.seats.push_back({{i + 1}, zones[i]});
    if (c.seats.empty()) continue;
    core::sort_seats(c.seats);
    core::tolerance_policy policy;
    if (random.chance(1, 3)) policy.fn = static_cast<std::uint32_t>(random.below(3));
    if (random.chance(1, 3)) policy.fz = static_cast<std::uint32_t>(random.below(3));
    if (fixed.fn) policy.fn = fixed.fn;
    if (fixed.fz) policy.fz = fixed.fz;
    c = core::resolve_tolerances(std::move(c), policy);
    if (core::grid_quorum::make(c).ok()) return c;
  }
}

struct fault_switch {
  const char* name;
  unsigned sim_options::*rate;
};
constexpr fault_switch switches[] = {{"crash", &sim_options::crash},
                                     {"partition", &sim_options::partition},
                                     {"cut", &sim_options::cut},
                                     {"pause", &sim_options::pause},
                                     {"slow_disk", &sim_options::slow_disk},
                                     {"usurp", &sim_options::usurp},
                                     {"loss", &sim_options::loss},
                                     {"duplicate", &sim_options::duplicate},
                                     {"straggler", &sim_options::straggler},
                                     {"drift", &sim_options::drift_permille},
                                     {"duel", &sim_options::duel},
                                     {"echo", &sim_options::echo},
                                     {"siege", &sim_options::siege},
                                     {"isolate", &sim_options::isolate},
                                     {"bridge", &sim_options::bridge},
                                     {"flap", &sim_options::flap},
                                     {"slow_link", &sim_options::slow_link},
                                     {"disk_full", &sim_options::disk_full}};
constexpr const char* reconfigure_switch = "reconfigure";
constexpr const char* move_switch = "move";
constexpr const char* regroup_switch = "regroup";

void switch_off(sim_options& o, const std::set<std::string>& off) {
  for (const auto& s : switches)
    if (off.contains(s.name)) o.*s.rate = 0;
  if (off.contains(reconfigure_switch)) o.reconfigure_every_us = 0;
  if (off.contains(move_switch)) o.move_every_us = 0;
  if (off.contains(regroup_switch)) o.regroup_every_us = 0;
  if (off.contains("slow_disk")) o.slow_node = {};
  if (off.contains("siege")) o.siege_every_us = 0;
  if (o.crash + o.partition + o.cut + o.pause + o.slow_disk + o.usurp + o.duel + o.siege +
          o.isolate + o.bridge + o.flap + o.slow_link + o.disk_full ==
      0)
    o.fault_every_us = 0;
}

/// What the mild storm reaches too rarely: ballots that overtake each other, messages of a world
/// long gone, pipelines with holes, changes of configuration in quick succession.
void harden(sim_options& o, core::rng& random) {
  o.fault_us = 2'000'000 + random.below(2'000'000);
  o.fault_every_us = 15'000 + random.below(250'000);
  o.duel = static_cast<unsigned>(2 + random.below(8));
  if (random.chance(2, 3)) o.echo = static_cast<unsigned>(10 + random.below(150));
  if (random.chance(1, 2)) o.loss = std::max(o.loss, static_cast<unsigned>(random.below(250)));
  if (random.chance(1, 3)) {
    o.clients = static_cast<unsigned>(4 + random.below(6));
    o.think_us = 1'000 + random.below(10'000);
  }
  if (o.reconfigure_every_us && random.chance(2, 3)) {
    o.reconfigure_every_us = 20'000 + random.below(300'000);
    o.ambush = true;
  }
  if (random.chance(1, 2)) {
    o.slow_node = {1 + random.below(o.zones.size())};
    o.slow_node_us = 5'000 + random.below(150'000);
  }
  if (o.reconfigure_every_us) o.removals = random.chance(1, 3);
}

/// Half of the seeds read under leases, with clocks that differ as much as the terms allow; without
/// leases nothing may depend on clocks, so they differ by far more.
void draw_leases(sim_options& o, core::rng random) {
  o.leases = random.chance(1, 2);
  if (!o.leases) {
    o.drift_permille = random.chance(1, 2) ? 10 : 200;
    return;
  }
  o.lease.duration_ms = 250 + random.below(random.chance(1, 3) ? 3'000 : 600);
  o.lease.drift_permille = random.chance(1, 2) ? 10 : 20 + random.below(180);
  o.drift_permille = static_cast<unsigned>(o.lease.drift_permille / 2);
  if (random.chance(2, 3)) o.siege = static_cast<unsigned>(1 + random.below(6));
  if (random.chance(1, 2)) o.slow_clock = {1 + random.below(o.zones.size())};
  if (!random.chance(1, 3)) return;
  // One siege after the other, and little else that would end them early.
  o.lease.duration_ms = 250 + random.below(600);
  o.siege_every_us = (o.lease.duration_ms + random.below(2 * o.lease.duration_ms)) * 1000;
  if (o.fault_every_us) o.fault_every_us = std::max<std::uint64_t>(o.fault_every_us, 400'000);
}

/// Up to 5 zones of up to 4 nodes, most of them small.
std::vector<std::string> draw_wide_zones(core::rng& random) {
  static const char* const names[] = {"eu", "us", "ap", "sa", "af"};
  std::vector<std::string> zones;
  const auto count = 1 + random.below(5);
  const auto largest = 1 + random.below(random.chance(1, 3) ? 4 : 3);
  for (std::uint64_t z = 0; z < count; ++z)
    for (auto n = 1 + random.below(largest); n > 0; --n) zones.emplace_back(names[z]);
  return zones;
}

/// A fifth of the seeds: more nodes, the faults of a wide area, and an end at which no more is well
/// than must be.
void widen(sim_options& o, const sim_shape& shape, core::rng random) {
  if (!random.chance(1, 5)) return;
  if (random.chance(1, 2) && shape.zones.empty()) {
    o.zones = draw_wide_zones(random);
    o.first = draw_first(o.zones, o.reconfigure_every_us > 0, shape.tolerance, random);
    if (o.slow_clock) o.slow_clock = {1 + random.below(o.zones.size())};
    o.slow_node = o.slow_node ? core::node_id{1 + random.below(o.zones.size())} : core::node_id{};
    o.clients = std::max(o.clients, static_cast<unsigned>(o.zones.size() / 2));
  }
  const auto weight = [&] { return random.chance(1, 2) ? unsigned(1 + random.below(5)) : 0u; };
  o.isolate = weight();
  o.bridge = weight();
  o.flap = weight();
  o.slow_link = weight();
  o.disk_full = weight();
  if (!o.fault_every_us) o.fault_every_us = 20'000 + random.below(1'000'000);
  o.many_stay_broken = !o.reconfigure_every_us && random.chance(2, 3);
  o.some_stay_down = o.some_stay_down || o.many_stay_broken;
}

/// Tables that join and leave logs of groups. Not where logs are closed: a table leaves first.
void draw_groups(sim_options& o, core::rng random) {
  if (o.close_at_us || !random.chance(1, 3)) return;
  o.logs += static_cast<unsigned>(random.below(o.tables > 1 ? 2 : 3));
  if (o.logs < 2) o.logs = 2;
  o.regroup_every_us = 20'000 + random.below(random.chance(1, 2) ? 200'000 : 1'500'000);
  o.part_bytes = 1 + random.below(150);
}

void tighten(core::replica_limits& limits, core::rng& random) {
  limits.keep_slots = random.below(random.chance(1, 2) ? 8 : 60);
  limits.chunk_bytes = 64 + random.below(1'000);
  limits.views_max = 1 + random.below(3);
  if (limits.keep_slots % 4 == 0) limits.keep_ms = 500 + limits.keep_slots * 50;
  limits.view_idle_ms = 300 + random.below(3'000);
}

}  // namespace

std::vector<std::string> fault_kinds() {
  std::vector<std::string> names{reconfigure_switch, move_switch, regroup_switch};
  for (const auto& s : switches) names.emplace_back(s.name);
  return names;
}

sim_options sim_options::from_seed(std::uint64_t seed, const sim_shape& shape) {
  auto o = mild(seed, shape);
  core::rng random(seed * 0xd1342543de82ef95ull + 3);
  if (random.chance(1, 2)) harden(o, random);
  if (random.chance(3, 4)) tighten(o.limits, random);
  draw_leases(o, core::rng(seed * 0xa0761d6478bd642full + 7));
  core::rng movers(seed * 0xa0761d6478bd642full + 7);
  if (o.zones.size() > 1 && movers.chance(1, 2))
    o.move_every_us = 20'000 + movers.below(movers.chance(1, 2) ? 150'000 : 1'500'000);
  core::rng closers(seed * 0xe7037ed1a0b428dbull + 11);
  if (closers.chance(1, 6)) o.close_at_us = 1 + closers.below(o.fault_us);
  o.thrifty = core::rng(seed * 0x9fb21c651e98df25ull + 17).chance(1, 2);
  draw_groups(o, core::rng(seed * 0xc6a4a7935bd1e995ull + 13));
  widen(o, shape, core::rng(seed * 0x2545f4914f6cdd1dull + 19));
  core::rng staleness(seed * 0x8cb92ba72f3d8dd7ull + 23);
  if (staleness.chance(1, 3)) o.stale = static_cast<unsigned>(5 + staleness.below(40));
  core::rng rules(seed * 0xd6e8feb86659fd93ull + 29);
  if (rules.chance(1, 4)) o.rules = static_cast<unsigned>(20 + rules.below(60));
  if (rules.chance(1, 2)) o.blobs = static_cast<unsigned>(20 + rules.below(70));
  switch_off(o, shape.off);
  return o;
}

sim_options sim_options::mild(std::uint64_t seed, const sim_shape& shape) {
  core::rng random(seed * 0x9e3779b97f4a7c15ull + 1);
  sim_options o;
  o.seed = seed;
  o.zones = draw_zones(random);
  if (!shape.zones.empty()) o.zones = shape.zones;
  const bool reconfigures = o.zones.size() > 1 && random.chance(1, 2);
  o.first = draw_first(o.zones, reconfigures, shape.tolerance, random);
  o.logs = static_cast<unsigned>(1 + random.below(2));
  o.tables = o.logs;
  o.clients = static_cast<unsigned>(2 + random.below(5));
  o.keys = static_cast<unsigned>(1 + random.below(4));
  o.think_us = 10'000 + random.below(90'000);
  o.fault_us = 3'000'000 + random.below(4'000'000);
  if (reconfigures) o.reconfigure_every_us = 50'000 + random.below(1'500'000);
  if (random.chance(9, 10))
    o.fault_every_us = 20'000 + random.below(random.chance(1, 3) ? 100'000 : 1'200'000);
  // Few kinds at once, so that each seed has a theme and not everything cancels everything.
  const auto weight = [&] { return random.chance(1, 2) ? unsigned(1 + random.below(4)) : 0u; };
  o.crash = weight() + (random.chance(1, 2) ? 2 : 0);
  o.partition = weight();
  o.cut = weight();
  o.pause = weight();
  o.slow_disk = weight();
  o.usurp = random.chance(1, 2) ? static_cast<unsigned>(1 + random.below(12)) : 0;
  if (o.crash + o.partition + o.cut + o.pause + o.slow_disk + o.usurp == 0) o.crash = 1;
  if (random.chance(1, 2)) o.loss = static_cast<unsigned>(random.below(100));
  if (random.chance(1, 2)) o.duplicate = static_cast<unsigned>(random.below(100));
  if (random.chance(1, 2)) o.straggler = static_cast<unsigned>(random.below(50));
  o.delay_us = 100 + random.below(2'000);
  o.zone_delay_us = random.chance(1, 2) ? random.below(5'000) : random.below(60'000);
  o.fsync_us = 100 + random.below(random.chance(1, 4) ? 40'000 : 4'000);
  o.hints = random.chance(1, 2);
  o.some_stay_down = !reconfigures && random.chance(1, 3);
  switch_off(o, shape.off);
  return o;
}

std::string sim_options::describe() const {
  std::string text = "nodes";
  for (const auto& z : zones) text += " " + z;
  text += ", first configuration of " + std::to_string(first.seats.size()) +
          " seats fn=" + std::to_string(first.fn) + " fz=" + std::to_string(first.fz);
  text += ", " + std::to_string(logs) + " logs, " + std::to_string(clients) + " clients";
  text += reconfigure_every_us ? ", reconfiguring" : "";
  if (leases)
    text += ", leases of " + std::to_string(lease.duration_ms) + " ms with drift " +
            std::to_string(lease.drift_permille);
  if (slow_clock) text += ", slow clock of node " + std::to_string(slow_clock.value);
  if (siege_every_us) text += ", besieged";
  if (thrifty) text += ", thrifty";
  if (stale) text += ", stale reads";
  if (rules) text += blobs ? ", rules of rows and values in chunks" : ", rules of rows";
  if (ambush) text += " and ambushed";
  text += move_every_us ? ", moving" : "";
  if (regroup_every_us) text += ", " + std::to_string(tables) + " tables moving between logs";
  if (close_at_us) text += ", closing a log";
  if (removals) text += " and removing nodes for good";
  if (slow_node) text += ", slow disk of node " + std::to_string(slow_node.value);
  text += "; crash " + std::to_string(crash) + " partition " + std::to_string(partition) + " cut " +
          std::to_string(cut) + " pause " + std::to_string(pause) + " slow disk " +
          std::to_string(slow_disk) + " usurp " + std::to_string(usurp) + " duel " +
          std::to_string(duel) + " siege " + std::to_string(siege);
  if (isolate + bridge + flap + slow_link + disk_full > 0)
    text += " isolate " + std::to_string(isolate) + " bridge " + std::to_string(bridge) + " flap " +
            std::to_string(flap) + " slow link " + std::to_string(slow_link) + " disk full " +
            std::to_string(disk_full);
  if (many_stay_broken) text += ", many stay broken";
  text += "; loss " + std::to_string(loss) + " duplicate " + std::to_string(duplicate) +
          " straggler " + std::to_string(straggler) + " echo " + std::to_string(echo) +
          " per mille; keeps " + std::to_string(limits.keep_slots) + " slots";
  return text;
}

}  // namespace atlas::sim
