// The judge is judged: histories that are right, histories that are wrong in one way each, and a
// comparison with a search through all orders.
#include "tests/support/linearizability.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "core/rng.hpp"

namespace {

using atlas::linear::check_linearizable;
using atlas::linear::op_kind;
using atlas::linear::operation;

constexpr std::uint64_t never = 0;

operation put(std::string value, std::uint64_t from, std::uint64_t to) {
  return {"k", op_kind::put, std::move(value), from,
          to == never ? std::nullopt : std::optional(to)};
}
operation get(std::optional<std::string> value, std::uint64_t from, std::uint64_t to) {
  return {"k", op_kind::get, std::move(value), from, to};
}
operation erase(std::uint64_t from, std::uint64_t to) {
  return {"k", op_kind::erase, std::nullopt, from, to == never ? std::nullopt : std::optional(to)};
}
bool fits(const std::vector<operation>& history) {
  return check_linearizable(history).linearizable;
}

/// Tries every subset of the unknown operations in every order.
bool fits_by_force(const std::vector<operation>& all) {
  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].returned) unknown.push_back(i);
  for (std::uint64_t subset = 0; subset < (1ull << unknown.size()); ++subset) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto u = std::find(unknown.begin(), unknown.end(), i);
      if (u == unknown.end() || ((subset >> (u - unknown.begin())) & 1)) order.push_back(i);
    }
    do {
      std::optional<std::string> value;
      bool good = true;
      for (std::size_t i = 0; i < order.size() && good; ++i) {
        const auto& o = all[order[i]];
        for (std::size_t j = i + 1; j < order.size(); ++j)
          if (all[order[j]].returned && *all[order[j]].returned < o.invoked) good = false;
        if (o.what == op_kind::put) value = o.value;
        if (o.what == op_kind::erase) value.reset();
        if (o.what == op_kind::get && value != o.value) good = false;
      }
      if (good) return true;
    } while (std::next_permutation(order.begin(), order.end()));
  }
  return false;
}

}  // namespace

TEST_SUITE("linear/checker") {
  TEST_CASE("sequential histories of a register are linearizable") {
    CHECK(fits({}));
    CHECK(fits({get(std::nullopt, 1, 2), put("a", 3, 4), get("a", 5, 6), erase(7, 8),
                get(std::nullopt, 9, 10)}));
  }

  TEST_CASE("a read that overlaps a write may see either value") {
    CHECK(fits({put("a", 1, 2), put("b", 3, 9), get("a", 4, 5), get("b", 6, 7)}));
    CHECK(fits({put("a", 1, 2), put("b", 3, 9), get("b", 4, 5)}));
  }

  TEST_CASE("a stale read is found") {
    CHECK_FALSE(fits({put("a", 1, 2), put("b", 3, 4), get("a", 5, 6)}));
    CHECK_FALSE(fits({put("a", 1, 2), get(std::nullopt, 3, 4)}));
    CHECK_FALSE(fits({put("a", 1, 2), erase(3, 4), get("a", 5, 6)}));
  }

  TEST_CASE("two reads in a row must not go back in time") {
    CHECK_FALSE(fits({put("a", 1, 2), put("b", 3, 20), get("b", 4, 5), get("a", 6, 7)}));
  }

  TEST_CASE("a value that nobody wrote is found") {
    const auto v = check_linearizable({put("a", 1, 2), get("c", 3, 4)});
    CHECK_FALSE(v.linearizable);
    CHECK(v.why.find("get k = c") != std::string::npos);
    CHECK(v.why.find("possible values before: a") != std::string::npos);
  }

  TEST_CASE("a read from the future is found") {
    CHECK_FALSE(fits({get("a", 1, 2), put("a", 3, 4)}));
    CHECK_FALSE(fits({get("a", 1, 2), put("a", 3, never)}));
  }

  TEST_CASE("a write of unknown outcome may happen late, once, or never") {
    CHECK(fits({put("a", 1, never), get(std::nullopt, 2, 3), get("a", 4, 5)}));
    CHECK(fits({put("a", 1, never), get(std::nullopt, 2, 3)}));
    CHECK(fits({put("a", 1, never), put("b", 2, 3), get("b", 4, 5), get("a", 6, 7)}));
    CHECK_FALSE(
        fits({put("a", 1, never), get("a", 2, 3), put("b", 4, 5), get("b", 6, 7), get("a", 8, 9)}));
    CHECK_FALSE(fits({put("a", 1, never), get("a", 2, 3), get(std::nullopt, 4, 5)}));
    CHECK(fits({put("a", 1, 2), erase(3, never), get("a", 4, 5), get(std::nullopt, 6, 7)}));
    CHECK_FALSE(fits({put("a", 1, 2), erase(3, never), get(std::nullopt, 4, 5), put("b", 6, 7),
                      get(std::nullopt, 8, 9)}));
  }

  TEST_CASE("keys are judged alone") {
    auto other = get(std::nullopt, 5, 6);
    other.key = "other";
    CHECK(fits({put("a", 1, 2), other}));
  }

  TEST_CASE("it agrees with a search through all orders on random small histories") {
    atlas::core::rng random(5);
    unsigned good = 0;
    for (unsigned round = 0; round < 8'000; ++round) {
      std::vector<operation> history;
      const auto count = 2 + random.below(5);
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto from = random.below(20);
        const auto to = from + 1 + random.below(12);
        const std::string value(1, static_cast<char>('a' + random.below(3)));
        const auto die = random.below(10);
        const bool known = !random.chance(1, 4);
        if (die < 4)
          history.push_back(put(value, from, known ? to : never));
        else if (die < 5)
          history.push_back(erase(from, known ? to : never));
        else
          history.push_back(
              get(random.chance(1, 4) ? std::nullopt : std::optional(value), from, to));
      }
      const bool expected = fits_by_force(history);
      good += expected;
      REQUIRE(fits(history) == expected);
    }
    CHECK(good > 800);
    CHECK(good < 7'200);
  }

  TEST_CASE("thousands of operations on one key take no time to speak of") {
    atlas::core::rng random(9);
    std::vector<operation> history;
    // Twelve clients in a row of overlapping operations that never pause; the register is real.
    std::string value = "0";
    std::uint64_t now = 1;
    history.push_back(put(value, 0, now));
    for (unsigned i = 1; i < 6'000; ++i) {
      now += 10;
      const auto before = random.below(60);
      const auto after = 1 + random.below(60);
      if (random.chance(1, 2)) {
        value = std::to_string(i);
        history.push_back(put(value, now - std::min(before, now - 1), now + after));
      } else {
        history.push_back(get(value, now - std::min(before, now - 1), now + after));
      }
    }
    CHECK(fits(history));
    history.push_back(get("0", now + 100, now + 200));
    CHECK_FALSE(fits(history));
  }

  TEST_CASE("a crowd of writes in flight at once takes no time to speak of") {
    std::vector<operation> history;
    for (unsigned i = 0; i < 30; ++i) history.push_back(put("v" + std::to_string(i), 1, 100 + i));
    for (unsigned i = 0; i < 30; ++i)
      history.push_back(get(i % 5 == 0 ? "v" + std::to_string(i) : "v7", 50, 90 + i));
    for (unsigned i = 0; i < 6; ++i) history.push_back(erase(2 + i, i < 3 ? never : 95));
    CHECK(fits(history));
    history.push_back(get("v7", 200, 201));
    history.push_back(get("v11", 202, 203));
    CHECK_FALSE(fits(history));
  }
}
