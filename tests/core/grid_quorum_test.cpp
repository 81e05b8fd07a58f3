// The safety of everything rests on one fact: any Q1 meets any Q2 (consensus.md §2). It is
// enumerated here for every grid up to 4 zones x 4 nodes with every legal fn and fz.
#include "core/grid_quorum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using atlas::tests::grid;

namespace {

struct shape {
  std::vector<unsigned> sizes;  ///< acceptors per zone
  unsigned fn = 0;
  unsigned fz = 0;

  [[nodiscard]] unsigned nodes() const {
    unsigned n = 0;
    for (const auto size : sizes) n += size;
    return n;
  }
  [[nodiscard]] configuration as_configuration() const {
    std::vector<std::pair<std::string, unsigned>> zones;
    for (const auto size : sizes) zones.emplace_back("z" + std::to_string(zones.size()), size);
    return grid(zones, fn, fz);
  }
};

void each_sizes(unsigned zones, std::vector<unsigned>& sizes,
                const std::function<void(const std::vector<unsigned>&)>& visit) {
  if (sizes.size() == zones) return visit(sizes);
  for (unsigned n = 1; n <= 4; ++n) {
    sizes.push_back(n);
    each_sizes(zones, sizes, visit);
    sizes.pop_back();
  }
}

/// Every grid up to 4 x 4, zones in every order of size, with every legal fn and fz.
void each_shape(const std::function<void(const shape&)>& visit) {
  for (unsigned zones = 1; zones <= 4; ++zones) {
    std::vector<unsigned> prefix;
    each_sizes(zones, prefix, [&](const std::vector<unsigned>& sizes) {
      const unsigned smallest = *std::min_element(sizes.begin(), sizes.end());
      for (unsigned fn = 0; fn < smallest; ++fn)
        for (unsigned fz = 0; fz < zones; ++fz) visit({sizes, fn, fz});
    });
  }
}

/// The rule of §2 read off the page, sharing no code with core: counts per zone, one seat at a
/// time.
bool naive_quorum(const shape& g, std::uint64_t votes, bool phase1) {
  unsigned seat = 0;
  unsigned zones = 0;
  for (const auto size : g.sizes) {
    unsigned have = 0;
    for (unsigned i = 0; i < size; ++i, ++seat)
      if ((votes >> seat) & 1) ++have;
    const unsigned need2 = size > g.fn ? size - g.fn : 1;
    const unsigned need1 = size + 1 - need2;
    if (have >= (phase1 ? need1 : need2)) ++zones;
  }
  return phase1 ? zones >= g.sizes.size() - g.fz : zones >= g.fz + 1;
}

/// Every smallest quorum: just enough nodes in just enough zones, in all ways.
void each_minimal(const shape& g, bool phase1, const std::function<void(std::uint64_t)>& visit) {
  const auto zones = static_cast<unsigned>(g.sizes.size());
  const unsigned zones_needed = phase1 ? zones - g.fz : g.fz + 1;
  std::function<void(unsigned, unsigned, unsigned, std::uint64_t)> zone_by_zone =
      [&](unsigned zone, unsigned first_seat, unsigned taken, std::uint64_t votes) {
        if (taken == zones_needed) return visit(votes);
        if (zone == zones) return;
        const unsigned size = g.sizes[zone];
        const unsigned need = phase1 ? g.fn + 1 : size - g.fn;
        zone_by_zone(zone + 1, first_seat + size, taken, votes);
        for (std::uint64_t pick = 0; pick < (1u << size); ++pick)
          if (static_cast<unsigned>(std::popcount(pick)) == need)
            zone_by_zone(zone + 1, first_seat + size, taken + 1, votes | (pick << first_seat));
      };
  zone_by_zone(0, 0, 0, 0);
}

grid_quorum quorum_of(const shape& g) {
  auto q = grid_quorum::make(g.as_configuration());
  REQUIRE(q.ok());
  return std::move(q).value();
}

}  // namespace

