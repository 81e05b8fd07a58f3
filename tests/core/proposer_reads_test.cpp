// Linearizable reads without clocks (consensus.md §5, `reads: quorum`): a read is answered only
// after Q2 has confirmed the ballot in a round that was sent after the read arrived.
#include <doctest/doctest.h>

#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

std::size_t released(const proposer_effects& out) {
  std::size_t n = 0;
  for (const auto& group : out.reads) n += group.reads.size();
  return n;
}

}  // namespace

TEST_SUITE("core/proposer_reads") {
  TEST_CASE("a read asks all seats and is released when Q2 has answered that round") {
    owner_bench b;
    b.serve();
    const auto out = b.read_one();
    CHECK(receivers<accept>(out.send) == nodes{1, 2, 3});
    CHECK(out.reads.empty());
    const auto m = the_accept(out);
    CHECK(m.entries.empty());
    CHECK(released(b.vote(1, m)) == 0);
    CHECK(released(b.vote(1, m)) == 0);
    CHECK(released(b.vote(8, m)) == 0);  // no seat, no say
    const auto done = b.vote(3, m);
    REQUIRE(done.reads.size() == 1);
    CHECK(done.reads[0].applied_min == slot{});
    CHECK(done.reads[0].reads.at(0).ticket == sequence{1});
    CHECK(released(b.vote(2, m)) == 0);
  }

  TEST_CASE("answers to rounds sent before the read arrived do not count") {
    owner_bench b;
    const auto before = b.serve();
    const auto m = the_accept(b.read_one());
    CHECK(m.round > before.round);
    for (const std::uint64_t node : {1, 2, 3}) CHECK(released(b.vote(node, before)) == 0);
    b.vote(1, m);
    CHECK(released(b.vote(2, m)) == 1);
  }

  TEST_CASE("a read waits for every slot chosen before it arrived to be applied") {
    owner_bench b;
    b.serve();
    const auto w = the_accept(b.put_one());
    b.vote(1, w);
    b.vote(2, w);
    const auto m = the_accept(b.read_one());
    b.vote(1, m);
    const auto done = b.vote(2, m);
    REQUIRE(done.reads.size() == 1);
    CHECK(done.reads[0].applied_min == slot{1});
  }

  TEST_CASE("a write that is proposed after the read arrived confirms it on the way") {
    owner_bench b;
    b.serve();
    for (int i = 0; i < 2; ++i) CHECK(accepts(b.read_one()).size() == 1);
    CHECK(accepts(b.read_one()).empty());  // two confirms are out
    const auto w = the_accept(b.put_one());
    b.vote(1, w);
    CHECK(released(b.vote(2, w)) == 3);
  }

  TEST_CASE("two confirms are in the air at most; reads that wait share the next one") {
    owner_bench b;
    b.serve();
    const auto one = the_accept(b.read_one());
    const auto two = the_accept(b.read_one());
    for (int i = 0; i < 5; ++i) CHECK(accepts(b.read_one()).empty());
    b.vote(1, one);
    const auto out = b.vote(2, one);
    CHECK(released(out) == 1);
    const auto three = the_accept(out);
    CHECK(three.round > two.round);
    b.vote(1, two);
    CHECK(released(b.vote(2, two)) == 1);
    b.vote(1, three);
    CHECK(released(b.vote(2, three)) == 5);
  }

  TEST_CASE("a later round confirms earlier reads too") {
    owner_bench b;
    b.serve();
    b.read_one();
    const auto two = the_accept(b.read_one());
    b.vote(1, two);
    CHECK(released(b.vote(3, two)) == 2);
  }

  TEST_CASE("no read is released before recovery is done") {
    owner_bench b;
    b.promise(1, 0, {{{1}, ballot_of(1, 2), make_no_op()}});
    b.read_one();
    const auto m = the_accept(b.promise(2));
    b.read_one();
    CHECK(released(b.vote(1, m)) == 0);
    CHECK(released(b.vote(2, m)) == 0);
    CHECK(released(b.vote(3, m)) == 0);
    const auto served = b.applied(1);
    CHECK(released(served) == 0);
    const auto confirm = the_accept(served);
    CHECK(released(b.vote(1, confirm)) + released(b.vote(2, confirm)) == 2);
  }

  TEST_CASE("a confirm that nobody answers is asked again") {
    owner_bench b;
    b.serve();
    b.read_one();
    b.at(399);
    CHECK(accepts(b.tick()).empty());
    b.at(400);
    const auto again = the_accept(b.tick());
    CHECK(again.entries.empty());
    b.vote(2, again);
    CHECK(released(b.vote(3, again)) == 1);
  }

  TEST_CASE("reads come back when no commit quorum is reachable") {
    owner_bench b;
    b.serve();
    b.read_one();
    const auto out = b.reachable({{2}});
    CHECK(out.unread.size() == 1);
    CHECK(out.why == "commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3");
  }

  TEST_CASE("who comes back is told at once whom to follow") {
    owner_bench b;
    b.serve();
    b.reachable({{1}, {2}});
    CHECK(accepts(b.reachable({{1}, {2}})).empty());
    const auto out = b.reachable({{1}, {2}, {3}});
    CHECK(messages_to<accept>(out.send, 3).size() == 1);
    CHECK(messages_to<accept>(out.send, 3)[0].entries.empty());
  }

  TEST_CASE("on a grid the confirm needs Q2 of the grid") {
    owner_bench b(grid({{"ap", 1}, {"eu", 1}, {"us", 1}}, 0, 1));
    b.serve();
    const auto m = the_accept(b.read_one());
    CHECK(released(b.vote(2, m)) == 0);
    CHECK(released(b.vote(3, m)) == 1);
  }
}
