// Three nodes: any of them serves everything, one of them may die at any time, and what was
// acknowledged stays, whatever dies.
#include "tests/system/cluster.hpp"

#include <doctest/doctest.h>

#include <regex>

#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

/// Generous against what a takeover needs, and still far below what an operator would notice as an
/// outage of minutes.
constexpr std::chrono::seconds takeover_limit{10};

/// The sizes and members of the quorums of `table`, as a node tells them; without who answers now.
std::string quorum(cluster& c, std::size_t node, const std::string& table) {
  const auto text = c.ask(node, "QUORUM INFO " + table).text();
  return text.substr(0, text.find("\nZONE "));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE_BEGIN("system/cluster");

TEST_CASE("what is put through any of three nodes is read through every other") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  std::string listed = "KEYS:3";
  for (const auto writer : c.all()) {
    const auto key = "users.by" + std::to_string(writer);
    REQUIRE(c.ask(writer, "KEY PUT " + key + " v" + std::to_string(writer)).ok());
    listed += "\n" + key;
    for (const auto reader : c.all())
      CHECK(c.ask(reader, "KEY GET " + key).text() == "VALUE:v" + std::to_string(writer));
  }
  REQUIRE(c.ask(2, "KEY PUT usage.x 1").ok());
  for (const auto reader : c.all()) {
    CHECK(c.ask(reader, "SCAN users.").text() == listed);
    CHECK(c.ask(reader, "SCAN users.by2").text() == "KEYS:1\nusers.by2");
    CHECK(c.ask(reader, "SCAN nothing.").text() == "KEYS:0");
    CHECK(c.ask(reader, "KEY GET nobody.home").text() == "NOT_FOUND");
  }
  // The last write of a table may be overwritten and deleted through another node.
  REQUIRE(c.ask(3, "KEY PUT users.by1 again").ok());
  REQUIRE(c.ask(1, "KEY DEL users.by2").ok());
  for (const auto reader : c.all()) {
    CHECK(c.ask(reader, "KEY GET users.by1").text() == "VALUE:again");
    CHECK(c.ask(reader, "KEY GET users.by2").text() == "NOT_FOUND");
  }
}

TEST_CASE("the owner dies under load: writes go on and no acknowledged one is lost") {
  cluster c({"eu", "us", "asia"}, {"request_timeout=3s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  const auto owner = c.owner_of("load", 1);
  REQUIRE(owner != 0);
  std::vector<std::size_t> others;
  std::vector<std::string> sockets;
  for (const auto n : c.all())
    if (n != owner) {
      others.push_back(n);
      sockets.insert(sockets.end(), {c.socket(n), c.socket(n)});
    }
  load writers("load", sockets);
  REQUIRE(writers.goes_on(20));
  c.kill(owner);
  CHECK(writers.goes_on(20, takeover_limit));
  writers.stop();
  CHECK(c.owner_of("load", others[0]) != owner);
  for (const auto n : others) CHECK(writers.missing_at(c.socket(n)) == "");
  // The dead one comes back and shows the same.
  c.start(owner);
  REQUIRE(c.serves(owner));
  CHECK(c.ask_until_ok(owner, "KEY GET load.first").text() == "VALUE:1");
  CHECK(writers.missing_at(c.socket(owner)) == "");
}

TEST_CASE("all three are killed at once under load and nothing acknowledged is lost") {
  cluster c({"eu", "us", "asia"}, {"request_timeout=3s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  load writers("load", {c.socket(1), c.socket(2), c.socket(3)});
  REQUIRE(writers.goes_on(50));
  for (const auto n : c.all()) c.kill(n);
  for (const auto n : c.all()) c.start(n);
  for (const auto n : c.all()) REQUIRE(c.serves(n));
  CHECK(writers.goes_on(20));
  writers.stop();
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
}

TEST_CASE("with two of three nodes dead a write fails with what is missing, and nothing shrinks") {
  cluster c({"eu", "eu", "eu"}, {"request_timeout=2s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
  const auto before = quorum(c, 3, "users");
  CHECK(contains(before, "Q1 size=2"));
  CHECK(contains(before, "Q2 size=2"));
  c.kill(1);
  c.kill(2);
  const std::regex missing(
      "ERROR WARN quorum unavailable: table .* commit needs 2 of 3 nodes in .* reachable: .*");
  // While the deaths are not noticed yet the write may already have been proposed, here or there.
  const std::regex in_doubt("ERROR WARN outcome unknown: .*");
  reply last;
  const bool told = eventually([&] {
    last = c.ask(3, "KEY PUT users.alice 2");
    CHECK_FALSE(last.ok());
    return std::regex_match(last.text(), missing) || !std::regex_match(last.text(), in_doubt);
  });
  CHECK(told);
  INFO(last.text());
  CHECK(std::regex_match(last.text(), missing));
  CHECK_FALSE(c.ask(3, "KEY GET users.alice").ok());
  CHECK_FALSE(c.ask(3, "KEY PUT newtable.x 1").ok());
  CHECK(quorum(c, 3, "users") == before);
  CHECK(c.ask(3, "NODE LIST").lines.size() == 3);

  c.start(2);
  REQUIRE(c.serves(2));
  CHECK(c.ask_until_ok(3, "KEY PUT users.alice 3").ok());
  CHECK(c.ask_until_ok(2, "KEY GET users.alice").text() == "VALUE:3");
  CHECK(c.ask_until_ok(2, "KEY PUT newtable.x 1").ok());
  CHECK(quorum(c, 3, "users") == before);
}

TEST_CASE("SIGTERM lets a request in flight finish, and the others go on without the node") {
  cluster c({"eu", "eu", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(3, "KEY PUT users.alice 1").ok());
  auto client = c.connect(3);
  for (const std::size_t n : {1, 2}) c.program(n).pause();
  REQUIRE(client.send("[ID:w] KEY PUT users.alice 2\r\n[ID:n] TABLE INFO users\r\n"));
  // Answered by the node alone: so it has read the write before it.
  CHECK(client.next_line().value_or("").starts_with("[ID:n] TABLE name=users "));
  CHECK(client.next_line() == "[ID:n] OK");
  c.program(3).terminate();
  for (const std::size_t n : {1, 2}) c.program(n).resume();
  CHECK(client.next_line() == "[ID:w] OK");
  CHECK(c.program(3).wait() == 0);
  CHECK_FALSE(client::connect(c.socket(3)).has_value());
  for (const std::size_t n : {1, 2})
    CHECK(c.ask_until_ok(n, "KEY GET users.alice").text() == "VALUE:2");
  CHECK(c.ask_until_ok(1, "KEY PUT users.alice 3").ok());
}

TEST_SUITE_END();

}  // namespace