TEST_SUITE("core/grid_quorum") {
  TEST_CASE("every Q1 meets every Q2 on every grid up to 4 x 4") {
    std::uint64_t quorums = 0;
    std::uint64_t disjoint = 0;
    each_shape([&](const shape& g) {
      const auto q = quorum_of(g);
      const std::uint64_t all = (std::uint64_t{1} << g.nodes()) - 1;
      // A Q2 that misses some Q1 would lie in what that Q1 leaves; more votes never undo a quorum,
      // so the smallest Q1s leave the most.
      each_minimal(g, true, [&](std::uint64_t q1) {
        ++quorums;
        if (!q.has_q1({q1}) || q.has_q2({all & ~q1})) ++disjoint;
      });
    });
    CHECK(quorums > 70'000);
    CHECK(disjoint == 0);
  }

  TEST_CASE("the smallest quorums are as small as the tolerances promise") {
    std::uint64_t wrong = 0;
    each_shape([&](const shape& g) {
      if (g.sizes.size() > 3) return;
      const auto q = quorum_of(g);
      for (const bool phase1 : {true, false})
        each_minimal(g, phase1, [&](std::uint64_t votes) {
          const auto holds = [&](std::uint64_t v) {
            return phase1 ? q.has_q1({v}) : q.has_q2({v});
          };
          if (!holds(votes)) ++wrong;
          for (std::uint64_t rest = votes; rest != 0; rest &= rest - 1)
            if (holds(votes & ~(rest & (~rest + 1)))) ++wrong;  // one vote less
        });
    });
    CHECK(wrong == 0);
  }

  TEST_CASE("commits survive the loss of fz whole zones and fn nodes in each other one") {
    std::uint64_t stopped = 0;
    each_shape([&](const shape& g) {
      const auto q = quorum_of(g);
      const auto zones = static_cast<unsigned>(g.sizes.size());
      for (unsigned lost = 0; lost < (1u << zones); ++lost) {
        if (static_cast<unsigned>(std::popcount(lost)) != g.fz) continue;
        std::uint64_t alive = 0;
        unsigned seat = 0;
        for (unsigned z = 0; z < zones; seat += g.sizes[z++])
          if (!((lost >> z) & 1))
            for (unsigned i = g.fn; i < g.sizes[z]; ++i) alive |= std::uint64_t{1} << (seat + i);
        // Q2 takes fz + 1 zones: with fewer than 2 fz + 1 of them the promise is fn alone.
        if (zones - g.fz >= g.fz + 1 && !q.has_q2({alive})) ++stopped;
      }
    });
    CHECK(stopped == 0);
  }

  TEST_CASE("a second reading of the rule agrees on random vote sets") {
    rng random(1);
    std::uint64_t differ = 0;
    each_shape([&](const shape& g) {
      const auto q = quorum_of(g);
      const std::uint64_t all = (std::uint64_t{1} << g.nodes()) - 1;
      for (int i = 0; i < 60; ++i) {
        // Dense sets too: thin ones hardly ever reach a quorum.
        const std::uint64_t votes = all & (i % 2 ? random.next() : random.next() | random.next());
        if (q.has_q1({votes}) != naive_quorum(g, votes, true)) ++differ;
        if (q.has_q2({votes}) != naive_quorum(g, votes, false)) ++differ;
      }
    });
    CHECK(differ == 0);
  }

  TEST_CASE("the example quorums are quorums, and Q2 begins at home") {
    each_shape([&](const shape& g) {
      const auto q = quorum_of(g);
      const auto near2 = q.example_q2("z0");
      REQUIRE(q.has_q1(q.votes_of(q.example_q1("z0"))));
      REQUIRE(q.has_q2(q.votes_of(near2)));
      REQUIRE(near2.front() == node_id{1});
    });
  }

  TEST_CASE("Q1 asks the far zones first, for its own one may be lost") {
    const auto q = grid_quorum::make(grid({{"ap", 1}, {"eu", 1}, {"us", 1}}, 0, 1)).value();
    CHECK(q.example_q1("ap") == std::vector<node_id>{{2}, {3}});
    CHECK(q.example_q2("us") == std::vector<node_id>{{3}, {1}});
  }

  TEST_CASE("nodes without a seat have no vote") {
    const auto q = grid_quorum::make(grid({{"eu", 2}}, 0, 0)).value();
    CHECK(q.seat_of({2}) == 1u);
    CHECK_FALSE(q.seat_of({3}).has_value());
    CHECK(q.votes_of({{1}, {3}, {99}}).bits == 1);
  }

  TEST_CASE("64 acceptors are served, 65 are refused") {
    const auto q = grid_quorum::make(grid({{"a", 32}, {"b", 32}}, 15, 0));
    REQUIRE(q.ok());
    CHECK(q.value().has_q2({0x1ffffull << 47}));
    CHECK_FALSE(q.value().has_q2({0xffffull << 48}));
    const auto over = grid_quorum::make(grid({{"a", 65}}, 0, 0));
    REQUIRE_FALSE(over.ok());
    CHECK(over.error().detail == "at most 64 acceptors per table, not 65");
  }
}
