// Thousands of clusters in storms, one per seed. A failure prints its seed; run that one alone with
// ATLAS_SIM_FROM=<seed> ATLAS_SIM_SEEDS=1.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/sim/cluster.hpp"

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_SUITE("sim/storms") {
  TEST_CASE("every seed keeps every invariant and comes back to life") {
    const auto from = number_from("ATLAS_SIM_FROM", 1);
    const auto count = number_from("ATLAS_SIM_SEEDS", 5'000);
    std::uint64_t slots = 0;
    std::uint64_t operations = 0;
    std::uint64_t events = 0;
    std::uint64_t slowest = 0;
    std::uint64_t failures = 0;
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
      const auto report = atlas::sim::run_seed(seed);
      CHECK_MESSAGE(report.ok, report.why);
      slots += report.slots;
      operations += report.operations;
      events += report.events;
      slowest = std::max(slowest, report.calm_us);
      if (!report.ok && ++failures == 10) break;
    }
    MESSAGE(count << " seeds, " << events << " events, " << operations << " requests, " << slots
                  << " slots chosen; slowest recovery " << slowest / 1000 << " ms");
  }

  TEST_CASE("the same seed is the same run, event by event") {
    for (const std::uint64_t seed : {1, 2, 3, 77}) {
      const auto a = atlas::sim::run_seed(seed);
      const auto b = atlas::sim::run_seed(seed);
      CHECK(a.digest == b.digest);
      CHECK(a.events == b.events);
    }
    CHECK(atlas::sim::run_seed(1).digest != atlas::sim::run_seed(2).digest);
  }
}
