// How much of a log is kept, and what the owner calls stable (consensus.md §7).
#include "core/log_retention.hpp"

#include <doctest/doctest.h>

#include "core/applied_ledger.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

replica_limits keeping(std::uint64_t slots, std::uint64_t bytes = 1 << 30) {
  replica_limits limits;
  limits.keep_slots = slots;
  limits.keep_bytes = bytes;
  return limits;
}

}  // namespace

TEST_SUITE("core/log_retention") {
  TEST_CASE("a short log is kept") {
    log_retention r(keeping(100), {}, {});
    for (std::uint64_t s = 1; s <= 100; ++s) r.note({s}, 10);
    CHECK(r.surplus({100}) == slot{});
  }

  TEST_CASE("slots beyond the number that is kept go in pieces of an eighth") {
    log_retention r(keeping(80), {}, {});
    for (std::uint64_t s = 1; s <= 95; ++s) r.note({s}, 10);
    CHECK(r.surplus({95}) == slot{10});
    r.dropped({10});
    CHECK(r.surplus({95}) == slot{});
  }

  TEST_CASE("what was applied long ago goes, however little it is") {
    auto limits = keeping(1'000);
    limits.keep_ms = 60'000;
    log_retention r(limits, {}, {7});  // on disk at the start
    CHECK(r.surplus({7}, {5'000}) == slot{});
    CHECK(r.surplus({7}, {64'999}) == slot{});
    CHECK(r.surplus({7}, {65'000}) == slot{7});
    r.note({8}, 10);
    CHECK(r.surplus({8}, {66'000}) == slot{7});
    r.note({9}, 10);  // in one piece with the slot before
    CHECK(r.surplus({9}, {67'000}) == slot{7});
    CHECK(r.surplus({9}, {80'000}) == slot{7});
    r.note({10}, 10);
    CHECK(r.surplus({10}, {90'000}) == slot{7});
    CHECK(r.surplus({10}, {126'999}) == slot{7});
    CHECK(r.surplus({10}, {127'000}) == slot{9});
    CHECK(r.surplus({10}, {149'999}) == slot{9});
    CHECK(r.surplus({10}, {150'000}) == slot{10});
  }

  TEST_CASE("on a machine that is up for long, what was just applied is not old") {
    auto limits = keeping(1'000);
    limits.keep_ms = 60'000;
    constexpr std::uint64_t long_up = 90'000'000;
    log_retention r(limits, {}, {7});
    r.note({8}, 10);  // before anybody has asked
    CHECK(r.surplus({8}, {long_up}) == slot{});
    r.note({9}, 10);
    CHECK(r.surplus({9}, {long_up + 10}) == slot{});
    CHECK(r.surplus({9}, {long_up + 60'000}) == slot{8});
    // Nobody asked for long, as after a pause of the process.
    r.note({10}, 10);
    CHECK(r.surplus({10}, {2 * long_up}) == slot{9});
  }

  TEST_CASE("few large slots go by their bytes") {
    log_retention r(keeping(1'000, 800), {}, {});
    for (std::uint64_t s = 1; s <= 12; ++s) r.note({s}, 100);
    CHECK(r.surplus({12}) == slot{4});
    r.dropped({4});
    r.note({13}, 800);
    CHECK(r.surplus({13}) == slot{12});
  }

  TEST_CASE("nothing goes above what may go") {
    log_retention r(keeping(8), {}, {});
    for (std::uint64_t s = 1; s <= 30; ++s) r.note({s}, 1);
    CHECK(r.surplus({5}) == slot{5});
    CHECK(r.surplus({0}) == slot{});
    CHECK(r.surplus({30}) == slot{22});
  }

  TEST_CASE("what earlier starts left is more than is kept, however often they were") {
    log_retention r(keeping(80), {10}, {90});
    CHECK(r.surplus({90}) == slot{});
    for (std::uint64_t s = 91; s <= 99; ++s) r.note({s}, 1);
    CHECK(r.surplus({99}) == slot{});
    r.note({100}, 1);
    CHECK(r.surplus({100}) == slot{20});
    // Ever new starts, each with little more.
    slot truncated{20};
    for (std::uint64_t s = 101; s <= 300; ++s) {
      log_retention again(keeping(80), truncated, {s - 1});
      again.note({s}, 1);
      truncated = std::max(truncated, again.surplus({s}));
      CHECK(s - truncated.value <= 100);
    }
    CHECK(truncated.value >= 200);
    // The size of what is there is not known.
    log_retention sized(keeping(1'000, 800), {}, {50});
    for (std::uint64_t s = 51; s <= 57; ++s) sized.note({s}, 100);
    CHECK(sized.surplus({57}) == slot{});
    sized.note({58}, 100);
    CHECK(sized.surplus({58}) == slot{50});
    // A setting that was larger then.
    CHECK(log_retention(keeping(8), {10}, {50}).surplus({50}) == slot{40});
  }

  TEST_CASE("a snapshot begins a new count") {
    log_retention r(keeping(8), {}, {});
    for (std::uint64_t s = 1; s <= 30; ++s) r.note({s}, 1);
    r.restart({100}, {100});
    CHECK(r.surplus({100}) == slot{});
    for (std::uint64_t s = 101; s <= 110; ++s) r.note({s}, 1);
    CHECK(r.surplus({110}) == slot{102});
  }
}

TEST_SUITE("core/applied_ledger") {
  TEST_CASE("stable is what a Q2 has durably applied") {
    const auto quorum = grid_quorum::make(three_nodes()).value();
    applied_ledger ledger;
    CHECK(ledger.stable(quorum) == slot{});
    ledger.note({1}, {9});
    CHECK(ledger.stable(quorum) == slot{});
    ledger.note({3}, {4});
    CHECK(ledger.stable(quorum) == slot{4});
    ledger.note({2}, {7});
    CHECK(ledger.stable(quorum) == slot{7});
    ledger.note({2}, {5});  // late news
    CHECK(ledger.stable(quorum) == slot{7});
  }

  TEST_CASE("nodes without a seat do not count") {
    const auto quorum = grid_quorum::make(three_nodes()).value();
    applied_ledger ledger;
    ledger.note({1}, {9});
    ledger.note({8}, {9});
    ledger.note({9}, {9});
    CHECK(ledger.stable(quorum) == slot{});
  }

  TEST_CASE("a grid needs its zones") {
    const auto quorum = grid_quorum::make(grid({{"eu", 2}, {"us", 2}, {"ap", 2}}, 0, 1)).value();
    applied_ledger ledger;
    for (std::uint64_t node = 1; node <= 3; ++node) ledger.note({node}, {8});
    CHECK(ledger.stable(quorum) == slot{});
    ledger.note({4}, {6});
    CHECK(ledger.stable(quorum) == slot{6});
  }
}
