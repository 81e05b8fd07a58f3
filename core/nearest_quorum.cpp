#include "core/nearest_quorum.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace atlas::core {
namespace {

constexpr std::uint64_t unknown_us = 3'600'000'000;

struct near_zone {
  std::vector<std::pair<std::uint64_t, node_id>> nodes;  ///< distance, node
  std::uint32_t seats = 0;
  std::uint64_t reach_us = 0;  ///< of the last node that is needed
};

}  // namespace

near_set nearest_q2(const configuration& c, const round_trips& distance,
                    const std::vector<node_id>& reachable, node_id self) {
  std::map<std::string, near_zone> zones;
  for (const auto& seat : c.seats) {
    auto& zone = zones[seat.zone];
    ++zone.seats;
    if (std::find(reachable.begin(), reachable.end(), seat.node) == reachable.end()) continue;
    const auto known = distance.find(seat.node);
    const auto far = known == distance.end() ? unknown_us : known->second;
    zone.nodes.emplace_back(seat.node == self ? 0 : far, seat.node);
  }
  std::vector<near_zone> enough;
  for (auto& [name, zone] : zones) {
    const auto need = zone.seats > c.fn ? zone.seats - c.fn : 1;
    if (zone.nodes.size() < need) continue;
    std::sort(zone.nodes.begin(), zone.nodes.end());
    zone.nodes.resize(need);
    zone.reach_us = zone.nodes.back().first;
    enough.push_back(std::move(zone));
  }
  near_set found;
  if (enough.size() < c.fz + 1) return found;
  std::stable_sort(enough.begin(), enough.end(),
                   [](const auto& a, const auto& b) { return a.reach_us < b.reach_us; });
  enough.resize(c.fz + 1);
  for (const auto& zone : enough) {
    found.wait_us = std::max(found.wait_us, zone.reach_us);
    for (const auto& [far, node] : zone.nodes) found.nodes.push_back(node);
  }
  return found;
}

}  // namespace atlas::core
