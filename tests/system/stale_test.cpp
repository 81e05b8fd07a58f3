// KEY GET ... STALE: any node answers from its own copy and says how old that may be; also when
// nobody else is left to ask.
#include <doctest/doctest.h>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

/// The age in ms that a stale read told, -1 if it told none.
long age_of(const reply& r) {
  const std::string head = "AGE:";
  if (!r.ok() || r.lines.empty() || r.lines[0].rfind(head, 0) != 0) return -1;
  return std::stol(r.lines[0].substr(head.size()));
}

/// What was read behind the age.
std::string value_of(const reply& r) {
  return r.ok() && r.lines.size() == 2 ? r.lines[1] : r.text();
}

TEST_SUITE_BEGIN("system/stale");

TEST_CASE("a stale read of age zero sees every write that was acknowledged before it") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  auto writer = c.connect(1);
  auto second = c.connect(2);
  auto third = c.connect(3);
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.first 1").ok());
  for (int i = 0; i < 200; ++i) {
    const auto value = std::to_string(i);
    REQUIRE(writer.ask("KEY PUT users.k " + value).ok());
    for (auto* reader : {&second, &third}) {
      const auto fresh = reader->ask("KEY GET users.k STALE 0s");
      CHECK(value_of(fresh) == "VALUE:" + value);
      CHECK(age_of(fresh) == 0);
      const auto bounded = reader->ask("KEY GET users.k STALE 1h");
      CHECK(age_of(bounded) >= 0);
      CHECK(bounded.lines.size() == 2);
    }
  }
  CHECK(value_of(second.ask("KEY GET users.nobody STALE 0s")) == "NOT_FOUND");
  CHECK(value_of(second.ask("KEY GET nothing.here STALE")) == "NOT_FOUND");
  CHECK(second.ask("KEY GET users.k STALE soon").text() ==
        "ERROR WARN time: invalid duration \"soon\"");
  // What can not be told so is an error, and an error is one frame.
  REQUIRE(writer.ask("KEY PUT users.large " + std::string(2'000'000, 'x')).ok());
  CHECK(second.ask("KEY GET users.large STALE 0s").text() ==
        "ERROR WARN the value has 2000000 bytes, which is too large here; use KEY GET or KEY BLOB "
        "GET");
}

TEST_CASE("a lone node goes on answering stale reads, and refuses what it can not promise") {
  cluster c({"eu", "us", "asia"}, {"request_timeout=2s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.k before").ok());
  REQUIRE(age_of(c.ask(2, "KEY GET users.k STALE 0s")) == 0);
  c.kill(1);
  c.kill(3);
  const auto old = c.ask(2, "KEY GET users.k STALE");
  CHECK(value_of(old) == "VALUE:before");
  CHECK(age_of(old) > 0);
  CHECK(age_of(c.ask(2, "KEY GET users.k STALE 1h")) > 0);
  CHECK(c.ask(2, "KEY GET users.k STALE 0s").text().rfind("ERROR WARN quorum unavailable: ", 0) ==
        0);
  CHECK(c.ask(2, "KEY GET users.k").text().rfind("ERROR WARN quorum unavailable: ", 0) == 0);
  c.start(1);
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.k after").ok());
  // The two may be at odds over the table for a moment; whoever answers tells the newest.
  CHECK(value_of(c.ask_until_ok(2, "KEY GET users.k STALE 0s")) == "VALUE:after");
}

TEST_CASE("stale reads follow a table into a group and out of it") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT users.k 1").ok());
  REQUIRE(value_of(c.ask(3, "KEY GET users.k STALE 0s")) == "VALUE:1");
  REQUIRE(c.ask(1, "GROUP CREATE shop").ok());
  REQUIRE(c.ask(1, "GROUP ADD shop users").ok());
  REQUIRE(c.ask(1, "KEY PUT users.k 2").ok());
  CHECK(value_of(c.ask(3, "KEY GET users.k STALE 0s")) == "VALUE:2");
  REQUIRE(c.ask(1, "GROUP REMOVE shop users").ok());
  REQUIRE(c.ask(1, "KEY PUT users.k 3").ok());
  CHECK(value_of(c.ask(3, "KEY GET users.k STALE 0s")) == "VALUE:3");
  REQUIRE(c.ask(1, "TABLE DROP users").ok());
  CHECK(value_of(c.ask(3, "KEY GET users.k STALE 0s")) == "NOT_FOUND");
}

TEST_SUITE_END();

}  // namespace
