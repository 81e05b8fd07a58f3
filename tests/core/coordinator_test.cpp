// When a node takes a log over (consensus.md §6, steal): never while the owner is heard, only with
// a Q1-shaped set that misses it too, above every ballot heard of, and spread in time (§4).
#include "core/coordinator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

const process owner = proc(3);

/// The coordinator of node 1 for one log that node 3 owned with ballot (5, 3).
struct watch {
  configuration config;
  coordinator deciding;
  log_view view;
  std::set<process> heard;
  std::uint64_t now = 10'000;

  explicit watch(configuration c = three_nodes(), std::uint64_t seed = 1)
      : config(std::move(c)), deciding(proc(1), seed) {
    view = {table_log, &config, ballot_of(5, 3), owner, false};
  }

  coordinator_effects tick() {
    coordinator_effects out;
    deciding.on_tick({now}, {view}, hears(), out);
    return out;
  }
  [[nodiscard]] coordinator::hears hears() const {
    return [this](process p) { return heard.contains(p); };
  }
  void report(std::uint64_t node, bool missed, process holder = {}, ballot promised = {}) {
    deciding.on_report({now}, proc(node), {table_log, owner, missed, promised, holder});
  }
  /// Ticks every 100 ms for `ms`, while `agreeing` say again and again that they miss the owner;
  /// the first take-over, with `now` at its moment.
  std::optional<ballot> run(std::uint64_t ms, const nodes& agreeing) {
    for (const auto end = now + ms; now < end; now += 100) {
      for (const auto node : agreeing) report(node, true);
      const auto out = tick();
      if (!out.take_over.empty()) return out.take_over[0].second;
    }
    return std::nullopt;
  }
};

owner_report asked(const log_view& view, const std::set<process>& heard) {
  const coordinator deciding(proc(1), 1);
  return deciding.on_query({table_log, owner}, &view, [&](process p) { return heard.contains(p); });
}

}  // namespace

