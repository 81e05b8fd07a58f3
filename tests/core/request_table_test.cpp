// A node's unanswered requests: numbering and floors that make retries safe, when something is sent
// again, and what may honestly be said at the deadline (consensus.md §8).
#include "core/request_table.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/result_window.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using atlas::tests::proc;

namespace {

constexpr tick never{1'000'000};

struct requests {
  request_table table{proc(1, 4)};
  std::uint64_t tickets = 0;

  std::uint64_t write(const std::string& row, tick deadline = never) {
    REQUIRE(table.submit({++tickets, operation::put, row, "value of " + row, "ann"}, deadline));
    return tickets;
  }
  std::uint64_t read(const std::string& row, tick deadline = never) {
    table.submit_read(++tickets, read_kind::get, row, deadline);
    return tickets;
  }
  std::vector<std::uint64_t> sequences(tick now) {
    std::vector<std::uint64_t> out;
    for (const auto& c : table.take(now).commands) out.push_back(c.seq.value);
    return out;
  }
  std::optional<std::uint64_t> answered(std::uint64_t seq) {
    return table.on_answer({false, {seq}, {}});
  }
};

using numbers = std::vector<std::uint64_t>;

numbers sequences_after(requests& r, std::uint64_t ms) {
  return r.sequences({ms + request_table::retry_ms});
}

}  // namespace

TEST_SUITE("core/request_table") {
  TEST_CASE("requests are numbered from one, leave in order and leave once") {
    requests r;
    r.write("a");
    r.write("b");
    r.read("c");
    CHECK(r.table.has_unsent({0}));
    const auto parcel = r.table.take({0});
    REQUIRE(parcel.commands.size() == 2);
    CHECK(parcel.commands[0].seq == sequence{1});
    CHECK(parcel.commands[1].seq == sequence{2});
    CHECK(parcel.commands[0].from == proc(1, 4));
    CHECK(parcel.commands[0].floor == sequence{1});
    CHECK(parcel.commands[0].row == "a");
    CHECK(parcel.commands[0].value == "value of a");
    CHECK(parcel.commands[0].principal == "ann");
    REQUIRE(parcel.reads.size() == 1);
    CHECK(parcel.reads[0].ticket == sequence{1});
    CHECK(parcel.reads[0].row == "c");
    CHECK_FALSE(r.table.has_unsent({0}));
    CHECK(r.table.take({0}).empty());
    CHECK(r.table.size() == 3);
  }

  TEST_CASE("an answer names its ticket once, of reads and writes apart") {
    requests r;
    const auto w = r.write("a");
    const auto q = r.read("a");
    (void)r.table.take({0});
    CHECK(r.table.on_answer({true, {1}, {}}) == q);
    CHECK(r.table.on_answer({false, {1}, {}}) == w);
    CHECK_FALSE(r.table.on_answer({false, {1}, {}}).has_value());
    CHECK_FALSE(r.table.on_answer({true, {9}, {}}).has_value());
    CHECK(r.table.size() == 0);
  }

  TEST_CASE("the floor is the oldest unanswered command") {
    requests r;
    for (const auto* row : {"a", "b", "c"}) r.write(row);
    (void)r.table.take({0});
    (void)r.answered(2);
    r.write("d");
    CHECK(r.table.take({1}).commands.at(0).floor == sequence{1});
    (void)r.answered(1);
    r.write("e");
    CHECK(r.table.take({2}).commands.at(0).floor == sequence{3});
    for (const auto seq : {3, 4, 5}) (void)r.answered(static_cast<std::uint64_t>(seq));
    r.write("f");
    const auto last = r.table.take({3}).commands.at(0);
    CHECK(last.seq == sequence{6});
    CHECK(last.floor == sequence{6});
  }

  TEST_CASE("what the owner gave back is sent again, not at once") {
    requests r;
    r.write("a");
    r.write("b");
    r.read("c");
    (void)r.table.take({0});
    r.table.on_returned({{1}, {77}}, {{1}}, {10}, "no quorum");
    CHECK_FALSE(r.table.has_unsent({10 + request_table::retry_ms - 1}));
    CHECK(r.table.take({10 + request_table::retry_ms - 1}).empty());
    CHECK(r.table.has_unsent({10 + request_table::retry_ms}));
    const auto again = r.table.take({10 + request_table::retry_ms});
    REQUIRE(again.commands.size() == 1);
    CHECK(again.commands[0].seq == sequence{1});
    CHECK(again.reads.size() == 1);
  }

  TEST_CASE("a new request passes one that waits for its retry") {
    requests r;
    r.write("a");
    (void)r.table.take({0});
    r.table.on_returned({{1}}, {}, {0}, "");
    r.write("b");
    CHECK(r.sequences({1}) == numbers{2});
    CHECK(r.sequences({request_table::retry_ms}) == numbers{1});
  }

  TEST_CASE("after an owner change everything unanswered is sent again, in order") {
    requests r;
    for (const auto* row : {"a", "b", "c"}) r.write(row);
    r.read("d");
    (void)r.table.take({0});
    (void)r.answered(2);
    r.write("e");
    r.table.on_owner_changed();
    CHECK(r.sequences({1}) == numbers{1, 3, 4});
  }

  TEST_CASE("silence is answered by sending again") {
    requests r;
    r.write("a");
    (void)r.table.take({100});
    r.table.on_tick({100 + request_table::repeat_ms - 1});
    CHECK_FALSE(r.table.has_unsent({100 + request_table::repeat_ms - 1}));
    r.table.on_tick({100 + request_table::repeat_ms});
    CHECK(r.sequences({100 + request_table::repeat_ms}) == numbers{1});
  }

  TEST_CASE("an answer to something that waits to be sent again settles it") {
    requests r;
    const auto ticket = r.write("a");
    (void)r.table.take({0});
    r.table.on_owner_changed();
    CHECK(r.answered(1) == ticket);
    CHECK_FALSE(r.table.has_unsent({9}));
    CHECK(r.table.take({9}).empty());
  }
}

