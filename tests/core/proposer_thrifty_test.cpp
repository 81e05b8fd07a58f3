// A thrifty owner (consensus.md §2): the nearest Q2 is asked first, the others get everything a
// moment later, and everybody is asked as soon as the near ones are late or gone.
#include <doctest/doctest.h>

#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

/// Node 1 owns the log, node 3 is near, node 2 is far.
struct thrifty_bench : owner_bench {
  thrifty_bench() {
    const auto confirm = serve();
    vote(1, confirm);
    vote(2, confirm);
    proposer_effects out;
    clock_reading at{start, {500}};
    (**this).on_nearness({{{2}, 90'000}, {{3}, 1'000}}, at, out);
  }
};

}  // namespace

TEST_SUITE("core/proposer_thrifty") {
  TEST_CASE("a slot goes to the nearest Q2, and a tenth of a second later to the others as one") {
    thrifty_bench b;
    const auto first = b.put_one();
    CHECK(receivers<accept>(first.send) == nodes{1, 3});
    for (const std::uint64_t voter : {1, 3}) b.vote(voter, the_accept(first));
    CHECK(b->chosen() == slot{1});
    const auto second = b.put_one();
    for (const std::uint64_t voter : {1, 3}) b.vote(voter, the_accept(second));
    CHECK(b->chosen() == slot{2});
    b.at(100);
    const auto later = b.tick();
    const auto sent = messages_to<accept>(later.send, 2);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].first == slot{1});
    CHECK(sent[0].entries.size() == 2);
    CHECK(sent[0].entries[1] == the_accept(second).entries[0]);
    CHECK(sent[0].watermark == slot{2});
    CHECK(messages_to<accept>(later.send, 3).empty());
  }

  TEST_CASE("a move tells those who are told late, for the target may be one of them") {
    thrifty_bench b;
    const auto first = b.put_one();
    proposer_effects out;
    b->on_move({2}, {owner_bench::start, {}}, out);
    const auto sent = messages_to<accept>(out.send, 2);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].entries == the_accept(first).entries);
  }

  TEST_CASE("near ones that are late are not waited for") {
    thrifty_bench b;
    const auto first = b.put_one();
    b.vote(1, the_accept(first));
    b.at(50);
    const auto sent = messages_to<accept>(b.tick().send, 2);
    REQUIRE(sent.size() == 1);
    b.vote(2, sent[0]);
    CHECK(b->chosen() == slot{1});
    // For a while everybody is asked at once.
    CHECK(receivers<accept>(b.put_one().send) == nodes{1, 2, 3});
  }

  TEST_CASE("a near one that is gone is replaced, and what he was asked others are asked") {
    thrifty_bench b;
    const auto first = b.put_one();
    CHECK(receivers<accept>(first.send) == nodes{1, 3});
    CHECK(messages_to<accept>(b.reachable({{1}, {2}}).send, 2).size() >= 1);
    CHECK(receivers<accept>(b.put_one().send) == nodes{1, 2});
  }

  TEST_CASE("reads are confirmed by the nearest Q2, or by whoever answers when it is late") {
    thrifty_bench b;
    CHECK(receivers<accept>(b.read_one().send) == nodes{1, 3});
    b.at(50);
    const auto again = b.tick();
    CHECK(receivers<accept>(again.send) == nodes{1, 2, 3});
    b.vote(1, the_accept(again));
    CHECK(b.vote(2, the_accept(again)).reads.size() == 1);
  }

  TEST_CASE("before a configuration changes everybody has everything") {
    thrifty_bench b;
    b.put_one();
    auto next = three_nodes();
    next.epoch = {2};
    next.parent = {1};
    next.fn = 0;
    b.reconfigure(next);
    const auto sent = messages_to<accept>(b.tick().send, 2);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].first == slot{1});
  }

  TEST_CASE("without distances everybody is asked at once") {
    owner_bench b;
    b.serve();
    CHECK(receivers<accept>(b.put_one().send) == nodes{1, 2, 3});
  }
}
