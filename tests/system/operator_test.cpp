// The operator's commands: tables are made and altered, nodes are removed and replaced, while
// clients go on. Every reply is checked to the byte: operators script against them.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/system/cluster.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The last line of QUORUM INFO.
std::string slack(cluster& c, std::size_t node, const std::string& table) {
  const auto lines = c.ask(node, "QUORUM INFO " + table).lines;
  return lines.empty() ? "" : lines.back();
}

TEST_SUITE_BEGIN("system/operator");

TEST_CASE("a table is made with the tolerances asked for, and only once") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  CHECK(c.ask(1, "TABLE CREATE users fn=0").ok());
  CHECK(contains(c.ask(1, "TABLE INFO users").text(), " fn=0 fz=0 group=- acceptors=1,2,3"));
  CHECK(c.ask(2, "KEY PUT users.alice 1").ok());
  // The same again is fine, through any node; something else is not.
  CHECK(c.ask(2, "table create users FN=0 fz=auto").ok());
  CHECK(c.ask(3, "TABLE CREATE users").text() ==
        "ERROR WARN table users exists already with fn=0 fz=auto; TABLE ALTER changes them");
  CHECK(c.ask(1, "KEY GET users.alice").text() == "VALUE:1");
  CHECK(c.ask(2, "TABLE CREATE orders").ok());
  CHECK(contains(c.ask(2, "TABLE INFO orders").text(), " fn=1 fz=0 "));
  const std::pair<const char*, const char*> refused[] = {
      {"TABLE CREATE t fn=3", "table t: fn=3 needs at least 4 nodes in every zone, zone eu has 3"},
      {"TABLE CREATE t fz=1", "table t: fz=1 needs at least 2 zones, there are 1"},
      {"TABLE CREATE t fn=-1", "invalid setting fn=-1: a number or auto is expected"},
      {"TABLE CREATE t fn=1 fn=2", "setting fn is given twice"},
      {"TABLE CREATE t fast",
       "unknown setting fast: fn=<number>|auto and fz=<number>|auto are known"},
      {"TABLE CREATE a.b", "invalid table name a.b: the name ends before the first dot of a key"},
      {"TABLE CREATE atlas", "table atlas is kept by the cluster itself; choose another name"},
      {"TABLE CREATE atlas.nodes",
       "table atlas.nodes is kept by the cluster itself; choose another name"},
      {"TABLE INFO t", "not found: table t does not exist; it is created by the first write"}};
  for (const auto& [line, text] : refused)
    CHECK(c.ask(1, line).text() == std::string("ERROR WARN ") + text);
}

TEST_CASE("altered tolerances are in force when the command says OK, and no write fails") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  load writers("load", {c.socket(1), c.socket(2), c.socket(3)});
  REQUIRE(writers.goes_on(10));
  const auto owner = c.owner_of("load", 1);
  REQUIRE(owner != 0);
  for (std::size_t round = 0; round < 3; ++round) {
    CHECK(c.ask(1 + round, "TABLE ALTER load fn=0").text() == "");
    CHECK(contains(c.ask(owner, "TABLE INFO load").text(), " fn=0 "));
    CHECK(c.ask(1 + round, "TABLE ALTER load fn=auto").text() == "");
    CHECK(contains(c.ask(owner, "TABLE INFO load").text(), " fn=1 "));
    CHECK(writers.goes_on(3));
  }
  CHECK(contains(c.ask(owner, "TABLE INFO load").text(), " epoch=7 "));
  CHECK(c.ask(2, "TABLE ALTER load fn=3").text() ==
        "ERROR WARN table load: fn=3 needs at least 4 nodes in every zone, zone eu has 3");
  CHECK(c.ask(2, "TABLE ALTER nothing fn=0").text() ==
        "ERROR WARN not found: table nothing does not exist");
  writers.stop();
  CHECK(writers.failures() == "");
}