TEST_SUITE("core/request_table_deadlines") {
  TEST_CASE("what was never sent certainly did nothing") {
    requests r;
    const auto ticket = r.write("a", {50});
    CHECK(r.table.expire({49}).empty());
    const auto gone = r.table.expire({50});
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].ticket == ticket);
    CHECK_FALSE(gone[0].is_read);
    CHECK_FALSE(gone[0].maybe_done);
    CHECK(r.table.size() == 0);
    CHECK(r.table.take({50}).empty());
  }

  TEST_CASE("what is out unanswered may have been done") {
    requests r;
    r.write("a", {50});
    (void)r.table.take({0});
    const auto gone = r.table.expire({60});
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].maybe_done);
    CHECK_FALSE(r.answered(1).has_value());  // a late answer finds nobody
  }

  TEST_CASE("what came back certainly did nothing, and the reason is kept") {
    requests r;
    r.write("a", {50});
    (void)r.table.take({0});
    r.table.on_returned({{1}}, {}, {10}, "commit needs more");
    const auto gone = r.table.expire({60});
    REQUIRE(gone.size() == 1);
    CHECK_FALSE(gone[0].maybe_done);
    CHECK(gone[0].why == "commit needs more");
  }

  TEST_CASE("one sending that was never answered leaves a doubt that no later return removes") {
    for (const bool by_silence : {true, false}) {
      requests r;
      r.write("a", {5'000});
      (void)r.table.take({0});
      if (by_silence)
        r.table.on_tick({2'000});
      else
        r.table.on_owner_changed();
      (void)r.table.take({2'000});
      r.table.on_returned({{1}}, {}, {2'010}, "");
      const auto gone = r.table.expire({5'000});
      REQUIRE(gone.size() == 1);
      CHECK(gone[0].maybe_done);
    }
  }

  TEST_CASE("a read is never in doubt") {
    requests r;
    const auto ticket = r.read("a", {50});
    (void)r.table.take({0});
    const auto gone = r.table.expire({50});
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].is_read);
    CHECK(gone[0].ticket == ticket);
    CHECK_FALSE(gone[0].maybe_done);
  }

  TEST_CASE("an expired command raises the floor, so that it can not be executed any more") {
    requests r;
    r.write("a", {50});
    r.write("b");
    (void)r.table.take({0});
    (void)r.table.expire({50});
    r.write("c");
    CHECK(r.table.take({60}).commands.at(0).floor == sequence{2});
  }

  TEST_CASE("the window pushes back before results could be forgotten, and opens again") {
    requests r;
    const auto bound = result_window::sequences_max / 2;
    for (std::uint64_t i = 0; i < bound; ++i)
      if (!r.table.submit({i + 1, operation::put, {}, {}, {}}, never)) FAIL("too early: " << i);
    CHECK_FALSE(r.table.submit({0, operation::put, "x", "y", {}}, never));
    CHECK(r.table.size() == bound);
    CHECK(r.table.take({0}).commands.size() == bound);
    (void)r.answered(2);  // not the oldest: nothing is won
    CHECK_FALSE(r.table.submit({0, operation::put, "x", "y", {}}, never));
    (void)r.answered(1);
    CHECK(r.table.submit({0, operation::put, "x", "y", {}}, never));
    CHECK(r.table.take({1}).commands.at(0).seq == sequence{bound + 1});
  }

  TEST_CASE("a second word that a table moved does not prove that the next sending did nothing") {
    requests r;
    r.write("a", {1'000});
    const answer moved{false, {1}, {outcome_code::moved, {}}};
    (void)r.table.take({0});
    r.table.on_moved(moved, {1}, "moves");
    CHECK(sequences_after(r, 2) == numbers{1});
    SUBCASE("one such word: the sending that it answers did nothing") {
      r.table.on_returned({{1}}, {}, {300}, "no owner");
      const auto gone = r.table.expire({1'000});
      REQUIRE(gone.size() == 1);
      CHECK_FALSE(gone[0].maybe_done);
    }
    SUBCASE("two: the present sending may have done something") {
      r.table.on_moved(moved, {300}, "moves");
      const auto gone = r.table.expire({1'000});
      REQUIRE(gone.size() == 1);
      CHECK(gone[0].maybe_done);
    }
    SUBCASE("two, and the table is gone meanwhile: likewise") {
      const auto gone = r.table.withdraw(moved);
      REQUIRE(gone.has_value());
      CHECK(gone->in_doubt);
    }
    SUBCASE("two, but the second sending came back: nothing was done") {
      r.table.on_returned({{1}}, {}, {300}, "no owner");
      const auto gone = r.table.withdraw(moved);
      REQUIRE(gone.has_value());
      CHECK_FALSE(gone->in_doubt);
    }
  }

  TEST_CASE("logs that point at each other are followed once per pause") {
    requests r;
    CHECK(r.table.may_follow({5}));
    CHECK_FALSE(r.table.may_follow({5}));
    CHECK_FALSE(r.table.may_follow({5 + request_table::retry_ms - 1}));
    CHECK(r.table.may_follow({5 + request_table::retry_ms}));
  }

  TEST_CASE("a repeated write that finds its table dropped may have been done before") {
    requests r;
    r.write("a");
    r.write("b");
    CHECK(r.sequences({0}) == numbers{1, 2});
    const answer of_a{false, {1}, {outcome_code::dropped, {}}};
    const auto sure = r.table.withdraw(of_a);
    REQUIRE(sure.has_value());
    CHECK_FALSE(sure->in_doubt);
    r.table.on_tick({request_table::repeat_ms});
    CHECK(r.sequences({request_table::repeat_ms}) == numbers{2});
    const auto doubtful = r.table.withdraw({false, {2}, {outcome_code::dropped, {}}});
    REQUIRE(doubtful.has_value());
    CHECK(doubtful->in_doubt);
    CHECK(r.table.size() == 0);
  }
}
