// Groups: tables join and leave the log of a group with all that is in them, under load, while
// nodes die, and nobody sees it but in TABLE INFO.
#include <doctest/doctest.h>

#include "tests/system/cluster.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

bool has(const reply& r, const std::string& text) {
  return r.text().find(text) != std::string::npos;
}

TEST_SUITE_BEGIN("system/group");

TEST_CASE("tables of a group keep their rows, move as one, and leave with all they have") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
  REQUIRE(c.ask_until_ok(2, "KEY PUT orders.first 2").ok());
  REQUIRE(c.ask(1, "GROUP CREATE shop").ok());
  REQUIRE(c.ask(2, "GROUP ADD shop users").ok());
  REQUIRE(c.ask(3, "GROUP ADD shop orders").ok());
  for (const auto n : c.all()) {
    CHECK(c.ask(n, "KEY GET users.alice").text() == "VALUE:1");
    CHECK(c.ask(n, "KEY GET orders.first").text() == "VALUE:2");
    CHECK(c.ask(n, "SCAN users").text() == "KEYS:1\nusers.alice");
    CHECK(c.ask(n, "SCAN shop").text() == "KEYS:0");
    CHECK(eventually([&] { return has(c.ask(n, "TABLE INFO users"), " group=shop "); }));
    CHECK(eventually([&] { return has(c.ask(n, "GROUP LIST"), " tables=orders,users "); }));
  }
  CHECK(c.ask(1, "KEY PUT users.alice 3").ok());
  REQUIRE(c.ask(1, "TABLE MOVE orders TO 3").ok());
  CHECK(eventually([&] { return c.owner_of("users", 1) == 3; }));
  REQUIRE(c.ask(2, "GROUP REMOVE shop users").ok());
  for (const auto n : c.all()) {
    CHECK(c.ask(n, "KEY GET users.alice").text() == "VALUE:3");
    CHECK(c.ask(n, "KEY GET orders.first").text() == "VALUE:2");
    CHECK(eventually([&] { return has(c.ask(n, "TABLE INFO users"), " group=- "); }));
  }
  // And once more, after all have started again.
  REQUIRE(c.ask(1, "GROUP ADD shop users").ok());
  for (const auto n : c.all()) c.kill(n);
  for (const auto n : c.all()) c.start(n);
  REQUIRE(c.see_each_other(c.all(), 3));
  for (const auto n : c.all()) {
    CHECK(c.ask_until_ok(n, "KEY GET users.alice").text() == "VALUE:3");
    CHECK(c.ask_until_ok(n, "KEY GET orders.first").text() == "VALUE:2");
  }
}

