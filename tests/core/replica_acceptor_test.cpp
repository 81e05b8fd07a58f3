// The acceptor half of a replica (consensus.md §3): what it promises, what it votes for, what it
// refuses, and that no answer leaves before the record it speaks of is durable.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "core/rng.hpp"
#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const ballot low = ballot_of(3, 2);
const ballot high = ballot_of(4, 3);

std::size_t writes_of(const replica_effects& out, record_write::kind kind) {
  return static_cast<std::size_t>(std::count_if(out.persist.begin(), out.persist.end(),
                                                [&](const auto& w) { return w.what == kind; }));
}

/// The single message of type `M` in `sent`, which holds nothing else.
template <class M>
M only(const std::vector<outgoing>& sent, std::uint64_t to) {
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == node_id{to});
  REQUIRE(std::holds_alternative<M>(sent[0].what));
  return std::get<M>(sent[0].what);
}

}  // namespace

TEST_SUITE("core/replica_acceptor") {
  TEST_CASE("a promise is written and synced, and its answer is held until then") {
    replica_bench b;
    const auto out = b.queue(proc(2), prepare_of(low));
    CHECK(out.sync);
    CHECK(out.now.empty());
    CHECK(writes_of(out, record_write::kind::promised) == 1);
    const auto p = only<promise>(out.held, 2);
    CHECK(p.by == low);
    CHECK(p.watermark == slot{});
    CHECK(p.epoch == config_epoch{1});
    CHECK(p.entries.empty());
    CHECK(b.disk().recover().promised == ballot{});
    b.write_all();
    CHECK(b.disk().recover().promised == low);
  }

  TEST_CASE("a promise is never lowered") {
    replica_bench b;
    b.step(proc(3), prepare_of(high));
    const auto out = b.queue(proc(2), prepare_of(low));
    const auto n = only<nack>(out.held, 2);
    CHECK(n.by == low);
    CHECK(n.why == nack_reason::ballot_below);
    CHECK(n.promised == high);
    CHECK(n.epoch == config_epoch{1});
    CHECK(out.persist.empty());
    CHECK(b->promised() == high);
  }

  TEST_CASE("a repeated prepare is answered again, not written again, and the holder stays") {
    replica_bench b;
    b.step(proc(2), prepare_of(low));
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    REQUIRE(b->holder() == proc(2));
    const auto out = b.queue(proc(2), prepare_of(low));
    CHECK(out.persist.empty());
    CHECK_FALSE(out.sync);
    CHECK(only<promise>(out.held, 2).entries.size() == 1);
    CHECK(b->holder() == proc(2));
  }

  TEST_CASE("a repeated answer waits for the first one's write") {
    replica_bench b;
    (void)b.queue(proc(2), prepare_of(low));
    const auto again = b.queue(proc(2), prepare_of(low));
    CHECK(again.now.empty());
    CHECK(again.held.size() == 1);
  }

  TEST_CASE("a higher promise forgets the holder") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    b.step(proc(3), prepare_of(high));
    CHECK(b->holder() == process{});
    CHECK(b->promised() == high);
  }

  TEST_CASE("a promise reports the votes from the asked slot on, each with its ballot") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1), put_entry(2), put_entry(3)}, 0));
    b.step(proc(2), commit_of(low, 1));
    CHECK(b->watermark() == slot{1});
    const auto all = only<promise>(b.queue(proc(3), prepare_of(high, 1)).held, 3);
    CHECK(all.watermark == slot{1});
    REQUIRE(all.entries.size() == 2);  // slot 1 is chosen and is fetched instead
    CHECK(all.entries[0].at == slot{2});
    CHECK(all.entries[0].by == low);
    CHECK(all.entries[0].value == put_entry(2));
    const auto some = only<promise>(b.queue(proc(3), prepare_of(high, 3)).held, 3);
    REQUIRE(some.entries.size() == 1);
    CHECK(some.entries[0].at == slot{3});
  }

  TEST_CASE("a vote is written and synced, its answer held, and its sender followed") {
    replica_bench b;
    const auto out = b.queue(proc(2), accept_of(low, 1, {put_entry(1), make_no_op()}));
    CHECK(out.sync);
    CHECK(out.now.empty());
    CHECK(writes_of(out, record_write::kind::promised) == 1);
    CHECK(writes_of(out, record_write::kind::accepted) == 2);
    const auto a = only<accepted>(out.held, 2);
    CHECK(a.by == low);
    CHECK(a.round == 1);
    CHECK(a.first == slot{1});
    CHECK(a.count == 2);
    CHECK(b->holder() == proc(2));
    CHECK(b->promised() == low);
  }

  TEST_CASE("a repeated accept is answered and not rewritten") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    auto repeat = accept_of(low, 1, {put_entry(1), put_entry(2)});
    repeat.round = 7;
    const auto out = b.queue(proc(2), repeat);
    CHECK(writes_of(out, record_write::kind::accepted) == 1);
    CHECK(only<accepted>(out.held, 2).round == 7);
    const auto third = b.queue(proc(2), repeat);
    CHECK(third.persist.empty());
    CHECK(third.held.size() == 1);
  }

  TEST_CASE("a higher ballot replaces a vote") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    b.step(proc(3), accept_of(high, 1, {put_entry(2)}));
    const auto tail = b.disk().recover().tail;
    REQUIRE(tail.size() == 1);
    CHECK(tail[0].by == high);
    CHECK(tail[0].value == put_entry(2));
  }

  TEST_CASE("an accept below the promise is refused and teaches nothing") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    b.step(proc(3), prepare_of(high));
    const auto out = b.queue(proc(2), accept_of(low, 2, {put_entry(2)}, 1));
    const auto n = only<nack>(out.held, 2);
    CHECK(n.why == nack_reason::ballot_below);
    CHECK(n.promised == high);
    CHECK(out.persist.empty());
    CHECK(b->watermark() == slot{});
    CHECK(b->holder() == process{});
  }

  TEST_CASE("an owner that was overtaken hears so from its commit notice too") {
    replica_bench b;
    b.step(proc(3), prepare_of(high));
    const auto n = only<nack>(b.queue(proc(2), commit_of(low, 0)).held, 2);
    CHECK(n.why == nack_reason::ballot_below);
    CHECK(n.by == low);
    CHECK(n.promised == high);
    CHECK(b.queue(proc(3), commit_of(high, 0)).held.empty());
    CHECK(b->holder() == proc(3));
  }

  TEST_CASE("a generation below the holder's is refused, a higher one followed") {
    replica_bench b;
    auto m = accept_of(low, 1, {put_entry(1)});
    m.gen = {2};
    b.step(proc(3), m);
    m.gen = {1};
    const auto n = only<nack>(b.queue(proc(2), m).held, 2);
    CHECK(n.why == nack_reason::generation_below);
    CHECK(n.promised == low);
    CHECK(b->holder() == proc(3));
    m.gen = {3};
    CHECK(b.queue(proc(1), m).held.size() == 1);
    CHECK(b->holder() == proc(1));
  }

  TEST_CASE("a slot that is chosen already is answered and stored no more") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, {put_entry(1)}));
    b.step(proc(2), commit_of(low, 1));
    const auto out = b.queue(proc(3), accept_of(high, 1, {put_entry(1)}));
    CHECK(writes_of(out, record_write::kind::accepted) == 0);
    CHECK(only<accepted>(out.held, 3).count == 1);
  }

  TEST_CASE("too many votes above the watermark are withheld until the copy caught up") {
    replica_bench b;
    std::vector<entry> many(8'192, make_no_op());
    b.step(proc(2), accept_of(low, 1, many));
    const auto withheld = b.queue(proc(2), accept_of(low, 8'193, {make_no_op()}));
    CHECK(withheld.held.empty());
    CHECK(withheld.now.empty());
    CHECK(withheld.persist.empty());
    b.step(proc(2), commit_of(low, 8'192));
    CHECK(b.queue(proc(2), accept_of(low, 8'193, {make_no_op()})).held.size() == 1);
  }

  TEST_CASE("a withheld vote raises no promise and changes no holder") {
    replica_bench b;
    b.step(proc(2), accept_of(low, 1, std::vector<entry>(8'192, make_no_op())));
    CHECK(b.queue(proc(3), accept_of(high, 8'193, {make_no_op()})).persist.empty());
    CHECK(b->promised() == low);
    CHECK(b->holder() == proc(2));
  }
}

TEST_SUITE("core/replica_confirm") {
  TEST_CASE("a confirm of a durable promise is answered without waiting for the store") {
    replica_bench b;
    b.step(proc(2), prepare_of(low));
    (void)b.queue(proc(2), accept_of(low, 1, {put_entry(1)}));
    const auto out = b.queue(proc(2), accept_of(low, 2, {}));
    CHECK(out.held.empty());
    CHECK(out.persist.empty());
    const auto a = only<accepted>(out.now, 2);
    CHECK(a.count == 0);
    CHECK(b->holder() == proc(2));
  }

  TEST_CASE("a confirm under a promise that is not durable waits") {
    replica_bench b;
    (void)b.queue(proc(2), prepare_of(low));
    CHECK(b.queue(proc(2), accept_of(low, 1, {})).now.empty());
    const auto raising = b.queue(proc(3), accept_of(high, 1, {}));
    CHECK(raising.now.empty());
    CHECK(raising.sync);
    CHECK(writes_of(raising, record_write::kind::promised) == 1);
    b.write_all();
    CHECK(b.queue(proc(3), accept_of(high, 1, {})).now.size() == 1);
  }

  TEST_CASE("a promise found on disk is durable") {
    replica_bench b;
    b.step(proc(2), prepare_of(low));
    b.crash();
    CHECK(b.queue(proc(2), accept_of(low, 1, {})).now.size() == 1);
  }
}

TEST_SUITE("core/replica_durability") {
  TEST_CASE("whatever was said survives a crash at any moment") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      rng random(seed);
      replica_bench b;
      ballot said;                          // highest ballot in an answer that left
      std::map<slot, accepted_entry> told;  // votes in answers that left
      const auto leave = [&](const std::vector<outgoing>& sent) {
        for (const auto& o : sent) {
          if (const auto* p = std::get_if<promise>(&o.what)) said = std::max(said, p->by);
          const auto* a = std::get_if<accepted>(&o.what);
          if (!a) continue;
          said = std::max(said, a->by);
          for (slot s = a->first; s < a->first + a->count; ++s) {
            auto& best = told[s];
            if (a->by >= best.by) best = {s, a->by, {}};
          }
        }
      };
      for (int i = 0; i < 300; ++i) {
        const auto node = 2 + random.below(2);
        const auto by = ballot_of(1 + random.below(static_cast<std::uint64_t>(i) / 20 + 2), node);
        const slot at{1 + random.below(6)};
        replica_effects out;
        if (random.chance(1, 3))
          out = b.queue(proc(node), prepare_of(by));
        else if (random.chance(1, 5))
          out = b.queue(proc(node), accept_of(by, 1, {}));
        else  // one ballot proposes one value per slot
          out = b.queue(proc(node), accept_of(by, at.value, {put_entry(by.round * 100 + node)}));
        leave(out.now);
        for (auto n = random.below(3); n > 0 && b.has_waiting(); --n) leave(b.write_one());
        if (!random.chance(1, 15)) continue;
        b.crash();
        REQUIRE(b->promised() >= said);
        std::map<slot, ballot> kept;
        for (const auto& e : b.disk().recover().tail) kept[e.at] = e.by;
        for (const auto& [s, vote] : told) REQUIRE(kept[s] >= vote.by);
      }
    }
  }

  TEST_CASE("large votes above a gap are kept up to a bound, what is needed next always") {
    replica_bench b;
    const auto by = ballot_of(3, 2);
    const entry large = batch_of(1, put(proc(9), 1, "k", std::string(8 << 20, 'x')));
    std::uint64_t kept = 0;
    for (std::uint64_t s = 2; s < 40; ++s)
      kept += b.step(proc(2), accept_of(by, s, {large})).held.empty() ? 0 : 1;
    CHECK(kept >= 8);
    CHECK(kept <= 10);
    CHECK_FALSE(b.step(proc(2), accept_of(by, 1, {large})).held.empty());
    // Applied votes make room again.
    b.step(proc(2), commit_of(by, 1 + kept));
    CHECK(b->watermark() == slot{1 + kept});
    CHECK_FALSE(b.step(proc(2), accept_of(by, 50, {large})).held.empty());
  }
}
