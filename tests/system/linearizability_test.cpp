// The promise itself: whatever is killed, suspended and restarted, clients of all nodes together
// see one copy of each key that changes at one moment per write.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "core/rng.hpp"
#include "tests/system/cluster.hpp"
#include "tests/system/history.hpp"

namespace {

using namespace atlas::system_tests;

constexpr std::chrono::seconds duration{18};

/// Long enough to be sometimes shorter and sometimes longer than a takeover takes.
void let_the_clients_meet_it(atlas::core::rng& random) {
  std::this_thread::sleep_for(std::chrono::milliseconds(random.below(3500)));
}

/// Kills one or two nodes for a while and starts them again, or suspends one: it wakes up with
/// everything it believed before, ownership above all.
bool strike(cluster& c, atlas::core::rng& random) {
  std::size_t first = 1 + random.below(c.size());
  if (random.chance(1, 2)) first = c.owner_of("a", first);
  if (first == 0) return false;
  if (random.chance(1, 2)) {
    c.program(first).pause();
    let_the_clients_meet_it(random);
    c.program(first).resume();
    return c.serves(first);
  }
  std::vector<std::size_t> victims{first};
  if (random.chance(1, 4)) victims.push_back(first % c.size() + 1);
  for (const auto n : victims) c.kill(n);
  let_the_clients_meet_it(random);
  for (const auto n : victims) c.start(n);
  return std::all_of(victims.begin(), victims.end(), [&](auto n) { return c.serves(n); });
}

void histories_fit(const std::vector<std::string>& regions, const settings& extra,
                   std::uint64_t seed) {
  cluster c(regions, extra);
  INFO(c.logs());
  INFO("seed " << seed);
  REQUIRE(c.start_all());
  std::vector<std::string> sockets;
  for (const auto n : c.all()) sockets.push_back(c.socket(n));
  history_recorder clients(sockets, {"a.x", "a.y", "b.x"}, 8, seed);
  REQUIRE(eventually([&] { return clients.answered() >= 100; }));
  atlas::core::rng random(seed);
  const auto end = std::chrono::steady_clock::now() + duration;
  int rounds = 0;
  while (std::chrono::steady_clock::now() < end) {
    REQUIRE(strike(c, random));
    // The next fault meets a cluster that works, or faults would only ever meet the first election.
    const auto before = clients.answered();
    CHECK(eventually([&] { return clients.answered() >= before + 200; }));
    ++rounds;
  }
  clients.stop();
  CHECK(clients.read_all_keys());
  CHECK(rounds >= 3);
  const auto verdict = atlas::linear::check_linearizable(clients.history());
  CHECK_MESSAGE(verdict.linearizable, verdict.why);
}

TEST_SUITE_BEGIN("system/linearizability");

TEST_CASE(
    "histories are linearizable while nodes of three regions are killed, suspended, restarted") {
  histories_fit({"eu", "us", "asia"}, {"request_timeout=2s"}, 1);
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("system/linearizability-one-zone");

TEST_CASE("histories are linearizable while nodes of one region are killed, suspended, restarted") {
  histories_fit({"eu", "eu", "eu"}, {"request_timeout=500ms"}, 2);
}

TEST_SUITE_END();

}  // namespace
