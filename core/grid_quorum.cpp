#include "core/grid_quorum.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "core/check.hpp"
#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

constexpr std::size_t seats_max = 64;

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

}  // namespace

result<grid_quorum> grid_quorum::make(const configuration& c) {
  if (c.seats.empty()) return failure{errc::bad_topology, "a table needs at least 1 acceptor"};
  if (c.seats.size() > seats_max)
    return failure{errc::bad_topology,
                   "at most 64 acceptors per table, not " + number(c.seats.size())};
  grid_quorum q;
  q.fz_ = c.fz;
  for (unsigned i = 0; i < c.seats.size(); ++i) {
    const auto& seat = c.seats[i];
    if (std::find(q.seats_.begin(), q.seats_.end(), seat.node) != q.seats_.end())
      return failure{errc::bad_topology, "node " + number(seat.node.value) + " has two seats"};
    q.seats_.push_back(seat.node);
    auto zone = std::find_if(q.zones_.begin(), q.zones_.end(),
                             [&](const zone_shape& z) { return z.name == seat.zone; });
    if (zone == q.zones_.end()) zone = q.zones_.insert(q.zones_.end(), {seat.zone, 0, 0, 0, 0});
    zone->mask |= std::uint64_t{1} << i;
    ++zone->size;
  }
  if (c.fz >= q.zones_.size())
    return failure{errc::bad_topology, "fz=" + number(c.fz) + " needs at least " +
                                           number(c.fz + 1ull) + " zones, there are " +
                                           number(q.zones_.size())};
  for (auto& z : q.zones_) {
    if (c.fn >= z.size)
      return failure{errc::bad_topology, "fn=" + number(c.fn) + " needs at least " +
                                             number(c.fn + 1ull) + " nodes in every zone, zone " +
                                             z.name + " has " + number(z.size)};
    z.need2 = z.size - c.fn;
    z.need1 = z.size + 1 - z.need2;
    if (planted(bug::need1_one_less) && z.need1 > 1) --z.need1;
    if (planted(bug::need2_one_less) && z.need2 > 1) --z.need2;
  }
  return q;
}

grid_quorum grid_quorum::of_logged(const configuration& c) {
  auto q = make(c);
  ATLAS_CHECK(q.ok(), "logged configurations are legal");
  return std::move(q).value();
}

std::optional<unsigned> grid_quorum::seat_of(node_id node) const {
  for (unsigned i = 0; i < seats_.size(); ++i)
    if (seats_[i] == node) return i;
  return std::nullopt;
}

vote_set grid_quorum::votes_of(const std::vector<node_id>& nodes) const {
  vote_set votes;
  for (const auto node : nodes)
    if (const auto seat = seat_of(node)) votes.add(*seat);
  return votes;
}

unsigned grid_quorum::zones_with(vote_set votes, bool phase1) const {
  unsigned zones = 0;
  for (const auto& z : zones_) {
    const auto have = static_cast<unsigned>(std::popcount(votes.bits & z.mask));
    if (have >= (phase1 ? z.need1 : z.need2)) ++zones;
  }
  return zones;
}

std::string grid_quorum::describe_q2(vote_set reachable) const {
  return "commit needs " + describe(reachable, false);
}

std::string grid_quorum::describe_q1(vote_set reachable) const {
  return "taking over ownership needs " + describe(reachable, true);
}

std::string grid_quorum::describe(vote_set reachable, bool phase1) const {
  const auto need = [&](const zone_shape& z) { return phase1 ? z.need1 : z.need2; };
  const bool uniform = std::all_of(zones_.begin(), zones_.end(), [&](const zone_shape& z) {
    return z.size == zones_[0].size && need(z) == need(zones_[0]);
  });
  std::string text;
  if (uniform) {
    text = number(need(zones_[0])) + " of " + number(zones_[0].size) + " nodes";
  } else {
    for (const auto& z : zones_)
      text += (text.empty() ? "" : ", ") + number(need(z)) + " of " + number(z.size) +
              " nodes of " + z.name;
    text = "(" + text + ")";
  }
  text += " in " + number(phase1 ? q1_zones() : q2_zones()) + " of " + number(zones_.size()) +
          " zones; reachable:";
  const char* separator = " ";
  for (const auto& z : zones_) {
    text += separator + z.name + " " +
            number(static_cast<unsigned>(std::popcount(reachable.bits & z.mask))) + "/" +
            number(z.size);
    separator = ", ";
  }
  return text;
}

std::vector<node_id> grid_quorum::example_q1(const std::string& near) const {
  return example(near, true);
}

std::vector<node_id> grid_quorum::example_q2(const std::string& near) const {
  return example(near, false);
}

std::vector<node_id> grid_quorum::example(const std::string& near, bool phase1) const {
  auto order = zones_;
  std::stable_partition(order.begin(), order.end(),
                        [&](const zone_shape& z) { return (z.name == near) != phase1; });
  std::vector<node_id> nodes;
  const unsigned zones = phase1 ? q1_zones() : q2_zones();
  for (unsigned i = 0; i < zones; ++i) {
    unsigned left = phase1 ? order[i].need1 : order[i].need2;
    for (unsigned seat = 0; seat < seats_.size() && left > 0; ++seat) {
      if (!((order[i].mask >> seat) & 1)) continue;
      nodes.push_back(seats_[seat]);
      --left;
    }
  }
  return nodes;
}

configuration resolve_tolerances(configuration c, const tolerance_policy& wanted) {
  std::map<std::string, std::uint32_t> sizes;
  for (const auto& s : c.seats) ++sizes[s.zone];
  std::uint32_t smallest = 1;
  if (!sizes.empty())
    smallest = std::min_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) {
                 return a.second < b.second;
               })->second;
  c.fn = wanted.fn.value_or((smallest - 1) / 2);
  c.fz = wanted.fz.value_or(sizes.size() < 3 ? 0 : 1);
  return c;
}

}  // namespace atlas::core
