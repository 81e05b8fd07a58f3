// Phase 2 of an owner (consensus.md §4): batches, the window of rounds in flight, votes, repeats,
// and the honest answer when a commit quorum is out of reach (§2).
#include <doctest/doctest.h>

#include <deque>

#include "core/blob_manifest.hpp"
#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;
using nodes = std::vector<std::uint64_t>;

namespace {

decoded_batch batch_in(const accept& m) {
  REQUIRE(m.entries.size() == 1);
  auto batch = decode_batch(m.entries[0]);
  REQUIRE(batch.has_value());
  return std::move(*batch);
}

std::vector<command> chunks(std::uint64_t first, std::size_t count) {
  const std::string bytes(chunk_bytes, 'c');
  auto chunk = put(proc(9), 0, "k", encode(chunk_put{1, std::string(hash_bytes, 'n'), bytes}));
  chunk.what = operation::put_chunk;
  std::vector<command> out;
  for (std::uint64_t s = first; s < first + count; ++s) {
    out.push_back(chunk);
    out.back().seq = sequence{s};
  }
  return out;
}

/// An owner that serves with an empty log.
struct serving_bench : owner_bench {
  explicit serving_bench(configuration c = three_nodes()) : owner_bench(std::move(c)) { serve(); }
};

}  // namespace

