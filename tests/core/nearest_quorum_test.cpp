// The nearest set that is enough: always a Q2, never with a node too many, never with a farther one
// where a nearer one does.
#include "core/nearest_quorum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/grid_quorum.hpp"
#include "core/rng.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

std::uint64_t distance_of(const round_trips& all, node_id node) {
  const auto found = all.find(node);
  return node == node_id{1} ? 0 : found == all.end() ? 3'600'000'000 : found->second;
}

void check_set(const configuration& c, const round_trips& all, std::vector<node_id> reachable) {
  const auto quorum = grid_quorum::make(c).value();
  const auto found = nearest_q2(c, all, reachable, {1});
  if (!quorum.has_q2(quorum.votes_of(reachable))) {
    CHECK(found.nodes.empty());
    return;
  }
  REQUIRE(quorum.has_q2(quorum.votes_of(found.nodes)));
  for (const auto node : found.nodes) {
    auto rest = found.nodes;
    std::erase(rest, node);
    REQUIRE_FALSE(quorum.has_q2(quorum.votes_of(rest)));
    REQUIRE(std::find(reachable.begin(), reachable.end(), node) != reachable.end());
  }
  // Nodes that are nearer than its farthest member are not enough by themselves.
  std::erase_if(reachable, [&](node_id n) { return distance_of(all, n) >= found.wait_us; });
  REQUIRE_FALSE(quorum.has_q2(quorum.votes_of(reachable)));
}

}  // namespace

TEST_SUITE("core/nearest_quorum") {
  TEST_CASE("on every grid up to 4 zones of 4 it is a smallest and the nearest Q2") {
    rng random(7);
    for (unsigned round = 0; round < 20'000; ++round) {
      configuration c;
      c.epoch = {1};
      const auto zones = 1 + random.below(4);
      std::uint64_t node = 0;
      for (std::uint64_t z = 0; z < zones; ++z)
        for (auto n = 1 + random.below(4); n > 0; --n)
          c.seats.push_back({{++node}, std::string(1, static_cast<char>('a' + z))});
      sort_seats(c.seats);
      c.fn = static_cast<std::uint32_t>(random.below(4));
      c.fz = static_cast<std::uint32_t>(random.below(zones));
      if (!grid_quorum::make(c).ok()) continue;
      round_trips all;
      std::vector<node_id> reachable{{1}};
      for (std::uint64_t n = 2; n <= node; ++n) {
        if (random.chance(9, 10)) all[{n}] = 1 + random.below(5);
        if (random.chance(4, 5)) reachable.push_back({n});
      }
      check_set(c, all, reachable);
    }
  }

  TEST_CASE("the own zone first, then the zone whose slowest needed node is nearest") {
    configuration c;
    c.epoch = {1};
    c.seats = {{{1}, "eu"}, {{2}, "eu"}, {{3}, "eu"}, {{4}, "us"}, {{5}, "us"}, {{6}, "us"}};
    c.fn = 1;
    c.fz = 0;
    const round_trips all{{{2}, 900}, {{3}, 700}, {{4}, 80'000}, {{5}, 90'000}, {{6}, 70'000}};
    const std::vector<node_id> everybody{{1}, {2}, {3}, {4}, {5}, {6}};
    CHECK(nearest_q2(c, all, everybody, {1}).nodes == std::vector<node_id>{{1}, {3}});
    CHECK(nearest_q2(c, all, everybody, {1}).wait_us == 700);
    c.fz = 1;
    auto both = nearest_q2(c, all, everybody, {1}).nodes;
    std::sort(both.begin(), both.end());
    CHECK(both == std::vector<node_id>{{1}, {3}, {4}, {6}});
    CHECK(nearest_q2(c, all, {{1}, {2}, {3}}, {1}).nodes.empty());
  }
}
