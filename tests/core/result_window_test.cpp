// Exactly once (consensus.md §8): what the window of remembered results answers, what it forgets,
// and that a window read back from disk is the window that was written.
#include "core/result_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "core/rng.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr table_id table{7};

outcome said(const std::string& data) {
  return {outcome_code::ok, data};
}

command_id numbered(std::uint64_t seq, std::uint64_t floor = 1, process from = proc(1)) {
  return {from, {seq}, {floor}};
}

bool is_unknown(const std::optional<outcome>& o) {
  return o && o->code == outcome_code::unknown && !o->data.empty();
}

}  // namespace

TEST_SUITE("core/result_window") {
  TEST_CASE("a new command is executed, a repeated one is answered with its first result") {
    result_window w;
    CHECK_FALSE(w.find(table, numbered(1)).has_value());
    w.remember(table, numbered(1), said("one"));
    CHECK(w.find(table, numbered(1)) == said("one"));
    CHECK_FALSE(w.find(table, numbered(2)).has_value());
  }

  TEST_CASE("commands may arrive in any order within the window") {
    result_window w;
    w.remember(table, numbered(5), said("five"));
    CHECK_FALSE(w.find(table, numbered(3)).has_value());
    w.remember(table, numbered(3), said("three"));
    CHECK(w.find(table, numbered(5)) == said("five"));
    CHECK(w.find(table, numbered(3)) == said("three"));
  }

  TEST_CASE("what the origin calls answered is forgotten and never executed again") {
    result_window w;
    w.remember(table, numbered(1), said("one"));
    w.remember(table, numbered(2), said("two"));
    w.remember(table, numbered(3, 2), said("three"));
    CHECK(is_unknown(w.find(table, numbered(1))));
    CHECK(w.find(table, numbered(2)) == said("two"));
  }

  TEST_CASE("a floor never falls") {
    result_window w;
    w.remember(table, numbered(9, 9), said("nine"));
    w.remember(table, numbered(10, 2), said("ten"));
    CHECK(is_unknown(w.find(table, numbered(8))));
    CHECK(w.find(table, numbered(9)) == said("nine"));
  }

  TEST_CASE("a newer boot starts over and an older one is never executed again") {
    result_window w;
    w.remember(table, numbered(7, 5, proc(1, 2)), said("second"));
    CHECK(is_unknown(w.find(table, numbered(7, 5, proc(1, 1)))));
    CHECK(is_unknown(w.find(table, numbered(1'000, 1, proc(1, 1)))));
    CHECK_FALSE(w.find(table, numbered(7, 1, proc(1, 3))).has_value());
    w.remember(table, numbered(1, 1, proc(1, 3)), said("third"));
    CHECK(w.find(table, numbered(1, 1, proc(1, 3))) == said("third"));
    CHECK_FALSE(w.find(table, numbered(2, 1, proc(1, 3))).has_value());
    CHECK(is_unknown(w.find(table, numbered(7, 5, proc(1, 2)))));
  }

  TEST_CASE("origins do not see each other") {
    result_window w;
    w.remember(table, numbered(50, 50, proc(1)), said("a"));
    CHECK_FALSE(w.find(table, numbered(1, 1, proc(2))).has_value());
  }

  TEST_CASE("the bound holds against an origin that never raises its floor") {
    result_window w;
    const auto max = result_window::sequences_max;
    w.remember(table, numbered(1), said("one"));
    w.remember(table, numbered(max), said("last"));
    CHECK(w.find(table, numbered(1)) == said("one"));
    w.remember(table, numbered(max + 1), said("over"));
    CHECK(is_unknown(w.find(table, numbered(1))));
    CHECK_FALSE(w.find(table, numbered(2)).has_value());
    CHECK(w.find(table, numbered(max)) == said("last"));
    w.remember(table, numbered(10 * max), said("far"));
    CHECK(is_unknown(w.find(table, numbered(max + 1))));
    CHECK(is_unknown(w.find(table, numbered(9 * max))));
    CHECK_FALSE(w.find(table, numbered(9 * max + 1)).has_value());
    CHECK(w.find(table, numbered(10 * max)) == said("far"));
  }

  TEST_CASE(
      "large results are bounded by their bytes, and what they push out is not executed again") {
    result_window w;
    const auto quarter = said(std::string(result_window::bytes_max / 4, 'x'));
    for (std::uint64_t seq = 1; seq <= 4; ++seq) w.remember(table, numbered(seq + 1), quarter);
    CHECK_FALSE(w.find(table, numbered(1)).has_value());
    CHECK(w.find(table, numbered(2)) == quarter);
    w.remember(table, numbered(6), said("x"));
    CHECK(is_unknown(w.find(table, numbered(1))));
    CHECK(is_unknown(w.find(table, numbered(2))));
    CHECK(w.find(table, numbered(3)) == quarter);
    w.remember(table, numbered(6, 5), said("x"));  // the same again, as a replay does
    CHECK(is_unknown(w.find(table, numbered(4))));
    w.remember(table, numbered(7), quarter);
    w.remember(table, numbered(8), quarter);
    CHECK(w.find(table, numbered(5)) == quarter);
    const auto huge = said(std::string(result_window::bytes_max + 1, 'x'));
    w.remember(table, numbered(9), huge);
    CHECK(is_unknown(w.find(table, numbered(8))));
    CHECK(w.find(table, numbered(9)) == huge);
    w.remember(table, numbered(1, 1, proc(1, 2)), quarter);  // another boot, another sum
    w.remember(table, numbered(4, 1, proc(1, 2)), said("x"));
    CHECK(w.find(table, numbered(1, 1, proc(1, 2))) == quarter);
  }

  TEST_CASE("what the bound of bytes leaves does not depend on records, folds or moves") {
    rng random(5);
    result_window live;
    result_window replayed;
    std::uint64_t next = 1;
    for (int i = 0; i < 80; ++i) {
      next += 1 + random.below(2);
      const auto c = numbered(next - random.below(std::min<std::uint64_t>(9, next)));
      if (live.find(table, c)) continue;
      const auto result = said(std::string(random.below(result_window::bytes_max / 3), 'x'));
      std::string record;
      result_window::encode_line(record, table, c, result);
      live.remember(table, c, result);
      REQUIRE(replayed.replay(record));
      if (random.chance(1, 8)) REQUIRE(replayed.replay(record));
      if (random.chance(1, 4)) {  // a fold, and a table that came in parts over what it left here
        result_window folded;
        REQUIRE(folded.replay(live.encode_all()));
        REQUIRE(folded.encode_all() == live.encode_all());
        for (const auto& part : live.encode_parts_of(table, 1)) REQUIRE(replayed.replay(part));
        if (random.chance(1, 2)) replayed = folded;
      }
      REQUIRE(replayed.encode_all() == live.encode_all());
    }
    CHECK(is_unknown(live.find(table, numbered(1))));
  }

  TEST_CASE("replaying the records gives the window that wrote them") {
    rng random(3);
    result_window live;
    result_window replayed;
    std::uint64_t boots[] = {1, 1, 1};
    std::uint64_t next[] = {1, 1, 1};
    std::uint64_t low[] = {1, 1, 1};
    for (int slot_number = 0; slot_number < 300; ++slot_number) {
      std::string record;
      for (auto lines = 1 + random.below(4); lines > 0; --lines) {
        const auto o = random.below(3);
        if (random.chance(1, 60)) {
          ++boots[o];
          next[o] = low[o] = 1;
        }
        next[o] += random.chance(1, 100) ? 70'000 : 1;
        low[o] += random.below(std::min<std::uint64_t>(3, next[o] - low[o] + 1));
        const auto back = random.below(std::min<std::uint64_t>(4, next[o] - low[o] + 1));
        const auto c = numbered(next[o] - back, low[o], proc(o + 1, boots[o]));
        if (live.find(table, c)) continue;
        const outcome result{random.chance(1, 9) ? outcome_code::refused : outcome_code::ok,
                             std::to_string(random.next())};
        live.remember(table, c, result);
        result_window::encode_line(record, table, c, result);
      }
      REQUIRE(replayed.replay(record));
      REQUIRE(replayed.encode_all() == live.encode_all());
      if (random.chance(1, 50)) {  // folding the records into one must change nothing
        result_window folded;
        REQUIRE(folded.replay(live.encode_all()));
        REQUIRE(folded.encode_all() == live.encode_all());
        replayed = folded;
      }
    }
  }

  TEST_CASE("broken records are refused, cut ones too") {
    std::string one;
    result_window::encode_line(one, table, numbered(300, 2), said("result"));
    for (std::size_t length = 1; length < one.size(); ++length) {
      result_window w;
      CHECK_FALSE(w.replay(std::string_view(one).substr(0, length)));
    }
    result_window w;
    CHECK(w.replay(""));
    CHECK_FALSE(w.replay(std::string("\x01\x01\x02\x03\x00\x00", 6)));  // floor below zero
    rng random(4);
    for (int i = 0; i < 5'000; ++i) {
      std::string bytes(random.below(30), '\0');
      for (auto& b : bytes) b = static_cast<char>(random.below(6));
      result_window any;
      (void)any.replay(bytes);
    }
  }

  TEST_CASE("tables of one log have windows of their own, and leave with them") {
    result_window w;
    constexpr table_id other{8};
    w.remember(table, numbered(3, 3), said("three"));
    w.remember(other, numbered(1), said("one"));
    CHECK(is_unknown(w.find(table, numbered(1))));
    CHECK(w.find(other, numbered(1)) == said("one"));
    result_window elsewhere;
    for (const auto& part : w.encode_parts_of(table, 1)) CHECK(elsewhere.replay(part));
    CHECK(elsewhere.tables() == std::vector{table});
    CHECK(elsewhere.find(table, numbered(3)) == said("three"));
    CHECK(is_unknown(elsewhere.find(table, numbered(2))));
    w.forget(table);
    CHECK(w.tables() == std::vector{other});
    CHECK_FALSE(w.find(table, numbered(3)).has_value());
  }
}
