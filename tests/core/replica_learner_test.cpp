// The learner half of a replica (consensus.md §7): which of its votes it may take for chosen, whom
// it asks for the rest, what it hands to others, and which configuration it follows (§9).
#include <doctest/doctest.h>

#include <set>

#include "core/running_hash.hpp"
#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const ballot old_owner = ballot_of(3, 2);
const ballot new_owner = ballot_of(4, 3);
const outcome absent{outcome_code::not_found, {}};

outcome get(replica_bench& b, const std::string& row) {
  return b->answer({proc(1), {1}, read_kind::get, row});
}

std::vector<entry> puts(std::uint64_t first, std::uint64_t last) {
  std::vector<entry> out;
  for (auto s = first; s <= last; ++s) out.push_back(put_entry(s, "k" + std::to_string(s)));
  return out;
}

chosen chosen_of(std::uint64_t first, std::vector<entry> entries, std::uint64_t watermark) {
  return {table_log, {first}, std::move(entries), {watermark}};
}

}  // namespace

TEST_SUITE("core/replica_learner") {
  TEST_CASE("a commit notice applies the own votes of that ballot, in order") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 3)));
    CHECK(get(b, "k1") == absent);
    const auto out = b.queue(proc(2), commit_of(old_owner, 2));
    CHECK(b->watermark() == slot{2});
    CHECK(get(b, "k2") == outcome{outcome_code::ok, "v2"});
    CHECK(get(b, "k3") == absent);
    CHECK(b->last_stamp() == stamp{2});
    REQUIRE(out.progress.has_value());
    CHECK(out.progress->watermark == slot{2});
    CHECK(out.progress->last_stamp == stamp{2});
    CHECK_FALSE(out.progress->changed.has_value());
    CHECK(out.results.empty());  // the owner is elsewhere and answers there
    CHECK_FALSE(out.sync);       // nothing that leaves depends on it yet
  }

  TEST_CASE("the watermark rides on the next accept") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 1)));
    b.step(proc(2), accept_of(old_owner, 2, puts(2, 2), 1));
    CHECK(b->watermark() == slot{1});
  }

  TEST_CASE("a vote of another ballot is not taken for chosen but fetched") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, {put_entry(1, "mine")}));
    const auto out = b.queue(proc(3), commit_of(new_owner, 1));
    CHECK(b->watermark() == slot{});
    const auto asked = messages_to<fetch>(out.now, 3);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].from == slot{1});
    b.step(proc(3), chosen_of(1, {put_entry(2, "theirs")}, 1));
    CHECK(b->watermark() == slot{1});
    CHECK(get(b, "mine") == absent);
    CHECK(get(b, "theirs") == outcome{outcome_code::ok, "v2"});
    // The disk shows the chosen entry from now on, and no vote is left above it.
    CHECK(b.disk().entries({1}, {2}, 1'000).at(0).value == put_entry(2, "theirs"));
    CHECK(b.disk().recover().tail.empty());
  }

  TEST_CASE("a notice of an older ballot does not cover votes of a newer one") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 1)));
    b.step(proc(3), accept_of(new_owner, 2, puts(2, 2)));
    const auto out = b.step(proc(2), commit_of(old_owner, 2));
    CHECK(b->watermark() < slot{2});
    CHECK(receivers<fetch>(out.now) == std::vector<std::uint64_t>{2});
  }

  TEST_CASE("votes that come after the notice are applied by it") {
    replica_bench b;
    b.step(proc(2), commit_of(old_owner, 2));
    b.step(proc(2), accept_of(old_owner, 2, puts(2, 2)));
    CHECK(b->watermark() == slot{});
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 1)));
    CHECK(b->watermark() == slot{2});
  }

  TEST_CASE("results are for the owner on this very process only") {
    for (const bool own : {true, false}) {
      replica_bench b(1);
      const auto by = ballot_of(5, own ? 1 : 2);
      const auto from = own ? b.self() : proc(2);
      b.step(from, accept_of(by, 1, puts(1, 2)));
      const auto out = b.step(from, commit_of(by, 2));
      CHECK(b->watermark() == slot{2});
      REQUIRE(out.results.size() == (own ? 2u : 0u));
      if (!own) continue;
      CHECK(out.results[1].from == proc(9));
      CHECK(out.results[1].seq == sequence{2});
      CHECK(out.results[1].result == outcome{});
    }
  }

  TEST_CASE("copies that learned in different ways hold the same hash and rows") {
    replica_bench voter;
    replica_bench reader;
    const auto log = puts(1, 20);
    voter.step(proc(2), accept_of(old_owner, 1, log));
    voter.step(proc(2), commit_of(old_owner, 20));
    for (std::uint64_t s = 1; s <= 20; s += 4)
      reader.step(proc(2), chosen_of(s,
                                     {log.begin() + static_cast<long>(s - 1),
                                      log.begin() + static_cast<long>(s + 3)},
                                     20));
    REQUIRE(reader->watermark() == slot{20});
    CHECK(reader->applied_hash() == voter->applied_hash());
    CHECK(reader->rows("") == voter->rows(""));
    std::uint64_t expected = 0;
    for (std::uint64_t s = 1; s <= 20; ++s) expected = running_hash(expected, s, *log[s - 1].bytes);
    CHECK(voter->applied_hash() == expected);
  }
}

