// What people read about quorums: refusals that name zone and number, what a commit misses, and
// what "auto" resolves to (consensus.md §2).
#include <doctest/doctest.h>

#include "core/grid_quorum.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using atlas::tests::grid;
using atlas::tests::three_nodes;

namespace {

std::string refusal(const configuration& c) {
  const auto q = grid_quorum::make(c);
  REQUIRE_FALSE(q.ok());
  CHECK(q.error().code == errc::bad_topology);
  return q.error().detail;
}

std::string missing_q2(const configuration& c, const std::vector<node_id>& reachable) {
  const auto q = grid_quorum::make(c).value();
  return q.describe_q2(q.votes_of(reachable));
}

}  // namespace

TEST_SUITE("core/grid_quorum_text") {
  TEST_CASE("an illegal tolerance is refused with the zone and the number") {
    CHECK(refusal(grid({{"eu", 3}, {"us", 2}}, 2, 0)) ==
          "fn=2 needs at least 3 nodes in every zone, zone us has 2");
    CHECK(refusal(grid({{"eu", 3}}, 0, 1)) == "fz=1 needs at least 2 zones, there are 1");
    CHECK(refusal(grid({{"eu", 1}, {"us", 1}}, 0, 2)) ==
          "fz=2 needs at least 3 zones, there are 2");
    CHECK(refusal({}) == "a table needs at least 1 acceptor");
  }

  TEST_CASE("the largest numbers are refused without overflow") {
    CHECK(refusal(grid({{"eu", 1}}, 4'294'967'295u, 0)) ==
          "fn=4294967295 needs at least 4294967296 nodes in every zone, zone eu has 1");
    CHECK(refusal(grid({{"eu", 1}}, 0, 4'294'967'295u)) ==
          "fz=4294967295 needs at least 4294967296 zones, there are 1");
  }

  TEST_CASE("a node can not vote twice") {
    configuration c = three_nodes();
    c.seats.push_back({{2}, "us"});
    CHECK(refusal(c) == "node 2 has two seats");
  }

  TEST_CASE("a missing commit quorum is told with what answers") {
    CHECK(missing_q2(three_nodes(), {{1}}) ==
          "commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3");
    CHECK(missing_q2(grid({{"eu", 3}, {"us", 3}}, 1, 1), {{1}, {2}, {5}}) ==
          "commit needs 2 of 3 nodes in 2 of 2 zones; reachable: eu 2/3, us 1/3");
    CHECK(missing_q2(grid({{"ap", 1}, {"eu", 1}, {"us", 1}}, 0, 1), {}) ==
          "commit needs 1 of 1 nodes in 2 of 3 zones; reachable: ap 0/1, eu 0/1, us 0/1");
  }

  TEST_CASE("zones of unequal size are told one by one") {
    CHECK(missing_q2(grid({{"eu", 3}, {"us", 2}}, 1, 1), {{4}}) ==
          "commit needs (2 of 3 nodes of eu, 1 of 2 nodes of us) in 2 of 2 zones; "
          "reachable: eu 0/3, us 1/2");
  }

  TEST_CASE("a missing take-over quorum has its own numbers") {
    const auto q = grid_quorum::make(grid({{"ap", 3}, {"eu", 3}, {"us", 3}}, 1, 1)).value();
    CHECK(q.describe_q1(q.votes_of({{1}, {4}, {5}})) ==
          "taking over ownership needs 2 of 3 nodes in 2 of 3 zones; "
          "reachable: ap 1/3, eu 2/3, us 0/3");
  }

  TEST_CASE("auto keeps a majority of the smallest zone and one zone of three") {
    const auto resolved = [](const std::vector<std::pair<std::string, unsigned>>& zones) {
      const auto c = resolve_tolerances(grid(zones, 9, 9), {});
      CHECK(grid_quorum::make(c).ok());
      return std::pair{c.fn, c.fz};
    };
    using pair = std::pair<std::uint32_t, std::uint32_t>;
    CHECK(resolved({{"eu", 1}}) == pair{0, 0});
    CHECK(resolved({{"eu", 2}}) == pair{0, 0});
    CHECK(resolved({{"eu", 3}}) == pair{1, 0});
    CHECK(resolved({{"eu", 4}}) == pair{1, 0});
    CHECK(resolved({{"eu", 5}}) == pair{2, 0});
    CHECK(resolved({{"eu", 5}, {"us", 3}}) == pair{1, 0});
    CHECK(resolved({{"ap", 3}, {"eu", 3}, {"us", 3}}) == pair{1, 1});
    CHECK(resolved({{"ap", 3}, {"eu", 1}, {"us", 3}}) == pair{0, 1});
    CHECK(resolved({{"a", 3}, {"b", 3}, {"c", 3}, {"d", 3}, {"e", 3}}) == pair{1, 1});
  }

  TEST_CASE("numbers that were given are kept, legal or not") {
    const auto c = resolve_tolerances(grid({{"eu", 3}}, 0, 0), {5, std::nullopt});
    CHECK(c.fn == 5);
    CHECK(c.fz == 0);
    const auto d = resolve_tolerances(grid({{"eu", 3}}, 0, 0), {std::nullopt, 2});
    CHECK(d.fn == 1);
    CHECK(d.fz == 2);
  }
}
