// TABLE DROP: the name is free when the command says OK, nothing of the old table is ever seen
// again, and nobody's death in between leaves it half done.
#include <doctest/doctest.h>

#include "tests/system/cluster.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

TEST_SUITE_BEGIN("system/drop");

TEST_CASE(
    "a dropped table is gone at all nodes, its name starts anew, and restarts change nothing") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  CHECK(c.ask(1, "TABLE DROP users").text() == "ERROR WARN not found: table users does not exist");
  CHECK(c.ask(1, "TABLE DROP atlas.nodes").text() ==
        "ERROR WARN table atlas.nodes is kept by the cluster itself; choose another name");
  for (std::size_t round = 0; round < 6; ++round) {
    const auto here = 1 + round % 3;
    const auto there = 1 + (round + 1) % 3;
    const auto old = "users.old" + std::to_string(round);
    const auto fresh = "users.new" + std::to_string(round);
    REQUIRE(c.ask(there, "KEY PUT " + old + " 1").ok());
    REQUIRE(c.ask(here, "TABLE DROP users").ok());
    // The other nodes may not have heard of it yet.
    for (const auto n : c.all()) {
      CHECK(c.ask(n, "KEY GET " + old).text() == "NOT_FOUND");
      CHECK(c.ask(n, "SCAN users.").text() == "KEYS:0");
    }
    CHECK(c.ask(there, "KEY PUT " + fresh + " 2").ok());
    for (const auto n : c.all()) {
      CHECK(c.ask(n, "KEY GET " + fresh).text() == "VALUE:2");
      CHECK(c.ask(n, "KEY GET " + old).text() == "NOT_FOUND");
      CHECK(c.ask(n, "SCAN users.").text() == "KEYS:1\n" + fresh);
    }
  }
  REQUIRE(c.ask(2, "TABLE DROP users").ok());
  for (const auto n : c.all()) c.kill(n);
  for (const auto n : c.all()) c.start(n);
  REQUIRE(c.see_each_other(c.all(), 3));
  for (const auto n : c.all()) {
    CHECK(c.ask_until_ok(n, "KEY GET users.new5").text() == "NOT_FOUND");
    CHECK(eventually([&] {
      return c.ask(n, "TABLE INFO users").text() ==
             "ERROR WARN not found: table users does not exist; it is created by the first write";
    }));
  }
}

TEST_CASE("tables dropped under load come back empty, and no later write is lost") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  load before("load", {c.socket(1), c.socket(2), c.socket(3)});
  REQUIRE(before.goes_on(20));
  for (std::size_t round = 0; round < 5; ++round) {
    CHECK(c.ask(1 + round % 3, "TABLE DROP load").ok());
    CHECK(before.goes_on(10));
  }
  before.stop();
  CHECK(before.failures() == "");
  REQUIRE(c.ask(3, "TABLE DROP load").ok());
  for (const auto n : c.all()) CHECK(c.ask(n, "SCAN load.").text() == "KEYS:0");
  load after("load", {c.socket(1), c.socket(2), c.socket(3)});
  CHECK(after.goes_on(20));
  after.stop();
  CHECK(after.failures() == "");
  for (const auto n : c.all()) CHECK(after.missing_at(c.socket(n)) == "");
}

TEST_CASE("a node that was away during a drop does not bring the table back") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(3, "KEY PUT users.alice 1").ok());  // node 3 owns it
  REQUIRE(c.kept_by("users", 3, c.all()));
  c.kill(3);
  REQUIRE(c.ask_until_ok(1, "TABLE DROP users").ok());
  REQUIRE(c.ask_until_ok(2, "KEY PUT users.bob 2").ok());
  c.start(3);
  REQUIRE(c.serves(3));
  CHECK(eventually([&] { return c.ask(3, "KEY GET users.bob").text() == "VALUE:2"; }));
  CHECK(c.ask(3, "KEY GET users.alice").text() == "NOT_FOUND");
  CHECK(c.ask(3, "TABLE DROP users").ok());
  CHECK(c.ask(1, "KEY GET users.bob").text() == "NOT_FOUND");
}

TEST_CASE("a drop is finished by the others when the node that was asked dies") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
  REQUIRE(c.owner_of("users", 2) == 1);
  // Killed while it waits for the answer, at whatever step it is.
  auto asker = c.connect(2);
  REQUIRE(asker.send("TABLE DROP users\r\n"));
  REQUIRE(eventually([&] {
    return c.ask(3, "TABLE INFO users").text().find("state=closing") != std::string::npos ||
           !c.ask(3, "TABLE INFO users").ok();
  }));
  c.kill(2);
  CHECK(eventually([&] { return !c.ask(1, "TABLE INFO users").ok(); }));
  CHECK(c.ask_until_ok(3, "KEY PUT users.bob 2").ok());
  CHECK(c.ask(1, "KEY GET users.alice").text() == "NOT_FOUND");
  CHECK(c.ask(1, "KEY GET users.bob").text() == "VALUE:2");
}

TEST_SUITE_END();

}  // namespace