TEST_SUITE("core/replica_catch_up") {
  TEST_CASE("chosen entries out of order or known already are skipped") {
    replica_bench b;
    b.step(proc(2), chosen_of(2, puts(2, 3), 3));
    CHECK(b->watermark() == slot{});
    b.step(proc(2), chosen_of(1, puts(1, 2), 3));
    CHECK(b->watermark() == slot{2});
    const auto before = b->applied_hash();
    const auto again = b.step(proc(2), chosen_of(1, puts(1, 2), 3));
    CHECK(again.persist.empty());
    CHECK(b->applied_hash() == before);
    b.step(proc(2), chosen_of(1, puts(1, 3), 3));
    CHECK(b->watermark() == slot{3});
  }

  TEST_CASE("an answer that is not all is followed by the next question, once it is written") {
    replica_bench b;
    CHECK(messages_to<fetch>(b.queue(proc(3), commit_of(new_owner, 10)).now, 3).size() == 1);
    CHECK(b.queue(proc(3), chosen_of(1, puts(1, 4), 12)).now.empty());
    b.write_all();
    const auto asked = messages_to<fetch>(b.last_written().now, 3);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].from == slot{5});
    b.step(proc(3), chosen_of(5, puts(5, 12), 12));
    CHECK(b->watermark() == slot{12});
    CHECK(b.last_written().now.empty());
  }

  TEST_CASE("parts are small while they come fast, and grow where they come slowly") {
    fetch_pace pace;
    const auto tick_after = [&](int parts) {
      for (int i = 0; i < parts; ++i) pace.on_part();
      pace.on_tick();
      return pace.bytes();
    };
    CHECK(pace.bytes() == fetch_pace::bytes_min);
    CHECK(tick_after(0) == fetch_pace::bytes_min);  // nothing is missing
    CHECK(tick_after(1) == 2 * fetch_pace::bytes_min);
    for (int i = 0; i < 9; ++i) (void)tick_after(1);
    CHECK(pace.bytes() == fetch_pace::bytes_max);
    CHECK(tick_after(6) == fetch_pace::bytes_max);
    for (int i = 0; i < 9; ++i) (void)tick_after(20);
    CHECK(pace.bytes() == fetch_pace::bytes_min);
  }

  TEST_CASE("who answers gives no more than was asked for, and never more than the bound") {
    replica_bench b;
    std::vector<entry> log;
    for (std::uint64_t s = 1; s <= 20; ++s)
      log.push_back(batch_of(s, put(proc(9), s, "k", std::string(50'000, 'x'))));
    b.step(proc(2), accept_of(old_owner, 1, log));
    b.step(proc(2), commit_of(old_owner, 20));
    b.settle();
    const auto given = [&](std::uint64_t bytes) {
      const auto out = b.queue(proc(3), fetch{table_log, {1}, bytes});
      return messages_to<chosen>(out.now, 3).at(0).entries.size();
    };
    CHECK(given(0) == 1);
    CHECK(given(fetch_pace::bytes_min) == 2);
    CHECK(given(~0ull) == given(fetch_pace::bytes_max));
  }

  TEST_CASE("one question is out at a time; silence sends the next one elsewhere") {
    replica_bench b;
    (void)b.tick(1'000);
    CHECK(receivers<fetch>(b.queue(proc(3), commit_of(new_owner, 9)).now) ==
          std::vector<std::uint64_t>{3});
    CHECK(b.queue(proc(3), commit_of(new_owner, 10)).now.empty());
    CHECK(b.tick(1'299).now.empty());
    std::set<std::uint64_t> asked;
    for (std::uint64_t ms = 1'300; ms < 4'300; ms += 300)
      for (const auto node : receivers<fetch>(b.tick(ms).now)) asked.insert(node);
    CHECK(asked == std::set<std::uint64_t>{2, 3});  // never itself
  }

  TEST_CASE("an owner's own copy chases what another node holds") {
    replica_bench b;
    const auto out = b.chase(3, 5);
    CHECK(receivers<fetch>(out.now) == std::vector<std::uint64_t>{3});
    REQUIRE(out.progress.has_value());
    CHECK(out.progress->watermark == slot{});
    b.step(proc(3), chosen_of(1, puts(1, 5), 5));
    const auto there = b.chase(3, 5);
    CHECK(there.now.empty());
    CHECK(there.progress->watermark == slot{5});
  }

  TEST_CASE("a chase does not make the own votes chosen") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 2)));
    b.chase(3, 2);
    CHECK(b->watermark() == slot{});
  }

  TEST_CASE("only slots that the disk shows as chosen are handed out") {
    replica_bench b;
    b.step(proc(2), accept_of(old_owner, 1, puts(1, 4)));
    (void)b.queue(proc(2), commit_of(old_owner, 3));
    const fetch all{table_log, {1}};
    CHECK(b.queue(proc(3), all).now.empty());  // applied, not written
    b.settle();
    const auto out = b.queue(proc(3), all);
    const auto given = messages_to<chosen>(out.now, 3);
    REQUIRE(given.size() == 1);
    CHECK(given[0].first == slot{1});
    CHECK(given[0].entries.size() == 3);  // slot 4 is a vote, not chosen
    CHECK(given[0].entries[2] == puts(3, 3)[0]);
    CHECK(given[0].watermark == slot{3});
    CHECK(out.held.empty());
    CHECK(b.queue(proc(3), fetch{table_log, {4}}).now.empty());
    CHECK(b.queue(proc(3), fetch{table_log, {0}}).now.empty());
  }

  TEST_CASE("a follower far behind reaches the owner's copy through bounded answers") {
    replica_bench owner(2);
    replica_bench late(1);
    const std::string big(100'000, 'x');
    std::vector<entry> log;
    for (std::uint64_t s = 1; s <= 40; ++s)
      log.push_back(batch_of(s, put(proc(9), s, "k" + std::to_string(s), big)));
    owner.step(proc(2), accept_of(old_owner, 1, log));
    owner.step(proc(2), commit_of(old_owner, 40));
    owner.settle();
    auto questions = messages_to<fetch>(late.step(proc(2), commit_of(old_owner, 40)).now, 2);
    int rounds = 0;
    while (!questions.empty() && ++rounds < 100) {
      const auto answers = messages_to<chosen>(owner.step(proc(1), questions[0]).now, 1);
      REQUIRE(answers.size() == 1);
      CHECK(answers[0].entries.size() < 10);
      late.step(proc(2), answers[0]);
      questions = messages_to<fetch>(late.last_written().now, 2);
    }
    CHECK(rounds > 4);
    CHECK(late->watermark() == slot{40});
    CHECK(late->applied_hash() == owner->applied_hash());
  }
}
