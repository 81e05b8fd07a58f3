// Mistakes that the simulator found and that random seeds reach too rarely to stand guard: the same
// situation, played by hand.
#include <doctest/doctest.h>

#include "tests/support/owner_bench.hpp"
#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

TEST_SUITE("core/storm_findings") {
  TEST_CASE("a newer ballot's commit notice does not make an older one forgotten") {
    // A candidate with a higher ballot speaks of slot 1 only; the owner that this node follows got
    // slots 1 and 2 chosen. Its own copy waited for slot 2 for ever.
    const ballot owner = ballot_of(2, 1);
    const ballot candidate = ballot_of(3, 2);
    replica_bench b;
    b.step(proc(1, 1), accept_of(owner, 1, {put_entry(1), put_entry(2)}));
    b.step(proc(1, 1), commit_of(owner, 1));
    b.step(proc(2), commit_of(candidate, 2));
    CHECK(b->watermark() == slot{1});  // the votes are of another ballot
    b.step(proc(1, 1), commit_of(owner, 2));
    CHECK(b->watermark() == slot{2});
  }

  TEST_CASE("an owner ends when somebody else got its wanted epoch chosen first") {
    // The refusal names the epoch of the configuration in flight, but nobody was told of that one:
    // it is another one with the same number. The owner repeated its proposal for ever.
    owner_bench b;
    b.serve();
    configuration next = three_nodes();
    next.epoch = {2};
    next.parent = {1};
    next.fn = 0;
    b.reconfigure(next);
    for (std::uint64_t node = 1; node <= 3; ++node) b.promise(node);
    REQUIRE(b->state() == stage::switching);
    CHECK(b.nack(3, nack_reason::epoch_below, b->by(), 2).over);
  }
}
