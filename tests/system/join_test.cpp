// Clusters that grow: nodes join while clients write, and the quorums of new and old tables are
// those of consensus.md §2 for every shape and every tolerance.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/system/cluster.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

/// "Q1 size / Q2 size" of a table as `node` tells them.
std::string sizes(cluster& c, std::size_t node, const std::string& table) {
  std::string text;
  for (const auto& line : c.ask(node, "QUORUM INFO " + table).lines)
    if (line.starts_with("Q1 size=") || line.starts_with("Q2 size="))
      text += (text.empty() ? "" : " / ") + line.substr(8);
  return text;
}

TEST_SUITE_BEGIN("system/join");

TEST_CASE("two nodes join while the first one takes writes and no request fails") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  c.start(1);
  REQUIRE(c.serves(1));
  load writers("load", {c.socket(1), c.socket(1), c.socket(1)});
  REQUIRE(writers.goes_on(20));
  for (const std::size_t n : {2, 3}) {
    c.start(n);
    REQUIRE(c.serves(n));
    CHECK(writers.goes_on(20));
  }
  CHECK(c.see_each_other(c.all(), 3));
  // Old tables spread to the new nodes too.
  CHECK(c.kept_by("load", 3, c.all()));
  CHECK(c.kept_by("atlas.nodes", 3, c.all()));
  CHECK(writers.goes_on(20));
  writers.stop();
  CHECK(writers.failures() == "");
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
  // And they do not depend on the first node any more.
  c.kill(1);
  CHECK(c.ask_until_ok(2, "KEY PUT load.after 1").ok());
  CHECK(writers.missing_at(c.socket(3)) == "");
}

TEST_CASE("five nodes in three zones of unequal size form the quorums of their tolerances") {
  cluster c({"eu", "eu", "us", "us", "za"});
  INFO(c.logs());
  c.start(1);
  REQUIRE(c.serves(1));
  REQUIRE(c.ask(1, "KEY PUT early.x 1").ok());
  CHECK(sizes(c, 1, "early") == "1 / 1");
  // Each node brings the tolerances of the tables that are created through it.
  const std::vector<settings> tolerances{
      {}, {"quorum.fz=0"}, {"quorum.fz=2"}, {"quorum.fn=1", "quorum.fz=1"}, {"quorum.fn=0"}};
  for (const std::size_t n : {2, 3, 4, 5}) {
    c.start(n, tolerances[n - 1]);
    REQUIRE(c.serves(n));
  }
  REQUIRE(c.see_each_other(c.all(), 5));
  REQUIRE(c.kept_by("atlas.nodes", 5, c.all()));

  // auto: fn = 0 (the smallest zone has one node), fz = 1: Q1 one node in each of 2 zones, Q2 all
  // nodes of 2 zones, the own one first.
  REQUIRE(c.ask(1, "KEY PUT auto.x 1").ok());
  REQUIRE(c.kept_by("auto", 5, c.all()));
  CHECK(sizes(c, 1, "auto") == "2 / 4");
  CHECK(sizes(c, 3, "auto") == "2 / 4");
  CHECK(sizes(c, 5, "auto") == "2 / 3");
  // fz = 0: Q1 one node in each zone, Q2 all nodes of one zone.
  REQUIRE(c.ask(2, "KEY PUT local.x 1").ok());
  REQUIRE(c.kept_by("local", 5, c.all()));
  CHECK(sizes(c, 1, "local") == "3 / 2");
  CHECK(sizes(c, 5, "local") == "3 / 1");
  // fz = 2: Q1 one node of one zone, Q2 every node.
  REQUIRE(c.ask(3, "KEY PUT wide.x 1").ok());
  REQUIRE(c.kept_by("wide", 5, c.all()));
  CHECK(sizes(c, 1, "wide") == "1 / 5");
  CHECK(sizes(c, 4, "wide") == "1 / 5");
  // fn = 1 is more than the single node of za can bear.
  const auto refused = c.ask(4, "KEY PUT wrong.x 1").text();
  CHECK(refused.starts_with("ERROR WARN "));
  CHECK(refused.find("zone za") != std::string::npos);
  CHECK(c.ask(1, "TABLE INFO wrong").text().starts_with("ERROR WARN not found"));
  // fn = 0 given, fz automatic: as auto.
  REQUIRE(c.ask(5, "KEY PUT strict.x 1").ok());
  REQUIRE(c.kept_by("strict", 5, c.all()));
  CHECK(sizes(c, 1, "strict") == "2 / 4");

  // The table that was created when there was one node has grown with the cluster.
  CHECK(c.kept_by("early", 5, c.all()));
  CHECK(sizes(c, 1, "early") == "2 / 4");
  for (const auto n : c.all()) {
    CHECK(c.ask(n, "KEY GET early.x").text() == "VALUE:1");
    CHECK(c.ask(n, "KEY GET wide.x").text() == "VALUE:1");
  }
}

TEST_CASE("fn and fz decide which losses stop the writes") {
  cluster c({"eu", "eu", "eu", "us"}, {"request_timeout=2s", "quorum.fn=0", "quorum.fz=0"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "KEY PUT users.alice 1").ok());
  CHECK(sizes(c, 1, "users") == "2 / 3");
  CHECK(sizes(c, 4, "users") == "2 / 1");
  const auto owner = c.owner_of("users", 4);
  // The one node of us is a whole zone: enough to commit, and two whole zones need not be there.
  for (const std::size_t n : {1, 2, 3})
    if (n != owner) c.kill(n);
  CHECK(c.ask_until_ok(4, "KEY PUT users.alice 2").ok());
  CHECK(c.ask_until_ok(4, "KEY GET users.alice").text() == "VALUE:2");
  CHECK(sizes(c, 4, "users") == "2 / 1");
}

TEST_SUITE_END();

}  // namespace
