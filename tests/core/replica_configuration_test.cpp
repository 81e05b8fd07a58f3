// A replica across the two things that outlast a process: configurations in the log (consensus.md
// §9) and what a restart finds on disk (§3, §7).
#include <doctest/doctest.h>

#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const ballot owner = ballot_of(3, 2);

/// The successor of `three_nodes()` with a fourth node.
configuration four_nodes() {
  return grid({{"eu", 4}}, 1, 0, 2);
}

template <class M>
M under_epoch(M m, std::uint64_t epoch) {
  m.epoch = {epoch};
  return m;
}

/// Votes for `values` at slots 1, 2, ..., learns that they are chosen and has all of it on disk.
replica_effects choose(replica_bench& b, const std::vector<entry>& values) {
  b.step(proc(2), accept_of(owner, 1, values));
  auto out = b.step(proc(2), commit_of(owner, values.size()));
  b.settle();
  return out;
}

}  // namespace

TEST_SUITE("core/replica_configuration") {
  TEST_CASE("a configuration acts when it is chosen, not when it is voted for") {
    replica_bench b;
    b.step(proc(2), accept_of(owner, 1, {make_configuration_entry(four_nodes())}));
    CHECK(b->active() == three_nodes());
    const auto out = b.step(proc(2), commit_of(owner, 1));
    CHECK(b->active() == four_nodes());
    REQUIRE(out.progress.has_value());
    CHECK(out.progress->changed == four_nodes());
    CHECK(b.disk().recover().active == four_nodes());
    CHECK(b.disk().recover().configuration_at == slot{1});
  }

  TEST_CASE("a configuration on another parent is a no-op") {
    replica_bench b;
    const auto out = choose(b, {make_configuration_entry(grid({{"eu", 2}}, 0, 0, 3))});
    CHECK(b->watermark() == slot{1});
    CHECK(b->active() == three_nodes());
    CHECK_FALSE(out.progress->changed.has_value());
    CHECK_FALSE(b.disk().recover().active.has_value());
  }

  TEST_CASE("of two successors of one parent the first one counts") {
    replica_bench b;
    const auto rival = grid({{"eu", 5}}, 2, 0, 2);
    choose(b, {make_configuration_entry(four_nodes()), make_configuration_entry(rival)});
    CHECK(b->watermark() == slot{2});
    CHECK(b->active() == four_nodes());
  }

  TEST_CASE("a prepare of an older epoch is refused and told what is chosen") {
    replica_bench b;
    const auto change = make_configuration_entry(four_nodes());
    choose(b, {change});
    const auto out = b.step(proc(3), prepare{table_log, ballot_of(9, 3), {1}, {1}});
    CHECK(b->promised() == owner);
    REQUIRE(out.held.size() == 1);
    const auto* refused = std::get_if<nack>(&out.held[0].what);
    REQUIRE(refused != nullptr);
    CHECK(refused->why == nack_reason::epoch_below);
    CHECK(refused->epoch == config_epoch{2});
    REQUIRE(out.now.size() == 1);
    const auto* told = std::get_if<atlas::core::chosen>(&out.now[0].what);
    REQUIRE(told != nullptr);
    CHECK(told->first == slot{1});
    CHECK(told->entries == std::vector<entry>{change});
    // With what it was told the candidate asks again, and is promised.
    const auto again = b.step(proc(3), prepare{table_log, ballot_of(9, 3), {2}, {2}});
    CHECK(b->promised() == ballot_of(9, 3));
    REQUIRE(again.held.size() == 1);
    CHECK(std::holds_alternative<promise>(again.held[0].what));
  }

  TEST_CASE(
      "whoever asks for the configuration gets the one in force once a quorum of it holds it") {
    replica_bench b;
    const atlas::core::read question{proc(2), {1}, read_kind::configuration, {}};
    auto bytes = b->answer(question).data;
    std::string_view in = bytes;
    CHECK(decode_configuration(in) == three_nodes());
    choose(b, {make_configuration_entry(four_nodes())});
    CHECK_FALSE(b->settled());
    CHECK(b->answer(question).code == outcome_code::refused);
    // By the voters before the change; they count for nothing.
    auto notice = commit_of(ballot_of(9, 2), 1);
    notice.stable = {1};
    b.step(proc(2), notice);
    CHECK_FALSE(b->settled());
    auto told = accept_of(ballot_of(9, 2), 2, {}, 1);
    told.epoch = {2};
    told.stable = {1};
    b.step(proc(2), told);
    CHECK(b->settled());
    bytes = b->answer(question).data;
    in = bytes;
    CHECK(decode_configuration(in) == four_nodes());
  }

  TEST_CASE("an accept of an older epoch is refused with the newer one's number") {
    replica_bench b;
    choose(b, {make_configuration_entry(four_nodes())});
    const auto out = b.queue(proc(2), accept_of(owner, 2, {put_entry(1)}));
    CHECK(out.persist.empty());
    const auto refused = messages_to<nack>(out.held, 2);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].why == nack_reason::epoch_below);
    CHECK(refused[0].epoch == config_epoch{2});
    CHECK(refused[0].by == owner);
    CHECK(messages_to<accepted>(
              b.queue(proc(2), under_epoch(accept_of(owner, 2, {put_entry(1)}), 2)).held)
              .size() == 1);
  }

  TEST_CASE("promises name the configuration known as chosen") {
    replica_bench b;
    choose(b, {make_configuration_entry(four_nodes())});
    const auto out = b.step(proc(3), under_epoch(prepare_of(ballot_of(9, 3)), 2));
    CHECK(messages_to<promise>(out.held).at(0).epoch == config_epoch{2});
  }

  TEST_CASE("a copy that catches up takes every configuration on its way") {
    replica_bench b(4);
    const auto third = grid({{"eu", 4}, {"us", 1}}, 0, 1, 3);
    const auto out =
        b.step(proc(2), chosen{table_log,
                               {1},
                               {put_entry(1), make_configuration_entry(four_nodes()), make_no_op(),
                                make_configuration_entry(third), put_entry(2)},
                               {5}});
    CHECK(b->watermark() == slot{5});
    CHECK(b->active() == third);
    CHECK(out.progress->changed == third);
  }
}

