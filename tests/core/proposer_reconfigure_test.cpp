// The owner's way to another configuration (consensus.md §9): win Q1 of the new one while clients
// are served, drain, get the entry chosen under the old one, and only then propose under the new
// one.
#include <doctest/doctest.h>

#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

// Q1 and Q2 of five nodes are three each: nodes 1 and 2, who elected the owner, do not do.
const configuration five = grid({{"eu", 5}}, 2, 0, 2);

struct five_bench : owner_bench {
  five_bench() {
    serve();
    reachable({{1}, {2}, {3}, {4}, {5}});
  }
};

}  // namespace

TEST_SUITE("core/proposer_reconfigure") {
  TEST_CASE("the whole path: invite, log under the old quorum, go on under the new one") {
    five_bench b;
    CHECK(receivers<prepare>(b.reconfigure(five).send) == nodes{3, 4, 5});
    CHECK(b->state() == stage::serving);
    const auto proposed = b.promise(5);
    CHECK(accepts(b.put_one()).empty());  // window 1: nothing beside the change
    CHECK(b->state() == stage::switching);
    CHECK(receivers<accept>(proposed.send) == nodes{1, 2, 3});
    const auto m = the_accept(proposed);
    CHECK(m.epoch == config_epoch{1});
    CHECK(decode_configuration_entry(m.entries.at(0)) == five);
    b.vote(4, m);
    b.vote(5, m);
    CHECK(b->chosen() == slot{});  // new acceptors have no say in it
    b.vote(1, m);
    b.vote(3, m);
    CHECK(b->chosen() == slot{1});
    CHECK(b->active() == three_nodes());
    const auto out = b.applied(1, five);
    CHECK(b->state() == stage::serving);
    CHECK(b->active() == five);
    const auto sent = accepts(out);
    REQUIRE(sent.size() == 2);  // the confirm and the command that waited
    CHECK(sent[1].epoch == config_epoch{2});
    CHECK(sent[1].first == slot{2});
    CHECK(receivers<accept>(out.send) == nodes{1, 2, 3, 4, 5, 1, 2, 3, 4, 5});
    b.vote(1, sent[1]);
    b.vote(2, sent[1]);
    CHECK(b->chosen() == slot{1});
    b.vote(4, sent[1]);
    CHECK(b->chosen() == slot{2});
  }

  TEST_CASE("an owner that was removed goes when the log does not need its vote any more") {
    owner_bench b;
    b.serve();
    proposer_effects out;
    b->on_removed({b.start, {}}, out);
    CHECK_FALSE(out.over);  // it still has a seat
    configuration rest = grid({{"eu", 3}}, 1, 0, 2);
    std::erase_if(rest.seats, [](const acceptor_seat& s) { return s.node == node_id{1}; });
    rest.fn = 0;
    b.promise(2);
    const auto m = the_accept(b.reconfigure(rest));
    b->on_removed({b.start, {}}, out);
    CHECK_FALSE(out.over);
    b.choose(m);
    b.applied(1, rest);
    b.put_one();
    b.reachable({{1}});
    b->on_removed({b.start, {}}, out);
    CHECK(out.over);  // nobody is there who could take it
  }

  TEST_CASE("an owner that was removed hands the log to a node that votes in it") {
    owner_bench b;
    b.serve();
    b.reachable({{1}, {2}, {3}});
    configuration rest = grid({{"eu", 3}}, 1, 0, 2);
    std::erase_if(rest.seats, [](const acceptor_seat& s) { return s.node == node_id{1}; });
    rest.fn = 0;
    b.promise(2);
    b.choose(the_accept(b.reconfigure(rest)));
    b.applied(1, rest);
    proposer_effects out;
    b->on_removed({b.start, {}}, out);
    CHECK_FALSE(out.over);
    CHECK(messages_to<move_offer>(out.send, 2).size() == 1);
  }

  TEST_CASE("everything in flight is chosen first") {
    five_bench b;
    const auto flying = the_accept(b.put_one());
    CHECK(receivers<prepare>(b.reconfigure(five).send) == nodes{3, 4, 5});
    const auto beside = the_accept(b.put_one());  // an invitation stops nobody
    CHECK(beside.first == slot{2});
    CHECK(accepts(b.promise(4)).empty());
    CHECK(b->state() == stage::draining);
    CHECK(accepts(b.put_one()).empty());
    b.vote(1, flying);
    CHECK(accepts(b.vote(2, flying)).empty());
    b.vote(1, beside);
    const auto change = the_accept(b.vote(2, beside));
    CHECK(b->state() == stage::switching);
    CHECK(change.first == slot{3});
    CHECK(decode_configuration_entry(change.entries.at(0)) == five);
  }

  TEST_CASE("promises of the election count: a smaller configuration needs no invitation") {
    owner_bench b;
    b.serve();
    const auto m = the_accept(b.reconfigure(grid({{"eu", 2}}, 0, 0, 2)));
    CHECK(b->state() == stage::switching);
    CHECK(decode_configuration_entry(m.entries.at(0))->epoch == config_epoch{2});
  }

  TEST_CASE("an invitation that nobody answers stops no write, is repeated, then given up") {
    five_bench b;
    b.reconfigure(five);
    const auto m = the_accept(b.put_one());
    CHECK(m.epoch == config_epoch{1});
    CHECK(decode_batch(m.entries.at(0)).has_value());
    b.vote(1, m);
    b.vote(2, m);
    unsigned invitations = 0;
    for (std::uint64_t ms = 400; ms <= 4'000; ms += 400) {
      b.at(ms);
      if (receivers<prepare>(b.tick().send) == nodes{3, 4, 5}) ++invitations;
    }
    CHECK(invitations > 1);
    CHECK(b->state() == stage::serving);
    CHECK(b->active() == three_nodes());
    CHECK_FALSE(receivers<prepare>(b.tick().send) == nodes{3, 4, 5});
  }

  TEST_CASE("each attempt that nobody answers makes the pause before the next one longer") {
    five_bench b;
    std::vector<std::uint64_t> begun;
    for (std::uint64_t ms = 0; ms <= 20'000; ms += 50) {
      b.at(ms);
      b.tick();
      if (!b.reconfigure(five).send.empty()) begun.push_back(ms);
    }
    REQUIRE(begun.size() >= 3);
    for (std::size_t i = 2; i < begun.size(); ++i)
      CHECK(begun[i] - begun[i - 1] > begun[i - 1] - begun[i - 2]);
  }

  TEST_CASE("a promise that comes after the invitation was given up helps the next attempt") {
    five_bench b;
    b.reconfigure(five);
    for (std::uint64_t ms = 400; ms <= 4'000; ms += 400) {
      b.at(ms);
      b.tick();
    }
    REQUIRE(b->state() == stage::serving);
    CHECK(messages_to<accept>(b.promise(4).send).empty());
    CHECK(b->state() == stage::serving);
    b.reconfigure(five);
    CHECK(b->state() == stage::switching);
  }

  TEST_CASE("a change on another parent, or in the middle of another one, is ignored") {
    five_bench b;
    CHECK(b.reconfigure(grid({{"eu", 5}}, 2, 0, 3)).send.empty());
    CHECK(b->state() == stage::serving);
    b.reconfigure(five);
    CHECK(b.reconfigure(grid({{"eu", 4}}, 1, 0, 2)).send.empty());
    CHECK(decode_configuration_entry(the_accept(b.promise(3)).entries.at(0)) == five);
    owner_bench candidate;
    CHECK(candidate.reconfigure(five).send.empty());
    CHECK(candidate->state() == stage::promising);
  }

  TEST_CASE("reads confirmed under the old configuration are released, later ones wait") {
    five_bench b;
    const auto m = the_accept(b.read_one());
    b.reconfigure(five);
    b.vote(1, m);
    CHECK(b.vote(2, m).reads.size() == 1);
    const auto change = the_accept(b.promise(5));
    CHECK(accepts(b.read_one()).empty());
    b.vote(1, change);
    CHECK(b.vote(2, change).reads.empty());
    const auto confirm = the_accept(b.applied(1, five));
    b.vote(1, confirm);
    CHECK(b.vote(2, confirm).reads.empty());
    CHECK(b.vote(4, confirm).reads.size() == 1);
  }

  TEST_CASE("refusals of an epoch the owner knows are old news, a newer one ends the tenure") {
    five_bench b;
    b.reconfigure(five);
    const auto m = the_accept(b.promise(5));
    b.vote(1, m);
    b.vote(2, m);
    CHECK_FALSE(b.nack(3, nack_reason::epoch_below, b->by(), 2).over);  // chosen, not applied yet
    b.applied(1, five);
    CHECK_FALSE(b.nack(3, nack_reason::epoch_below, b->by(), 2).over);
    CHECK(b->state() == stage::serving);
    CHECK(b.nack(3, nack_reason::epoch_below, b->by(), 3).over);
  }

  TEST_CASE("a slow change does not end the tenure that made it") {
    five_bench b;
    b.reconfigure(five);
    const auto m = the_accept(b.promise(5));
    b.at(6'000);  // the old quorum was out of reach for a while
    b.vote(1, m);
    b.vote(2, m);
    CHECK_FALSE(b.applied(1, five).over);
    CHECK(b->state() == stage::serving);
  }
}
