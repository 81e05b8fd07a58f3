// A node that was away for longer than the others keep their logs takes over a snapshot when it
// returns, while the clients go on writing, and is as good as any other afterwards.
#include <doctest/doctest.h>

#include "tests/system/cluster.hpp"
#include "tests/system/load.hpp"

namespace {

using namespace atlas::system_tests;

bool took_snapshot(cluster& c, std::size_t node, const std::string& table) {
  return c.log(node).find("table " + table + ": took over a snapshot") != std::string::npos;
}

TEST_SUITE_BEGIN("system/snapshot");

TEST_CASE("a node that missed thousands of writes comes back through a snapshot under load") {
  cluster c({"eu", "eu", "eu"}, {"request_timeout=5s", "log_retention.slots=100"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT load.first 1").ok());
  REQUIRE(c.kept_by("load", 3, c.all()));
  const auto owner = c.owner_of("load", 1);
  REQUIRE(owner != 0);
  const std::size_t absent = owner == 3 ? 2 : 3;
  std::vector<std::string> sockets;
  for (const auto n : c.all())
    if (n != absent) sockets.insert(sockets.end(), {c.socket(n), c.socket(n), c.socket(n)});
  load writers("load", sockets);
  REQUIRE(writers.goes_on(20));
  c.kill(absent);
  REQUIRE(writers.goes_on(500));
  c.start(absent);
  REQUIRE(c.serves(absent));
  CHECK(eventually([&] { return took_snapshot(c, absent, "load"); }));
  CHECK(writers.goes_on(50));
  writers.stop();
  CHECK(writers.acknowledged() >= 3'000);
  for (const auto n : c.all()) CHECK(writers.missing_at(c.socket(n)) == "");
  // From here on the one that was away is needed for every quorum, and may be asked to own.
  c.kill(owner);
  CHECK(c.ask_until_ok(absent, "KEY PUT load.after 2").ok());
  CHECK(c.ask_until_ok(absent, "KEY GET load.first").text() == "VALUE:1");
  CHECK(writers.missing_at(c.socket(absent)) == "");
  // And what it took over is on its disk.
  c.kill(absent);
  c.start(absent);
  REQUIRE(c.serves(absent));
  CHECK(c.ask_until_ok(absent, "KEY GET load.after").text() == "VALUE:2");
  CHECK(writers.missing_at(c.socket(absent)) == "");
}

TEST_SUITE_END();

}  // namespace