TEST_CASE("what is wrong with a GROUP command is said, and changes nothing") {
  cluster c({"eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "KEY PUT users.alice 1").ok());
  REQUIRE(c.ask(1, "GROUP CREATE shop fn=0").ok());
  CHECK(c.ask(1, "GROUP CREATE shop fn=0").ok());
  const auto wrong = [&](const std::string& line) { return c.ask(1, line).text(); };
  CHECK(wrong("GROUP CREATE users") ==
        "ERROR WARN users is a table already; choose another name for the group");
  CHECK(wrong("GROUP CREATE shop fn=auto") ==
        "ERROR WARN group shop exists already with fn=0 fz=auto; TABLE ALTER changes them");
  CHECK(wrong("TABLE CREATE shop fn=0") ==
        "ERROR WARN shop is a group already; choose another name for the table");
  CHECK(wrong("GROUP ADD other users") ==
        "ERROR WARN group other does not exist; send GROUP CREATE other first");
  CHECK(wrong("GROUP ADD users users") ==
        "ERROR WARN users is a table, not a group; send GROUP CREATE <group>");
  CHECK(wrong("GROUP ADD shop nobody") == "ERROR WARN not found: table nobody does not exist");
  CHECK(wrong("GROUP ADD shop shop") ==
        "ERROR WARN shop is a group: only tables join and leave groups");
  CHECK(wrong("GROUP REMOVE shop users") == "ERROR WARN table users is not in group shop");
  CHECK(wrong("GROUP INFO other") ==
        "ERROR WARN not found: group other does not exist; GROUP LIST shows all");
  CHECK(wrong("TABLE INFO shop") == "ERROR WARN shop is a group of tables; send GROUP INFO shop");
  CHECK(wrong("KEY PUT shop.a 1") ==
        "ERROR WARN shop is a group of tables and holds no keys of its own");
  CHECK(wrong("KEY GET shop.a") ==
        "ERROR WARN shop is a group of tables and holds no keys of its own");
  REQUIRE(c.ask(1, "GROUP ADD shop users").ok());
  CHECK(c.ask(1, "GROUP ADD shop users").ok());
  REQUIRE(c.ask(1, "GROUP CREATE other").ok());
  CHECK(wrong("GROUP ADD other users") ==
        "ERROR WARN table users is in group shop; send GROUP REMOVE shop users first");
  CHECK(
      wrong("TABLE ALTER users fn=0") ==
      "ERROR WARN table users is in group shop, whose quorums are its own: send TABLE ALTER shop");
  CHECK(wrong("TABLE DROP shop") ==
        "ERROR WARN group shop holds table users: move them out with GROUP REMOVE, or drop them "
        "first");
  CHECK(c.ask(1, "KEY GET users.alice").text() == "VALUE:1");
}

TEST_CASE("tables join and leave under load without a failed request, whoever owns them") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  REQUIRE(c.ask(1, "GROUP CREATE g").ok());
  REQUIRE(c.ask(2, "GROUP CREATE h").ok());
  load writers("load", {c.socket(1), c.socket(2), c.socket(3)});
  REQUIRE(writers.goes_on(20));
  for (std::size_t round = 0; round < 4; ++round) {
    const std::string group = round % 2 ? "g" : "h";
    CHECK(c.ask(1 + round % 3, "GROUP ADD " + group + " load").ok());
    CHECK(writers.goes_on(10));
    CHECK(c.ask(1, "TABLE MOVE load TO " + std::to_string(1 + (round + 1) % 3)).ok());
    CHECK(c.ask(1 + (round + 1) % 3, "GROUP REMOVE " + group + " load").ok());
    CHECK(writers.goes_on(10));
  }
  writers.stop();
  CHECK(writers.failures() == "");
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
}

TEST_CASE("the node that carries a table dies: another one goes on, and nothing is lost") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  REQUIRE(c.ask(1, "GROUP CREATE g").ok());
  REQUIRE(c.kept_by("load", 3, c.all()));
  load writers("load", {c.socket(1), c.socket(3)});
  REQUIRE(writers.goes_on(100));
  for (int round = 0; round < 3; ++round) {
    auto asker = c.connect(2);
    const bool joins = round % 2 == 0;
    REQUIRE(asker.send(joins ? "GROUP ADD g load\r\n" : "GROUP REMOVE g load\r\n"));
    const std::string there = joins ? " group=g " : " group=- ";
    REQUIRE(eventually([&] { return has(c.ask(3, "TABLE INFO load"), there); }));
    c.kill(2);
    CHECK(writers.goes_on(10));
    CHECK(eventually([&] {
      const auto info = c.ask(1, "TABLE INFO load");
      return has(info, there) && !has(info, "state=moving");
    }));
    c.start(2);
    REQUIRE(c.serves(2));
    REQUIRE(c.see_each_other(c.all(), 3));
  }
  writers.stop();
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
}

TEST_CASE("a table that has left its group outlives it") {
  cluster c({"eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  auto mine = c.connect(1);
  for (int round = 0; round < 30; ++round) {
    const auto value = std::to_string(round);
    for (const auto& line :
         {"KEY PUT orders.1 " + value, std::string("GROUP CREATE shop"),
          std::string("GROUP ADD shop orders"), std::string("GROUP REMOVE shop orders"),
          std::string("TABLE DROP shop")}) {
      const auto answer = mine.ask(line);
      REQUIRE_MESSAGE(answer.ok(), line << ": " << answer.text());
    }
    REQUIRE(mine.ask("KEY GET orders.1").text() == "VALUE:" + value);
  }
}

TEST_CASE("a table dropped in a group is gone, the others stay, and its name starts anew") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "GROUP CREATE shop").ok());
  REQUIRE(c.ask(1, "KEY PUT orders.first 1").ok());
  REQUIRE(c.ask(1, "GROUP ADD shop orders").ok());
  for (std::size_t round = 0; round < 4; ++round) {
    const auto here = 1 + round % 3;
    REQUIRE(c.ask(here, "KEY PUT users.old" + std::to_string(round) + " 1").ok());
    REQUIRE(c.ask(here, "GROUP ADD shop users").ok());
    REQUIRE(c.ask(1 + (round + 1) % 3, "TABLE DROP users").ok());
    for (const auto n : c.all()) {
      CHECK(c.ask(n, "SCAN users.").text() == "KEYS:0");
      CHECK(c.ask(n, "KEY GET orders.first").text() == "VALUE:1");
    }
  }
  REQUIRE(c.ask(2, "TABLE DROP orders").ok());
  REQUIRE(c.ask(3, "TABLE DROP shop").ok());
  CHECK(eventually([&] { return c.ask(1, "GROUP LIST").text().empty(); }));
  CHECK(c.ask(1, "KEY PUT shop.key 1").ok());  // the name is free, for a table, too
}

TEST_SUITE_END();

}  // namespace