TEST_CASE("an alteration without a quorum says what is missing and comes into force later") {
  cluster c({"eu", "eu", "eu"}, {"request_timeout=3s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "TABLE CREATE users fn=0").ok());
  c.kill(3);
  REQUIRE(c.see_each_other({1, 2}, 2));
  CHECK(c.ask(1, "TABLE ALTER users fn=1").text() ==
        "ERROR WARN not in force yet: fn=1 fz=auto is decided, and goes on by itself; table users: "
        "commit needs 3 of 3 nodes in 1 of 1 zones; reachable: eu 2/3");
  c.start(3);
  REQUIRE(c.serves(3));
  CHECK(c.ask_until_ok(2, "TABLE ALTER users fn=1").ok());
  CHECK(c.ask_until_ok(2, "KEY PUT users.a 1").ok());
}

TEST_CASE("QUORUM INFO says who answers and what the next loss does") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "TABLE CREATE users").ok());
  CHECK(slack(c, 1, "users") ==
        "SLACK 3 of 3 nodes in eu answer; one more loss anywhere does not stop commits");
  c.kill(3);
  REQUIRE(c.see_each_other({1, 2}, 2));
  for (const std::size_t n : {1, 2}) {
    const auto lines = c.ask(n, "QUORUM INFO users").lines;
    REQUIRE(lines.size() >= 2);
    CHECK(lines[lines.size() - 2] == "ZONE region=eu nodes=3 answer=2 need=2 silent=3");
    CHECK(lines.back() == "SLACK 2 of 3 nodes in eu answer; one more loss there stops commits");
  }
  c.kill(2);
  REQUIRE(c.see_each_other({1}, 1));
  CHECK(slack(c, 1, "users") ==
        "SLACK 1 of 3 nodes in eu answer; commits have stopped: 1 of 1 zones must have enough, 0 "
        "have");
}

TEST_CASE("a node whose disk was emptied is replaced under load and no request fails") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  load writers("load", {c.socket(1), c.socket(2)});
  REQUIRE(writers.goes_on(10));
  REQUIRE(c.ask(1, "TABLE CREATE strict fn=1").ok());
  CHECK(c.ask(1, "NODE REMOVE 9").text() == "ERROR WARN node 9 not found");
  CHECK(c.ask(1, "NODE REMOVE x").text() == "ERROR WARN invalid node id: x");
  CHECK(c.ask(1, "NODE REMOVE 1").text() ==
        "ERROR WARN node 1 can not remove itself; send this to another node");
  c.kill(3);
  c.empty_disk(3);
  c.start(3);
  CHECK(c.program(3).wait() == 1);
  CHECK(contains(c.log(3),
                 "send NODE REMOVE 3 to any other node and start this one again: it "
                 "joins as a new node"));
  CHECK(writers.goes_on(3));
  CHECK(c.ask(2, "NODE REMOVE 3").text() == "");
  CHECK(c.ask(1, "NODE REMOVE 3").text() == "");
  CHECK(c.see_each_other({1, 2}, 2));
  CHECK(c.ask(1, "NODE LIST").lines.size() == 2);
  c.start(3);
  REQUIRE(c.serves(3));
  CHECK(c.see_each_other(c.all(), 3));
  for (const auto* table : {"load", "strict", "atlas.nodes"}) {
    CHECK(c.kept_by(table, 3, c.all()));
    CHECK(contains(c.ask(1, std::string("TABLE INFO ") + table).text(), " acceptors=1,2,4"));
  }
  CHECK(writers.goes_on(10));
  writers.stop();
  CHECK(writers.failures() == "");
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
}

TEST_CASE("a removal that would break a table is refused, and works after the table is altered") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(1, "TABLE CREATE strict fn=2").ok());
  CHECK(c.ask(1, "NODE REMOVE 3").text() ==
        "ERROR WARN without node 3 table strict could not keep its tolerances: fn=2 needs at least "
        "3 nodes in every zone, zone eu has 2; change them first (TABLE ALTER strict fn=auto "
        "fz=auto)");
  CHECK(c.ask(1, "TABLE ALTER strict fn=auto fz=auto").ok());
  CHECK(c.ask(1, "NODE REMOVE 3").ok());
}

TEST_CASE("a living node is removed: others take its tables, it refuses its clients") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask(3, "KEY PUT users.alice 1").ok());
  load writers("users", {c.socket(1), c.socket(2)});
  REQUIRE(writers.goes_on(5));
  CHECK(c.ask(1, "NODE REMOVE 3").text() == "");
  const std::string told =
      "node 3 was removed from this cluster for good; stop it, empty its db_path and start it: it "
      "joins as a new node";
  CHECK(eventually([&] { return contains(c.log(3), told); }));
  CHECK(c.ask(3, "KEY PUT users.alice 2").text() == "ERROR WARN " + told);
  CHECK(writers.goes_on(5));
  writers.stop();
  CHECK(writers.failures() == "");
  CHECK(c.ask(2, "KEY GET users.alice").text() == "VALUE:1");
  // It stays out when it is started again with its old disk: it ends, or hears it from the others.
  c.kill(3);
  c.start(3);
  CHECK(eventually([&] {
    return !c.program(3).running() ||
           c.ask(3, "KEY GET users.alice").text() == "ERROR WARN " + told;
  }));
  CHECK(contains(c.log(3), told));
  CHECK(c.ask(1, "NODE LIST").lines.size() == 2);
}

TEST_SUITE_END();

}  // namespace