TEST_SUITE("core/coordinator") {
  TEST_CASE("while the owner is heard nobody is asked and nothing is taken") {
    watch w;
    w.heard = {owner};
    CHECK_FALSE(w.run(30'000, {2, 3}).has_value());
    CHECK(w.tick().send.empty());
  }

  TEST_CASE("an earlier boot of the owner's node is not the owner") {
    watch w;
    w.heard = {proc(3, 2)};
    CHECK(w.run(3'000, {2}).has_value());
  }

  TEST_CASE("a log that is owned here is left alone") {
    watch w;
    w.view.holder = proc(1);
    w.view.owned_here = true;
    CHECK_FALSE(w.run(30'000, {2, 3}).has_value());
  }

  TEST_CASE("who misses the owner asks all other seats, and not at every tick") {
    watch w;
    CHECK(receivers<owner_query>(w.tick().send) == nodes{2, 3});
    CHECK(messages_to<owner_query>(w.tick().send).empty());
    w.now += 1'000;
    const auto queries = messages_to<owner_query>(w.tick().send, 2);
    REQUIRE(queries.size() == 1);
    CHECK(queries[0].suspect == owner);
    CHECK(queries[0].log == table_log);
  }

  TEST_CASE("alone a node takes nothing that needs the others") {
    watch w;
    CHECK_FALSE(w.run(60'000, {}).has_value());
  }

  TEST_CASE("a Q1-shaped set that misses the owner is enough") {
    watch w;
    const auto above = w.run(3'000, {2});
    REQUIRE(above.has_value());
    CHECK(*above == ballot_of(5, 3));
  }

  TEST_CASE("on a grid the agreement needs enough nodes in enough zones") {
    // Q1: two of three nodes in two of three zones; node 1 is in ap.
    const auto c = grid({{"ap", 3}, {"eu", 3}, {"us", 3}}, 1, 1);
    CHECK_FALSE(watch(c).run(20'000, {2, 3}).has_value());
    CHECK_FALSE(watch(c).run(20'000, {2, 4, 7}).has_value());
    CHECK_FALSE(watch(c).run(20'000, {4, 5, 7}).has_value());
    CHECK(watch(c).run(5'000, {2, 4, 5}).has_value());
    CHECK(watch(c).run(5'000, {4, 5, 7, 8}).has_value());
  }

  TEST_CASE("nodes without a seat have no say") {
    watch w;
    CHECK_FALSE(w.run(20'000, {8, 9}).has_value());
  }

  TEST_CASE("one who hears the owner withdraws its agreement") {
    watch w(grid({{"eu", 5}}, 2, 0));
    w.report(2, true);
    w.tick();
    for (int i = 0; i < 100; ++i, w.now += 100) {
      w.report(2, true);
      w.report(2, false, owner, ballot_of(5, 3));
      w.report(4, true);
      REQUIRE(w.tick().take_over.empty());
    }
  }

  TEST_CASE("an old agreement is not counted") {
    watch w;
    w.tick();
    w.report(2, true);
    w.now += 5'000;
    for (int i = 0; i < 50; ++i, w.now += 100) REQUIRE(w.tick().take_over.empty());
  }

  TEST_CASE("the next ballot is above everything heard of, in reports and defeats") {
    watch w;
    w.tick();
    w.report(2, true, {}, ballot_of(8, 2));
    const auto above = w.run(3'000, {2});
    REQUIRE(above.has_value());
    CHECK(*above == ballot_of(8, 2));
    w.deciding.on_lost({w.now}, table_log, ballot_of(12, 2));
    const auto after = w.run(20'000, {2});
    REQUIRE(after.has_value());
    CHECK(*after == ballot_of(12, 2));
  }

  TEST_CASE("a log that this node just created is taken at once") {
    watch w(grid({{"eu", 1}}, 0, 0));
    w.view.promised = {};
    w.view.holder = {};
    w.deciding.expect_ownership(table_log);
    CHECK(w.tick().take_over.size() == 1);
  }

  TEST_CASE("it is taken at once also if it was looked at before this node heard that it made it") {
    watch w(grid({{"eu", 3}}, 1, 0));
    w.view.promised = {};
    w.view.holder = {};
    CHECK(w.tick().take_over.empty());
    w.deciding.expect_ownership(table_log);
    CHECK(w.tick().take_over.size() == 1);
  }

  TEST_CASE("a process that lost the log while all still follow it takes it back") {
    watch w(grid({{"eu", 7}}, 3, 0));
    w.view.holder = proc(1);
    w.view.promised = ballot_of(5, 1);
    for (std::uint64_t node = 2; node <= 7; ++node) w.heard.insert(proc(node));
    bool taken = false;
    for (int i = 0; i < 50 && !taken; ++i, w.now += 100) {
      for (std::uint64_t node = 2; node <= 7; ++node)
        w.report(node, false, proc(1), ballot_of(5, 1));
      taken = !w.tick().take_over.empty();
    }
    CHECK(taken);
  }
}

TEST_SUITE("core/coordinator_answers") {
  TEST_CASE("a node that hears the owner does not miss it") {
    watch w;
    const auto r = asked(w.view, {owner});
    CHECK_FALSE(r.missed);
    CHECK(r.holder == owner);
    CHECK(r.promised == ballot_of(5, 3));
    CHECK(r.log == table_log);
  }

  TEST_CASE("a node misses an owner that it does not hear, or that it does not have") {
    watch w;
    CHECK(asked(w.view, {}).missed);
    w.view.holder = {};
    CHECK(asked(w.view, {owner}).missed);
    w.view.holder = proc(1);  // followed itself, and owns it no more
    CHECK(asked(w.view, {proc(1)}).missed);
  }

  TEST_CASE("the owner itself names itself") {
    watch w;
    w.view.owned_here = true;
    w.view.holder = {};
    const auto r = asked(w.view, {});
    CHECK_FALSE(r.missed);
    CHECK(r.holder == proc(1));
  }

  TEST_CASE("who does not hold the log can not miss its owner") {
    const coordinator deciding(proc(1), 1);
    const auto r = deciding.on_query({table_log, owner}, nullptr, [](process) { return false; });
    CHECK_FALSE(r.missed);
    CHECK(r.holder == process{});
  }
}

TEST_SUITE("core/coordinator_hints") {
  TEST_CASE("whom others follow is where requests go, and is not deposed while it is heard") {
    watch w;
    w.view.holder = {};
    w.heard = {owner};
    CHECK(w.deciding.hinted_owner(table_log) == process{});
    w.tick();
    for (int i = 0; i < 100; ++i, w.now += 100) {
      w.report(2, false, owner, ballot_of(5, 3));
      w.report(4, true);
      REQUIRE(w.tick().take_over.empty());
      REQUIRE(w.deciding.hinted_owner(table_log) == owner);
    }
  }

  TEST_CASE("the hint of the higher promise wins") {
    watch w(grid({{"eu", 5}}, 2, 0));
    w.view.holder = {};
    w.tick();
    w.report(2, false, owner, ballot_of(5, 3));
    w.report(4, false, proc(5), ballot_of(4, 5));
    CHECK(w.deciding.hinted_owner(table_log) == owner);
    w.report(4, false, proc(5), ballot_of(6, 5));
    CHECK(w.deciding.hinted_owner(table_log) == proc(5));
  }

  TEST_CASE("a hint to somebody that is not heard stops nobody") {
    watch w;
    w.view.holder = {};
    w.tick();
    w.report(2, false, owner, ballot_of(5, 3));
    CHECK(w.run(3'000, {2}).has_value());
    CHECK(w.deciding.hinted_owner(table_log) == process{});
  }

  TEST_CASE("an own holder that is heard replaces every hint") {
    watch w;
    w.view.holder = {};
    w.tick();
    w.report(3, false, proc(2), ballot_of(5, 2));
    REQUIRE(w.deciding.hinted_owner(table_log) == proc(2));
    w.view.holder = owner;
    w.heard = {owner};
    w.tick();
    CHECK(w.deciding.hinted_owner(table_log) == process{});
  }
}

TEST_SUITE("core/coordinator_back_off") {
  TEST_CASE("candidates of different nodes start at different times") {
    std::set<std::uint64_t> starts;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      watch w(three_nodes(), seed);
      for (int i = 0; i < 300; ++i, w.now += 10) {
        w.report(2, true);
        if (w.tick().take_over.empty()) continue;
        starts.insert(w.now);
        break;
      }
    }
    CHECK(starts.size() > 5);
  }

  TEST_CASE("a defeat is followed by a pause") {
    watch w;
    w.tick();
    REQUIRE(w.run(3'000, {2}).has_value());
    w.deciding.on_lost({w.now}, table_log, ballot_of(6, 2));
    w.report(2, true);
    CHECK(w.tick().take_over.empty());
    CHECK(w.run(20'000, {2}).has_value());
  }

  TEST_CASE("another candidate gets time to finish") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      watch w(three_nodes(), seed);
      w.tick();
      w.view.promised = ballot_of(6, 2);
      const auto seen = w.now;
      REQUIRE(w.run(10'000, {2}).has_value());
      CHECK(w.now >= seen + 900);
    }
  }

  TEST_CASE("the pause grows with every defeat in a row, candidates between them included") {
    std::uint64_t longest = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      watch w(three_nodes(), seed);
      w.view.holder = {};
      w.view.promised = ballot_of(5, 1);
      for (int defeats = 0; defeats < 6; ++defeats) {
        REQUIRE(w.run(20'000, {2}).has_value());
        w.view.owned_here = true;  // a candidate runs, promises itself, and loses
        w.view.promised = next_ballot(w.view.promised, {1});
        for (int i = 0; i < 3; ++i, w.now += 100) w.tick();
        w.view.owned_here = false;
        w.deciding.on_lost({w.now}, table_log, w.view.promised);
      }
      const auto lost = w.now;
      REQUIRE(w.run(20'000, {2}).has_value());
      longest = std::max(longest, w.now - lost);
    }
    CHECK(longest > 1'000);  // the first pause ends within 500 ms
  }
}
