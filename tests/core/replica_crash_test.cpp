// Applied rows reach the disk later than votes do. Wherever a crash falls between the two, the copy
// must come to the same rows, versions and hash as one that never crashed (consensus.md §7, §11).
#include <doctest/doctest.h>

#include <algorithm>

#include "core/rng.hpp"
#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const ballot owner = ballot_of(3, 2);
constexpr std::uint64_t slots = 60;

/// Puts, erasures, repeated commands, no-ops and one configuration.
std::vector<entry> mixed_log() {
  std::vector<entry> log;
  for (std::uint64_t s = 1; s <= slots; ++s) {
    const auto row = "k" + std::to_string(s % 5);
    if (s == 31)
      log.push_back(make_configuration_entry(grid({{"eu", 4}}, 1, 0, 2)));
    else if (s % 11 == 0)
      log.push_back(make_no_op());
    else if (s % 7 == 0)
      log.push_back(batch_of(s, erase(proc(8), s, row)));
    else
      log.push_back(batch_of(s, put(proc(9), s % 4 == 0 ? s - 1 : s, row, std::to_string(s))));
  }
  return log;
}

std::uint64_t epoch_at(std::uint64_t slot_number) {
  return slot_number > 31 ? 2 : 1;
}

/// Gives `b` a random piece of the log in one of the ways that a follower learns.
void teach(replica_bench& b, const std::vector<entry>& log, rng& random) {
  const auto first = std::max<std::uint64_t>(1, b->watermark().value + random.below(4));
  if (first > slots) return;
  const auto last = std::min(slots, first + random.below(6));
  const std::vector<entry> piece{log.begin() + static_cast<long>(first - 1),
                                 log.begin() + static_cast<long>(last)};
  if (random.chance(1, 4)) {
    (void)b.queue(proc(3), chosen{table_log, {first}, piece, {slots}});
    return;
  }
  auto m = accept_of(owner, first, {}, random.chance(1, 2) ? first - 1 : 0);
  for (auto s = first; s <= last && epoch_at(s) == epoch_at(first); ++s)
    m.entries.push_back(log[s - 1]);
  m.epoch = {epoch_at(first)};
  (void)b.queue(proc(2), m);
  if (random.chance(1, 2)) (void)b.queue(proc(2), commit_of(owner, first + m.entries.size() - 1));
}

}  // namespace

TEST_SUITE("core/replica_crash") {
  TEST_CASE("a copy that crashes again and again ends like one that never did") {
    const auto log = mixed_log();
    replica_bench straight;
    straight.step(proc(3), chosen{table_log, {1}, log, {slots}});
    REQUIRE(straight->watermark() == slot{slots});
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      rng random(seed);
      replica_bench b;
      std::uint64_t ms = 0;
      for (int step = 0; step < 4'000 && b->watermark() < slot{slots}; ++step) {
        teach(b, log, random);
        if (random.chance(1, 6)) (void)b.tick(ms += 100);
        for (auto n = random.below(4); n > 0 && b.has_waiting(); --n) b.write_one();
        if (random.chance(1, 12)) b.crash();
      }
      REQUIRE(b->watermark() == slot{slots});
      CHECK(b->applied_hash() == straight->applied_hash());
      CHECK(b->last_stamp() == straight->last_stamp());
      CHECK(b->active() == straight->active());
      b.settle();
      for (std::string row : {"k0", "k1", "k2", "k3", "k4"})
        CHECK(b.disk().get(row) == straight.disk().get(row));  // versions and times too
    }
  }

  TEST_CASE("rows wait for the tick, votes do not") {
    replica_bench b;
    b.step(proc(2), accept_of(owner, 1, {put_entry(1), put_entry(2)}));
    const auto out = b.step(proc(2), commit_of(owner, 2));
    CHECK(out.persist.empty());
    CHECK(b.disk().row_count() == 0);
    const auto saved = b.tick(100);
    CHECK_FALSE(saved.sync);
    // The row once, the table's position, what each slot changed, the results, the applied slot.
    CHECK(saved.persist.size() == 6);
    b.write_all();
    CHECK(b.disk().recover().applied == slot{2});
    CHECK(b.tick(200).persist.empty());
  }

  TEST_CASE("many changed rows do not wait for the tick") {
    replica_bench b;
    std::vector<entry> log;
    for (std::uint64_t s = 1; s <= 5'000; ++s) log.push_back(put_entry(s, "k" + std::to_string(s)));
    b.step(proc(2), accept_of(owner, 1, log));
    b.step(proc(2), commit_of(owner, 3'000));
    CHECK(b.disk().row_count() == 0);
    b.step(proc(2), commit_of(owner, 5'000));
    CHECK(b.disk().row_count() == 5'001);  // and the table's position
  }

  TEST_CASE("the watermark that a promise tells is as durable as the promise") {
    replica_bench b;
    b.step(proc(2), accept_of(owner, 1, {put_entry(1), put_entry(2)}));
    b.step(proc(2), commit_of(owner, 2));
    const auto out = b.step(proc(3), prepare_of(ballot_of(9, 3)));
    CHECK(out.sync);
    CHECK(messages_to<promise>(out.held).at(0).watermark == slot{2});
    b.crash();
    CHECK(b->watermark() == slot{2});
  }

  TEST_CASE("a configuration in force is on disk before anything that follows from it leaves") {
    replica_bench b;
    const auto next = grid({{"eu", 4}}, 1, 0, 2);
    b.step(proc(2), accept_of(owner, 1, {put_entry(1), make_configuration_entry(next)}));
    b.step(proc(2), commit_of(owner, 2));
    b.crash();
    CHECK(b->active() == next);
    CHECK(b->watermark() == slot{2});
  }

  TEST_CASE("a repeated promise tells no watermark that a crash could take back") {
    replica_bench b;
    b.step(proc(2), accept_of(owner, 1, {put_entry(1), put_entry(2)}));
    b.step(proc(3), prepare_of(ballot_of(9, 3)));
    b.step(proc(2), commit_of(owner, 2));  // late, but true
    const auto again = b.step(proc(3), prepare_of(ballot_of(9, 3)));
    const auto told = messages_to<promise>(again.held).at(0).watermark;
    b.crash();
    CHECK(b->watermark() >= told);
  }
}