TEST_SUITE("core/replica_restart") {
  TEST_CASE("a restart finds promise, votes, rows, hash, stamp and configuration") {
    replica_bench b;
    choose(b, {put_entry(1, "a"), make_configuration_entry(four_nodes()), put_entry(2, "b")});
    b.step(proc(2), under_epoch(accept_of(owner, 4, {put_entry(3, "c"), put_entry(4, "d")}), 2));
    b.step(proc(3), under_epoch(prepare_of(ballot_of(8, 3)), 2));
    const auto hash = b->applied_hash();
    const auto rows = b->rows("");
    b.crash();
    CHECK(b->promised() == ballot_of(8, 3));
    CHECK(b->watermark() == slot{3});
    CHECK(b->last_stamp() == stamp{2});
    CHECK(b->applied_hash() == hash);
    CHECK(b->active() == four_nodes());
    CHECK(b->rows("") == rows);
    CHECK(b->holder() == process{});  // whom it followed is not a promise to anybody
    const auto p =
        messages_to<promise>(b.step(proc(3), under_epoch(prepare_of(ballot_of(9, 3)), 2)).held)
            .at(0);
    CHECK(p.watermark == slot{3});
    REQUIRE(p.entries.size() == 2);
    CHECK(p.entries[1].value == put_entry(4, "d"));
    CHECK(p.entries[1].by == owner);
  }

  TEST_CASE("an applied group that was lost is applied again to the same end") {
    replica_bench lucky;
    replica_bench b;
    for (auto* one : {&lucky, &b}) {
      one->step(proc(2), accept_of(owner, 1, {put_entry(1)}));
      one->step(proc(2), commit_of(owner, 1));
    }
    b.crash();
    CHECK(b->watermark() == slot{});
    b.step(proc(2), commit_of(owner, 1));
    for (auto* one : {&lucky, &b}) one->settle();
    CHECK(b->watermark() == slot{1});
    CHECK(b->applied_hash() == lucky->applied_hash());
    CHECK(b.disk().get("k") == lucky.disk().get("k"));
  }

  TEST_CASE("after a restart what is on disk is handed out again") {
    replica_bench b;
    choose(b, {put_entry(1), put_entry(2)});
    b.crash();
    const auto given = messages_to<chosen>(b.queue(proc(3), fetch{table_log, {1}}).now);
    REQUIRE(given.size() == 1);
    CHECK(given[0].entries.size() == 2);
  }

  TEST_CASE("after a restart an answered command is not executed again") {
    replica_bench b;
    choose(b, {put_entry(1), put_entry(2)});
    b.crash();
    b.step(proc(2), accept_of(owner, 3, {put_entry(1)}));
    b.step(proc(2), commit_of(owner, 3));
    CHECK(b->watermark() == slot{3});
    CHECK(b->answer({proc(1), {1}, read_kind::get, "k"}) == outcome{outcome_code::ok, "v2"});
  }

  TEST_CASE("catching up does not lower the promise nor drop votes above it") {
    replica_bench b;
    b.step(proc(2), accept_of(owner, 3, {put_entry(3)}));
    b.step(proc(3), chosen{table_log, {1}, {put_entry(1), put_entry(2)}, {2}});
    CHECK(b->promised() == owner);
    b.crash();
    CHECK(b->promised() == owner);
    CHECK(b->watermark() == slot{2});
    CHECK(b.disk().recover().tail.size() == 1);
  }
}
