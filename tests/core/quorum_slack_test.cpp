// The live slack of a table and the sentence about the next loss, checked against the quorums
// themselves: what it says must be what grid_quorum decides.
#include "core/quorum_slack.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/grid_quorum.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

std::vector<node_id> nodes(std::initializer_list<std::uint64_t> ids) {
  std::vector<node_id> out;
  for (const auto id : ids) out.push_back({id});
  return out;
}

bool commits(const configuration& c, const std::vector<node_id>& up) {
  const auto q = grid_quorum::make(c).value();
  return q.has_q2(q.votes_of(up));
}

/// True if the loss of some single node of `up` stops commits.
bool one_loss_stops(const configuration& c, const std::vector<node_id>& up) {
  return std::any_of(up.begin(), up.end(), [&](node_id lost) {
    auto left = up;
    std::erase(left, lost);
    return !commits(c, left);
  });
}

}  // namespace

TEST_SUITE("core/quorum_slack") {
  TEST_CASE("each zone tells how many answer, how many are needed and who is silent") {
    const auto s = slack_of(three_nodes(), nodes({1, 3, 9}));
    REQUIRE(s.zones.size() == 1);
    CHECK(s.zones_needed == 1);
    CHECK(s.zones[0].zone == "eu");
    CHECK(s.zones[0].nodes == 3);
    CHECK(s.zones[0].answer == 2);
    CHECK(s.zones[0].need == 2);
    CHECK(s.zones[0].silent == nodes({2}));
    CHECK(s.next_loss == "2 of 3 nodes in eu answer; one more loss there stops commits");
  }

  TEST_CASE("the sentence for each situation") {
    CHECK(slack_of(three_nodes(), nodes({1, 2, 3})).next_loss ==
          "3 of 3 nodes in eu answer; one more loss anywhere does not stop commits");
    CHECK(slack_of(three_nodes(), nodes({1})).next_loss ==
          "1 of 3 nodes in eu answer; commits have stopped: 1 of 1 zones must have enough, 0 have");
    const auto wide = grid({{"ap", 1}, {"eu", 1}, {"us", 1}}, 0, 1);
    CHECK(slack_of(wide, nodes({1, 2, 3})).next_loss ==
          "1 of 1 nodes in ap, 1 of 1 nodes in eu, 1 of 1 nodes in us answer; a whole zone may be "
          "lost without stopping commits");
    CHECK(slack_of(wide, nodes({1, 3})).next_loss ==
          "1 of 1 nodes in ap, 1 of 1 nodes in us answer; one more loss there stops commits");
  }

  TEST_CASE("the sentence agrees with the quorums for every set of nodes that answer") {
    for (const auto& c :
         {grid({{"a", 3}}, 1, 0), grid({{"a", 2}, {"b", 3}}, 1, 0),
          grid({{"a", 2}, {"b", 2}, {"c", 1}}, 0, 1), grid({{"a", 3}, {"b", 3}}, 1, 1),
          grid({{"a", 1}, {"b", 1}, {"c", 1}}, 0, 2)}) {
      for (std::uint64_t set = 0; set < std::uint64_t{1} << c.seats.size(); ++set) {
        std::vector<node_id> up;
        for (std::size_t i = 0; i < c.seats.size(); ++i)
          if ((set >> i) & 1) up.push_back(c.seats[i].node);
        const auto said = slack_of(c, up).next_loss;
        INFO(said);
        CHECK((said.find("have stopped") != std::string::npos) == !commits(c, up));
        if (!commits(c, up)) continue;
        CHECK((said.find("there stops commits") != std::string::npos) == one_loss_stops(c, up));
      }
    }
  }
}
