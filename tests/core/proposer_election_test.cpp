// Phase 1 of an owner and the recovery of what earlier owners left (consensus.md §4): nothing is
// proposed before Q1, nothing chosen is overwritten, nobody is served before recovery is done.
#include <doctest/doctest.h>

#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

accepted_entry voted(std::uint64_t at, ballot by, const entry& value) {
  return {{at}, by, value};
}

entry put_entry(std::uint64_t n) {
  return batch_of(n, put(proc(9), n, "k", std::to_string(n)));
}

}  // namespace

TEST_SUITE("core/proposer_election") {
  TEST_CASE("the own replica promises first; nobody else hears of the ballot before") {
    owner_bench b;
    CHECK(b->by() == ballot_of(5, 1));
    CHECK(receivers<prepare>(b.first.send) == nodes{1});
    CHECK(messages_to<prepare>(b.first.send).at(0).from == slot{1});
    CHECK(b->state() == stage::promising);
    b.promise(2);
    b.promise(3);
    CHECK(b->state() == stage::promising);
    b.at(500);
    CHECK(receivers<prepare>(b.tick().send) == nodes{1});
    const auto out = b.promise(1);
    CHECK(receivers<prepare>(out.send) == nodes{2, 3});
    CHECK(messages_to<prepare>(out.send).at(0).by == ballot_of(5, 1));
    CHECK(b->state() == stage::electing);
  }

  TEST_CASE("a promise of the own node's former process counts for nothing") {
    owner_bench b;
    proposer_effects out;
    b->on_promise(proc(1, 7), {table_log, b->by(), {}, {1}, {}}, {owner_bench::start, {}}, out);
    CHECK(b->state() == stage::promising);
    CHECK(out.send.empty());
  }

  TEST_CASE("only reachable seats are asked, and asked again while they are silent") {
    owner_bench b;
    b.reachable({{1}, {3}});
    CHECK(receivers<prepare>(b.promise(1).send) == nodes{3});
    b.at(399);
    CHECK(receivers<prepare>(b.tick().send).empty());
    b.reachable({{1}, {2}, {3}});
    b.at(400);
    CHECK(receivers<prepare>(b.tick().send) == nodes{2, 3});
  }

  TEST_CASE("without Q1 nothing is proposed, however often one node promises") {
    owner_bench b(grid({{"ap", 1}, {"eu", 1}, {"us", 1}}, 0, 0));  // Q1: all three zones
    b.promise(1);
    for (int i = 0; i < 3; ++i)
      CHECK(accepts(b.promise(2, 0, {voted(1, ballot_of(1, 2), put_entry(1))})).empty());
    CHECK(b->state() == stage::electing);
    CHECK(accepts(b.promise(3)).size() == 1);
    CHECK(b->state() == stage::recovering);
  }

  TEST_CASE("promises of nodes without a seat and of other ballots are not counted") {
    owner_bench b;
    b.promise(1);
    b.promise(8);
    proposer_effects out;
    b->on_promise(proc(2), {table_log, ballot_of(4, 1), {}, {1}, {}}, {owner_bench::start, {}},
                  out);
    CHECK(b->state() == stage::electing);
    b.promise(2);
    CHECK(b->state() == stage::serving);
  }

  TEST_CASE("the first confirm goes out as soon as an empty log is won") {
    owner_bench b;
    b.promise(1);
    const auto out = b.promise(3);
    CHECK(receivers<accept>(out.send) == nodes{1, 2, 3});
    const auto m = the_accept(out);
    CHECK(m.entries.empty());
    CHECK(m.by == ballot_of(5, 1));
    CHECK(m.first == slot{1});
  }

  TEST_CASE("silence ends the attempt after a while and gives back what waits") {
    owner_bench b;
    b.promise(1);
    CHECK(b.put_one().unproposed.empty());
    b.at(5'000);
    CHECK_FALSE(b.tick().over);
    b.at(5'500);
    const auto out = b.tick();
    CHECK(out.over);
    CHECK(out.seen == ballot_of(5, 1));
    CHECK(out.why == "ownership moved");
    CHECK(out.unproposed.size() == 1);
    CHECK(b->state() == stage::over);
  }

  TEST_CASE("a candidate of an older configuration goes on with the newer one that it is sent") {
    owner_bench b;
    b.promise(1);
    CHECK_FALSE(b.nack(2, nack_reason::epoch_below, ballot_of(4, 2), 2).over);
    const auto out = b.applied(1, grid({{"eu", 4}}, 1, 0, 2));
    CHECK_FALSE(out.over);
    for (const auto& m : messages_to<prepare>(out.send, 2)) CHECK(m.epoch == config_epoch{2});
    CHECK(messages_to<prepare>(out.send, 2).size() == 1);
    // Unless somebody with a higher ballot was there meanwhile.
    CHECK(b.nack(2, nack_reason::epoch_below, ballot_of(9, 3), 3).over);
  }

  TEST_CASE("a refusal ends the attempt and names the higher ballot") {
    owner_bench b;
    proposer_effects stale;
    b->on_nack(proc(2),
               {table_log, ballot_of(3, 1), nack_reason::ballot_below, ballot_of(9, 3), {1}},
               stale);
    CHECK_FALSE(stale.over);
    const auto out = b.nack(2, nack_reason::ballot_below, ballot_of(9, 3));
    CHECK(out.over);
    CHECK(out.seen == ballot_of(9, 3));
    const auto late = b.promise(1);
    CHECK(late.send.empty());
    CHECK(b.put_one().unproposed.size() == 1);
  }
}

TEST_SUITE("core/proposer_recovery") {
  TEST_CASE("per slot the vote of the highest ballot is proposed again, gaps become no-ops") {
    owner_bench b;
    b.promise(1, 0,
              {voted(1, ballot_of(2, 2), put_entry(1)), voted(2, ballot_of(4, 2), put_entry(2))});
    const auto out = b.promise(
        2, 0,
        {voted(1, ballot_of(3, 3), put_entry(10)), voted(2, ballot_of(1, 3), put_entry(20)),
         voted(5, ballot_of(1, 3), put_entry(50))});
    const auto sent = accepts(out);
    REQUIRE(sent.size() == 5);
    const std::vector<entry> expected{put_entry(10), put_entry(2), make_no_op(), make_no_op(),
                                      put_entry(50)};
    for (std::size_t i = 0; i < sent.size(); ++i) {
      CHECK(sent[i].first == slot{i + 1});
      CHECK(sent[i].by == b->by());
      REQUIRE(sent[i].entries.size() == 1);
      CHECK(sent[i].entries[0] == expected[i]);
    }
    CHECK(b->state() == stage::recovering);
  }

  TEST_CASE("nobody is served before everything recovered is chosen and applied") {
    owner_bench b;
    b.promise(1, 0, {voted(1, ballot_of(2, 2), put_entry(1))});
    const auto m = the_accept(b.promise(2));
    CHECK(accepts(b.put_one()).empty());
    b.vote(1, m);
    const auto out = b.vote(3, m);
    CHECK(messages_to<commit>(out.send, 1).at(0).watermark == slot{1});
    CHECK(b->state() == stage::recovering);
    CHECK(accepts(out).empty());
    const auto served = accepts(b.applied(1));
    CHECK(b->state() == stage::serving);
    REQUIRE(served.size() == 2);  // the confirm, and the command that waited
    CHECK(served[1].first == slot{2});
  }

  TEST_CASE("serving waits for the own replica to have applied all of it") {
    owner_bench b;
    b.promise(1, 0,
              {voted(1, ballot_of(2, 2), put_entry(1)), voted(2, ballot_of(2, 2), put_entry(2))});
    for (const auto& m : accepts(b.promise(2))) {
      b.vote(1, m);
      b.vote(2, m);
    }
    CHECK(b->chosen() == slot{2});
    CHECK(accepts(b.applied(1)).empty());
    CHECK(b->state() == stage::recovering);
    b.applied(2);
    CHECK(b->state() == stage::serving);
  }

  TEST_CASE("what others hold as chosen is fetched, not guessed") {
    owner_bench b;
    b.promise(1, 0, {voted(1, ballot_of(1, 2), put_entry(1))});
    const auto out = b.promise(3, 7, {voted(9, ballot_of(3, 3), put_entry(9))});
    REQUIRE(out.fetch.has_value());
    CHECK(out.fetch->source == node_id{3});
    CHECK(out.fetch->upto == slot{7});
    CHECK(accepts(out).empty());
    CHECK(accepts(b.applied(6)).empty());
    const auto sent = accepts(b.applied(7));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].first == slot{8});
    CHECK(sent[0].entries.at(0) == make_no_op());
    CHECK(sent[1].entries.at(0) == put_entry(9));
  }

  TEST_CASE("a promise that comes after Q1 changes no value that was sent") {
    owner_bench b;
    b.promise(1, 0, {voted(1, ballot_of(1, 2), put_entry(1))});
    const auto m = the_accept(b.promise(2));
    CHECK(accepts(b.promise(3, 0, {voted(1, ballot_of(3, 3), put_entry(3))})).empty());
    b.at(400);
    const auto again = messages_to<accept>(b.tick().send, 2);
    REQUIRE(again.size() == 1);
    CHECK(again[0].entries == m.entries);
  }

  TEST_CASE("votes at or below what is applied are not proposed again") {
    owner_bench b(three_nodes(), 3);
    CHECK(messages_to<prepare>(b.first.send).at(0).from == slot{4});
    b.promise(1, 3);
    const auto out = b.promise(
        2, 2, {voted(3, ballot_of(1, 2), put_entry(3)), voted(4, ballot_of(1, 2), put_entry(4))});
    CHECK(the_accept(out).first == slot{4});
  }

  TEST_CASE("new batches are stamped above recovered ones") {
    owner_bench b;
    b.promise(1, 0, {voted(1, ballot_of(1, 2), batch_of(90'000, put(proc(9), 77, "k", "v")))});
    b.choose(the_accept(b.promise(2)));
    CHECK(decode_batch(the_accept(b.put_one()).entries.at(0))->when == stamp{90'001});
  }

  TEST_CASE("an owner whose replica learns more than it proposed was beaten") {
    owner_bench b;
    b.serve();
    const auto out = b.applied(1);
    CHECK(out.over);
    CHECK(out.seen == b->by());
  }
}

TEST_SUITE("core/proposer_recovered_configuration") {
  // Five nodes with fn=2: Q1 and Q2 are three, so the promises of 1 and 2 do not do.
  const configuration five = grid({{"eu", 5}}, 2, 0, 2);

  TEST_CASE("above a recovered configuration nothing is proposed before Q1 of the new one") {
    owner_bench b;
    b.promise(1, 0,
              {voted(1, ballot_of(2, 2), make_configuration_entry(five)),
               voted(2, ballot_of(2, 2), put_entry(2))});
    const auto m = the_accept(b.promise(2));
    CHECK(m.epoch == config_epoch{1});
    CHECK(b->state() == stage::switching);
    b.reachable({{1}, {2}, {3}, {4}, {5}});
    b.vote(1, m);
    b.vote(2, m);
    const auto out = b.applied(1, five);
    CHECK(accepts(out).empty());
    CHECK(receivers<prepare>(out.send) == nodes{3, 4, 5});
    CHECK(b->state() == stage::electing);
    const auto recovered = b.promise(4, 1, {voted(2, ballot_of(3, 4), put_entry(22))});
    CHECK(receivers<accept>(recovered.send) == nodes{1, 2, 3, 4, 5});
    const auto above = the_accept(recovered);
    CHECK(above.first == slot{2});
    CHECK(above.epoch == config_epoch{2});
    CHECK(above.entries.at(0) == put_entry(22));  // the higher ballot's value, seen only now
    b.vote(1, above);
    b.vote(2, above);
    CHECK(b->chosen() == slot{1});  // two of five are no Q2
    b.vote(5, above);
    CHECK(b->chosen() == slot{2});
    b.applied(2);
    CHECK(b->state() == stage::serving);
  }

  TEST_CASE("a configuration learned while catching up needs its Q1 too") {
    owner_bench b;
    b.promise(1);
    REQUIRE(b.promise(2, 1).fetch.has_value());
    b.reachable({{1}, {2}, {3}, {4}, {5}});
    const auto out = b.applied(1, five);
    CHECK(receivers<prepare>(out.send) == nodes{3, 4, 5});
    CHECK(b->state() == stage::electing);
    b.promise(5, 1);
    CHECK(b->state() == stage::serving);
    CHECK(b->active() == five);
  }

  TEST_CASE("a configuration on another parent is proposed again and acts on nothing") {
    owner_bench b;
    const auto leftover = grid({{"eu", 5}}, 2, 0, 9);
    b.promise(1, 0,
              {voted(1, ballot_of(2, 2), make_configuration_entry(leftover)),
               voted(2, ballot_of(2, 2), put_entry(2))});
    CHECK(accepts(b.promise(2)).size() == 2);
    CHECK(b->state() == stage::recovering);
  }
}
