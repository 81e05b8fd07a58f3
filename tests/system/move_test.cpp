// TABLE MOVE under load: the table goes to and fro between three nodes, and no client of any node
// notices more than a short wait.
#include <doctest/doctest.h>

#include "tests/system/cluster.hpp"
#include "tests/system/history.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

std::string move_to(const std::string& table, const std::string& where) {
  return "TABLE MOVE " + table + " TO " + where;
}

TEST_SUITE_BEGIN("system/move");

TEST_CASE("a table moves to and fro under load through all nodes and no request fails") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  std::vector<std::string> sockets;
  for (const auto n : c.all()) sockets.insert(sockets.end(), {c.socket(n), c.socket(n)});
  load writers("load", sockets);
  history_recorder readers(sockets, {"load.x", "load.y"}, 6, 5);
  REQUIRE(writers.goes_on(10));
  for (std::size_t round = 0; round < 12; ++round) {
    // Asked of any node, the target as well as the owner as well as a third one.
    const auto target = 1 + (round * 2 + round / 4) % 3;
    const auto moved = c.ask(1 + round % 3, move_to("load", std::to_string(target)));
    CHECK_MESSAGE(moved.ok(), moved.text());
    CHECK(eventually([&] { return c.owner_of("load", target) == target; }));
    CHECK(writers.goes_on(5));
  }
  writers.stop();
  readers.stop();
  CHECK(writers.failures() == "");
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
  CHECK(readers.read_all_keys());
  const auto verdict = atlas::linear::check_linearizable(readers.history());
  CHECK_MESSAGE(verdict.linearizable, verdict.why);
}

TEST_CASE("a table moves to a region, and what can not be done is said with the value") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
  CHECK(c.ask(3, move_to("users", "us")).ok());
  CHECK(eventually([&] { return c.owner_of("users", 3) == 2; }));
  CHECK(c.ask(1, move_to("users", "us")).ok());  // there already
  CHECK(c.ask(2, move_to("users", "2")).ok());
  CHECK(c.ask(1, move_to("nobody", "2")).text() ==
        "ERROR WARN not found: table nobody does not exist; it is created by the first write");
  CHECK(c.ask(1, move_to("users", "9")).text() ==
        "ERROR WARN node 9 not found; NODE LIST shows the members");
  CHECK(c.ask(1, move_to("users", "mars")).text() ==
        "ERROR WARN region mars has no nodes; NODE LIST shows the regions");
  c.kill(3);
  CHECK(eventually([&] {
    return c.ask(2, move_to("users", "3")).text() ==
           "ERROR WARN table users did not move to node 3: the owner does not hear node 3; start "
           "it or mend its network";
  }));
  CHECK(c.ask(1, "KEY GET users.alice").text() == "VALUE:1");
}

TEST_SUITE_END();

}  // namespace