TEST_SUITE("core/proposer_batching") {
  TEST_CASE("a command goes to the own replica first, then to every reachable seat") {
    serving_bench b;
    CHECK(receivers<accept>(b.put_one().send) == nodes{1, 2, 3});
    b.reachable({{1}, {3}});
    CHECK(receivers<accept>(b.put_one().send) == nodes{1, 3});
  }

  TEST_CASE("a slot is chosen by the votes of Q2, each node counted once") {
    serving_bench b(grid({{"eu", 5}}, 2, 0));
    const auto m = the_accept(b.put_one());
    for (const std::uint64_t node : {1, 1, 8, 2, 2}) b.vote(node, m);
    CHECK(b->chosen() == slot{});
    const auto out = b.vote(5, m);
    CHECK(b->chosen() == slot{1});
    CHECK(receivers<commit>(out.send) == nodes{1});
    CHECK(messages_to<commit>(out.send).at(0).watermark == slot{1});
  }

  TEST_CASE("votes for another ballot are not counted") {
    serving_bench b;
    auto m = the_accept(b.put_one());
    b.vote(1, m);
    m.by = ballot_of(4, 1);
    b.vote(2, m);
    CHECK(b->chosen() == slot{});
  }

  TEST_CASE("votes may come in any order, the watermark rises in slot order") {
    serving_bench b;
    const auto first = the_accept(b.put_one());
    const auto second = the_accept(b.put_one());
    b.vote(1, second);
    b.vote(3, second);
    CHECK(b->chosen() == slot{});
    b.vote(3, first);
    b.vote(1, first);
    CHECK(b->chosen() == slot{2});
  }

  TEST_CASE("four rounds are in flight; what queues up meanwhile becomes one slot") {
    serving_bench b;
    std::vector<accept> flying;
    for (int i = 0; i < 4; ++i) flying.push_back(the_accept(b.put_one()));
    for (int i = 0; i < 10; ++i) CHECK(accepts(b.put_one()).empty());
    CHECK(b->queued() == 10);
    b.vote(1, flying[0]);
    const auto m = the_accept(b.vote(2, flying[0]));
    CHECK(m.first == slot{5});
    CHECK(m.watermark == slot{1});
    const auto batch = batch_in(m);
    REQUIRE(batch.commands.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) CHECK(batch.commands[i].seq == sequence{5 + i});
    CHECK(b->queued() == 0);
  }

  TEST_CASE("a batch holds 1000 commands at most") {
    serving_bench b;
    std::vector<command> many;
    for (std::uint64_t s = 1; s <= 2'500; ++s) many.push_back(put(proc(9), s, "k", "v"));
    const auto sent = accepts(b.commands(many));
    REQUIRE(sent.size() == 3);
    CHECK(batch_in(sent[0]).commands.size() == 1'000);
    CHECK(batch_in(sent[2]).commands.size() == 500);
  }

  TEST_CASE("a batch stops growing at a mebibyte, a larger command still goes") {
    serving_bench b;
    const std::string big(700'000, 'x');
    std::vector<command> many{put(proc(9), 1, "k", std::string(3'000'000, 'y'))};
    for (std::uint64_t s = 2; s <= 4; ++s) many.push_back(put(proc(9), s, "k", big));
    const auto sent = accepts(b.commands(many));
    REQUIRE(sent.size() == 3);
    CHECK(batch_in(sent[0]).commands.size() == 1);
    CHECK(batch_in(sent[1]).commands.size() == 2);
    CHECK(batch_in(sent[2]).commands.size() == 1);
  }

  TEST_CASE("a chunk of a large value goes with the little that is there, or by itself") {
    serving_bench b;
    const auto chunk = chunks(2, 1)[0];
    const auto sent =
        accepts(b.commands({put(proc(9), 1, "k", "v"), chunk, put(proc(9), 3, "k", "v")}));
    REQUIRE(sent.size() == 1);
    CHECK(batch_in(sent[0]).commands.size() == 3);
    serving_bench other;
    const auto large =
        accepts(other.commands({put(proc(9), 1, "k", std::string(20'000, 'v')), chunk}));
    REQUIRE(large.size() == 2);
    CHECK(batch_in(large[0]).commands.size() == 1);
  }

  TEST_CASE("chunks that take no longer are 24 in flight, those that wait for each other one") {
    for (const std::uint64_t trip : {0, 150}) {
      CAPTURE(trip);
      serving_bench b;
      std::deque<accept> flying;
      const auto fly = [&](const proposer_effects& out) {
        const auto sent = accepts(out);
        flying.insert(flying.end(), sent.begin(), sent.end());
        return sent.size();
      };
      const auto choose = [&] {
        const auto m = flying.front();
        flying.pop_front();
        const auto sent = fly(b.vote(1, m));
        return sent + fly(b.vote(2, m));
      };
      std::uint64_t now = 1'000;
      b.at(now);
      CHECK(fly(b.commands(chunks(1, 200))) == 2);
      while (flying.size() < 24) {
        b.at(now += trip);
        for (auto n = flying.size(); n > 0; --n) {
          const std::size_t grows = flying.size() < 24 ? 1 : 0;
          CHECK(choose() == 1 + grows);
        }
      }
      b.at(now += trip);
      for (int i = 0; i < 24; ++i) CHECK(choose() == 1);
      // Now the line is full.
      for (int i = 0; i < 100; ++i) {
        b.at(now += 2 * trip + 20);
        choose();
      }
      CHECK(flying.size() <= 2);
    }
  }

  TEST_CASE("a chunk that is sent again is as old as it is") {
    serving_bench b;
    std::deque<accept> flying;
    const auto fly = [&](const proposer_effects& out) {
      const auto sent = accepts(out);
      flying.insert(flying.end(), sent.begin(), sent.end());
    };
    const auto choose = [&] {
      const auto m = flying.front();
      flying.pop_front();
      fly(b.vote(1, m));
      fly(b.vote(2, m));
    };
    std::uint64_t now = 1'000;
    b.at(now);
    fly(b.commands(chunks(1, 100)));
    REQUIRE(flying.size() == 2);
    b.at(now += 450);
    CHECK(accepts(b.tick()).size() == 2);  // again
    b.at(now += 10);
    choose();
    choose();
    // The way takes 150 ms, which is no longer than what was seen: the window grows.
    while (flying.size() < 24) {
      const auto before = flying.size();
      b.at(now += 150);
      for (auto n = before; n > 0; --n) choose();
      REQUIRE(flying.size() > before);
    }
  }

  TEST_CASE("chunks beside them take no rounds from small commands where quorums are far") {
    serving_bench b;
    std::uint64_t seq = 1'000;
    std::uint64_t now = 1'000;
    b.at(now);
    CHECK(accepts(b.commands(chunks(1, 50))).size() == 2);
    for (int i = 0; i < 60; ++i) {
      b.at(now += 2);
      CHECK(accepts(b.commands({put(proc(9), ++seq, "k", "v")})).size() == 1);
    }
  }

  TEST_CASE("small commands have their four rounds beside chunks, and wait behind none") {
    serving_bench b;
    CHECK(accepts(b.commands(chunks(1, 4))).size() == 2);
    for (std::uint64_t s = 5; s < 9; ++s)
      CHECK(accepts(b.commands({put(proc(9), s, "k", "v")})).size() == 1);
    CHECK(accepts(b.commands({put(proc(9), 9, "k", "v")})).empty());
    CHECK(b->queued() == 3);
    serving_bench mixed;
    std::vector<command> pairs;
    for (std::uint64_t s = 1; s <= 200; s += 2) {
      pairs.push_back(put(proc(9), s, "k", "v"));
      pairs.push_back(chunks(s + 1, 1)[0]);
    }
    // All that is small at once, and as many chunks as the window has.
    CHECK(accepts(mixed.commands(pairs)).size() == 2);
    CHECK(mixed->queued() == 98);
  }

  TEST_CASE("where quorums are far a chunk does not hold up the small commands behind it") {
    serving_bench b;
    std::uint64_t seq = 0;
    std::uint64_t now = 1'000;
    const auto one = [&] { return put(proc(9), ++seq, "k", "v"); };
    // Many small rounds are in flight, more than chunks may be.
    for (int i = 0; i < 50; ++i) {
      b.at(now += 2);
      REQUIRE(accepts(b.commands({one()})).size() == 1);
    }
    b.at(now += 2);
    CHECK(accepts(b.commands(chunks(++seq, 1))).size() == 1);
    b.at(now += 2);
    CHECK(accepts(b.commands({one()})).size() == 1);
  }

  TEST_CASE("stamps rise by one at least, whatever the wall clock does") {
    serving_bench b;
    b.wall(1'000);
    CHECK(batch_in(the_accept(b.put_one())).when == stamp{1'000});
    CHECK(batch_in(the_accept(b.put_one())).when == stamp{1'001});
    b.wall(400);
    CHECK(batch_in(the_accept(b.put_one())).when == stamp{1'002});
    b.wall(5'000);
    CHECK(batch_in(the_accept(b.put_one())).when == stamp{5'000});
  }

  TEST_CASE("an overloaded owner gives new commands back and keeps the old ones") {
    serving_bench b;
    for (int i = 0; i < 4; ++i) b.put_one();
    std::vector<command> many(65'536, put(proc(9), 50, "k", "v"));
    CHECK(b.commands(many).unproposed.empty());
    const auto out = b.put_one();
    CHECK(out.unproposed.size() == 1);
    CHECK(out.why == "the owner is overloaded");
    CHECK(b->queued() == 65'536);
  }

  TEST_CASE("followers hear the watermark soon after the log falls idle") {
    serving_bench b;
    b->on_followers({{7}, {8}});
    b.reachable({{1}, {2}, {3}, {7}});
    const auto m = the_accept(b.put_one());
    b.vote(1, m);
    b.vote(2, m);
    b.at(100);
    const auto out = b.tick();
    CHECK(receivers<commit>(out.send) == nodes{2, 3, 7});
    CHECK(messages_to<commit>(out.send, 7).at(0).watermark == slot{1});
    CHECK(messages_to<commit>(out.send, 7).at(0).by == b->by());
  }
}

TEST_SUITE("core/proposer_repeats") {
  TEST_CASE("an unanswered accept is repeated to those who have not voted, value unchanged") {
    serving_bench b;
    const auto m = the_accept(b.put_one());
    b.vote(3, m);
    b.at(399);
    CHECK(receivers<accept>(b.tick().send).empty());
    b.at(400);
    const auto out = b.tick();
    CHECK(receivers<accept>(out.send) == nodes{1, 2});
    const auto again = the_accept(out);
    CHECK(again.first == m.first);
    CHECK(again.entries == m.entries);
    CHECK(again.round > m.round);
    b.at(500);
    CHECK(receivers<accept>(b.tick().send).empty());
    b.vote(1, m);  // an answer to the first sending counts as well
    CHECK(b->chosen() == slot{1});
  }

  TEST_CASE("repeats go on while the answer is missing, to reachable nodes only") {
    serving_bench b;
    b.put_one();
    b.reachable({{1}, {3}});
    for (const std::uint64_t ms : {400, 800, 1'200}) {
      b.at(ms);
      CHECK(receivers<accept>(b.tick().send) == nodes{1, 3});
    }
  }

  TEST_CASE("a late vote for a slot that is chosen already changes nothing") {
    serving_bench b;
    const auto m = the_accept(b.put_one());
    b.choose(m);
    const auto next = the_accept(b.put_one());
    CHECK(next.first == slot{2});
    b.vote(3, m);
    b.vote(3, m);
    CHECK(b->chosen() == slot{1});
  }
}

TEST_SUITE("core/proposer_gives_back") {
  TEST_CASE("without a reachable commit quorum nothing is started and the reason is told") {
    serving_bench b;
    b.reachable({{1}});
    const auto out = b.put_one();
    CHECK(accepts(out).empty());
    REQUIRE(out.unproposed.size() == 1);
    CHECK(out.unproposed[0].row == "k");
    CHECK(out.why == "commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3");
    CHECK_FALSE(out.over);
    CHECK(b.read_one().unread.size() == 1);
  }

  TEST_CASE("what is in flight when the quorum goes is kept, what is queued comes back") {
    serving_bench b;
    std::vector<accept> flying;
    for (int i = 0; i < 4; ++i) flying.push_back(the_accept(b.put_one()));
    b.put_one("queued");
    const auto out = b.reachable({{1}});
    REQUIRE(out.unproposed.size() == 1);
    CHECK(out.unproposed[0].row == "queued");
    b.reachable({{1}, {2}});
    b.vote(1, flying[0]);
    b.vote(2, flying[0]);
    CHECK(b->chosen() == slot{1});
  }

  TEST_CASE("while it still recovers, an owner without quorum gives back at the next tick") {
    owner_bench b;
    b.promise(1, 0, {{{1}, ballot_of(1, 2), make_no_op()}});
    b.promise(2);
    REQUIRE(b->state() == stage::recovering);
    CHECK(b.put_one().unproposed.empty());
    b.reachable({{1}});
    const auto out = b.tick();
    CHECK(out.unproposed.size() == 1);
    CHECK(out.why == "commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3");
    CHECK(b->state() == stage::recovering);
  }

  TEST_CASE("health never changes how many are enough") {
    serving_bench b;
    const auto m = the_accept(b.put_one());
    b.reachable({{1}});
    b.vote(1, m);
    CHECK(b->chosen() == slot{});
    b.vote(3, m);  // unreachable by the books, but it did vote
    CHECK(b->chosen() == slot{1});
  }

  TEST_CASE("a refusal ends the tenure; proposed commands are not given back") {
    serving_bench b;
    for (int i = 0; i < 4; ++i) b.put_one("flying");
    b.put_one("queued");
    b.read_one();
    const auto out = b.nack(2, nack_reason::ballot_below, ballot_of(6, 3));
    CHECK(out.over);
    CHECK(out.seen == ballot_of(6, 3));
    REQUIRE(out.unproposed.size() == 1);
    CHECK(out.unproposed[0].row == "queued");
    CHECK(out.unread.size() == 1);
    CHECK(out.why == "ownership moved");
    b.at(1'000);
    CHECK(b.tick().send.empty());
    CHECK(b.put_one().why == "ownership moved");
  }

  TEST_CASE("a refusal because the ballot was handed on ends the tenure") {
    serving_bench b;
    CHECK(b.nack(2, nack_reason::generation_below, b->by()).over);
  }
}
