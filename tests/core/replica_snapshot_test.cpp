// Truncation of a replica's log and snapshots between two replicas (consensus.md §7).
#include <doctest/doctest.h>

#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const ballot owner = ballot_of(3, 2);
constexpr std::uint64_t far = 20;

replica_limits tight() {
  replica_limits limits;
  limits.keep_slots = 4;
  limits.chunk_bytes = 60;
  return limits;
}

std::string row_of(std::uint64_t s) {
  return "k" + std::to_string(s % 7);
}

void accept_and_commit(replica_bench& b, std::uint64_t first, std::uint64_t last,
                       std::uint64_t stable = 0) {
  for (auto s = first; s <= last; ++s)
    b.step(proc(2), accept_of(owner, s, {put_entry(s, row_of(s))}));
  b.step(proc(2), commit{table_log, owner, {last}, {stable}});
  b.settle();
}

/// A replica that has applied `far` slots and kept the last few.
replica_bench& truncated(replica_bench& b) {
  accept_and_commit(b, 1, far, far);
  b.settle();
  REQUIRE(b->truncated() == slot{far - 4});
  return b;
}

snapshot_chunk ask(replica_bench& holder, const snapshot_request& m) {
  const auto answers = messages_to<snapshot_chunk>(holder.step(proc(1), m).now);
  REQUIRE(answers.size() == 1);
  return answers.front();
}

/// Carries requests and parts between the two; gives the number of parts. Groups of the follower
/// are written at once, the install excepted.
std::size_t carry(replica_bench& follower, replica_bench& holder, snapshot_request next) {
  for (std::size_t parts = 1;; ++parts) {
    const auto part = ask(holder, next);
    const auto out = follower.queue(proc(3), part);
    if (part.last) return parts;
    const auto more = messages_to<snapshot_request>(follower.write_one());
    REQUIRE(more.size() == 1);
    next = more.front();
  }
}

snapshot_request begin(replica_bench& follower, std::uint64_t upto = far - 4) {
  const auto out = follower.step(proc(3), snapshot_offer{table_log, 0, {upto}});
  const auto asked = messages_to<snapshot_request>(out.now, 3);
  REQUIRE(asked.size() == 1);
  return asked.front();
}

outcome get(replica_bench& b, const std::string& row) {
  return b->answer({proc(1), {1}, read_kind::get, row});
}

}  // namespace

TEST_SUITE("core/truncation") {
  TEST_CASE("the log is cut below what a Q2 and the own disk have, and what is kept") {
    replica_bench b(1, three_nodes(), tight());
    accept_and_commit(b, 1, far);
    CHECK(b->truncated() == slot{});  // nobody said that it is stable
    b.step(proc(2), commit{table_log, owner, {far}, {10}});
    b.settle();
    CHECK(b->truncated() == slot{10});
    CHECK(b.disk().entry_count() == far - 10);
    b.step(proc(2), commit{table_log, owner, {far}, {far}});
    b.settle();
    CHECK(b->truncated() == slot{far - 4});
  }

  TEST_CASE("the log is not cut above the own durably applied slot") {
    replica_bench b(1, three_nodes(), tight());
    accept_and_commit(b, 1, 6);
    for (std::uint64_t s = 7; s <= far; ++s)
      b.step(proc(2), accept_of(owner, s, {put_entry(s, row_of(s))}));
    b.step(proc(2), commit{table_log, owner, {far}, {far}});
    b.tick(0);  // the save is on its way to the disk
    CHECK(b->watermark() == slot{far});
    CHECK(b->truncated() == slot{6});
    b.write_all();
    b.settle();
    CHECK(b->truncated() == slot{far - 4});
  }

  TEST_CASE("a vote tells how far the voter has durably applied") {
    replica_bench b;
    accept_and_commit(b, 1, 3);
    b.step(proc(2), accept_of(owner, 4, {put_entry(4)}, 3));
    const auto out = b.queue(proc(2), accept_of(owner, 5, {put_entry(5)}, 4));
    REQUIRE(messages_to<accepted>(out.held).size() == 1);
    CHECK(messages_to<accepted>(out.held)[0].applied == slot{3});
    CHECK(b->watermark() == slot{4});
  }

  TEST_CASE("a restart remembers the truncation point") {
    replica_bench b(1, three_nodes(), tight());
    truncated(b).crash();
    CHECK(b->truncated() == slot{far - 4});
    const auto out = b.step(proc(3), fetch{table_log, {2}});
    REQUIRE(messages_to<snapshot_offer>(out.now, 3).size() == 1);
    CHECK(messages_to<snapshot_offer>(out.now)[0].truncated == slot{far - 4});
    CHECK(messages_to<chosen>(out.now).empty());
  }

  TEST_CASE("a fetch above the truncation point is answered from the log") {
    replica_bench b(1, three_nodes(), tight());
    const auto out = truncated(b).step(proc(3), fetch{table_log, {far - 3}});
    REQUIRE(messages_to<chosen>(out.now).size() == 1);
    CHECK(messages_to<chosen>(out.now)[0].entries.size() == 4);
    CHECK(messages_to<snapshot_offer>(out.now).empty());
  }

  TEST_CASE("a vote at or below the truncation point is answered and not stored") {
    replica_bench b(1, three_nodes(), tight());
    const auto before = truncated(b).disk().entry_count();
    const auto out = b.step(proc(2), accept_of(owner, 3, {put_entry(3, row_of(3))}));
    CHECK(messages_to<accepted>(out.now).size() + messages_to<accepted>(out.held).size() == 1);
    CHECK(b.disk().entry_count() == before);
  }

  TEST_CASE("a member that never votes syncs now and then and truncates too") {
    replica_bench b(1, three_nodes(), tight());
    std::vector<entry> all;
    for (std::uint64_t s = 1; s <= far; ++s) all.push_back(put_entry(s, row_of(s)));
    const auto out = b.step(proc(3), chosen{table_log, {1}, all, {far}});
    CHECK(out.sync);
    b.step(proc(2), commit{table_log, owner, {far}, {far}});
    b.settle();
    CHECK(b->truncated() > slot{});
  }
}

TEST_SUITE("core/snapshots") {
  TEST_CASE("a follower behind the log takes the state over, part by part") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    const auto parts = carry(follower, holder, begin(follower));
    CHECK(parts > 3);
    CHECK(follower->watermark() == slot{});  // nothing before the disk has it
    follower.write_all();
    CHECK(follower->watermark() == slot{far});
    CHECK(follower->applied_hash() == holder->applied_hash());
    CHECK(follower->last_stamp() == holder->last_stamp());
    CHECK(follower->rows("") == holder->rows(""));
    CHECK(follower->truncated() == slot{far});
    REQUIRE(follower.last_written().progress.has_value());
    CHECK(follower.last_written().progress->watermark == slot{far});
  }

  TEST_CASE("a repeated command gets its first result from a snapshot too") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    carry(follower, holder, begin(follower));
    follower.write_all();
    follower.step(proc(2), accept_of(owner, far + 1, {put_entry(5, "other")}));
    follower.step(proc(2), commit_of(owner, far + 1));
    CHECK(follower->watermark() == slot{far + 1});
    CHECK(get(follower, "other").code == outcome_code::not_found);
    follower.settle();
    follower.crash();
    CHECK(follower->rows("") == holder->rows(""));
  }

  TEST_CASE("a crash before the install leaves the old state and drops what was staged") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    accept_and_commit(follower, 1, 2);
    const auto before = follower->rows("");
    carry(follower, holder, begin(follower));
    CHECK(follower.disk().staged_count() > 0);
    follower.crash();
    CHECK(follower->watermark() == slot{2});
    CHECK(follower->rows("") == before);
    follower.settle();
    CHECK(follower.disk().staged_count() == 0);
  }

  TEST_CASE("a crash after the install begins with the snapshot") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    accept_and_commit(follower, 1, 2);
    carry(follower, holder, begin(follower));
    follower.write_one();
    follower.crash();
    CHECK(follower->watermark() == slot{far});
    CHECK(follower->rows("") == holder->rows(""));
    follower.settle();
    CHECK(follower.disk().staged_count() == 0);
  }

  TEST_CASE("promise and votes above the snapshot survive it") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    const auto newer = ballot_of(9, 3);
    follower.step(proc(3), accept_of(newer, far + 2, {put_entry(far + 2)}));
    carry(follower, holder, begin(follower));
    follower.write_all();
    CHECK(follower->promised() == newer);
    follower.crash();
    CHECK(follower->promised() == newer);
    const auto out = follower.step(proc(2), prepare_of(ballot_of(10, 2)));
    const auto told = messages_to<promise>(out.held);
    REQUIRE(told.size() == 1);
    CHECK(told[0].watermark == slot{far});
    REQUIRE(told[0].entries.size() == 1);
    CHECK(told[0].entries[0].at == slot{far + 2});
  }

  TEST_CASE("a promise during the install tells the slot of the snapshot") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    follower.step(proc(2), accept_of(owner, 5, {put_entry(5, row_of(5))}));
    carry(follower, holder, begin(follower));
    const auto out = follower.queue(proc(3), prepare_of(ballot_of(10, 3)));
    const auto told = messages_to<promise>(out.held);
    REQUIRE(told.size() == 1);
    CHECK(told[0].watermark == slot{far});
    CHECK(told[0].entries.empty());
    CHECK_FALSE(follower->can_answer({}));
    follower.write_all();
    CHECK(follower->can_answer({far}));
  }

  TEST_CASE("what is chosen above the snapshot is applied as soon as it is in place") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    const auto first = begin(follower);
    follower.step(proc(2), accept_of(owner, far + 1, {put_entry(far + 1, "new")}));
    follower.step(proc(2), commit_of(owner, far + 1));
    carry(follower, holder, first);
    follower.write_all();
    CHECK(follower->watermark() == slot{far + 1});
    CHECK(get(follower, "new").code == outcome_code::ok);
  }

  TEST_CASE("the view stands still while the holder goes on") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    const auto before = holder->rows("");
    const auto first = begin(follower);
    const auto part = ask(holder, first);
    accept_and_commit(holder, far + 1, far + 30, far + 30);
    CHECK(holder->truncated() <= slot{far});  // the follower wants the log from there on
    follower.queue(proc(3), part);
    carry(follower, holder, messages_to<snapshot_request>(follower.write_one()).at(0));
    follower.write_all();
    CHECK(follower->watermark() == slot{far});
    CHECK(follower->rows("") == before);
  }

  TEST_CASE("an expired view is answered with: begin again") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    follower.queue(proc(3), ask(holder, begin(follower)));
    const auto next = messages_to<snapshot_request>(follower.write_one()).at(0);
    holder.tick(60'000);
    const auto offers = messages_to<snapshot_offer>(holder.step(proc(1), next).now, 1);
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].transfer == next.transfer);
    const auto again = follower.step(proc(3), offers[0]);
    const auto asked = messages_to<snapshot_request>(again.now);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].part == 0);
    CHECK(asked[0].transfer == next.transfer + 1);
    carry(follower, holder, asked[0]);
    follower.write_all();
    CHECK(follower->watermark() == slot{far});
  }

  TEST_CASE("parts of another transfer, of another node and broken ones are not taken") {
    replica_bench holder(3, three_nodes(), tight());
    replica_bench follower(1, three_nodes(), tight());
    truncated(holder);
    const auto part = ask(holder, begin(follower));
    auto other = part;
    other.transfer = 77;
    CHECK(follower.step(proc(3), other).held.empty());
    CHECK(follower.step(proc(2), part).held.empty());
    auto broken = part;
    broken.results = "\xff";
    CHECK(follower.step(proc(3), broken).held.empty());
    CHECK(follower.step(proc(3), part).held.empty());  // that transfer is over
    CHECK(follower->watermark() == slot{});
  }

  TEST_CASE("a holder serves a bounded number of transfers at once") {
    auto limits = tight();
    limits.views_max = 1;
    replica_bench holder(3, three_nodes(), limits);
    truncated(holder);
    CHECK(
        messages_to<snapshot_chunk>(holder.step(proc(1), snapshot_request{table_log, 1, 0, {}}).now)
            .size() == 1);
    CHECK(holder.step(proc(2), snapshot_request{table_log, 1, 0, {}}).now.empty());
    holder.tick(60'000);
    CHECK(holder.step(proc(2), snapshot_request{table_log, 1, 0, {}}).now.size() == 1);
  }

  TEST_CASE("a source that falls silent is given up and another one asked") {
    replica_bench follower(1, three_nodes(), tight());
    follower.step(proc(2), commit_of(owner, far));
    begin(follower);
    std::vector<outgoing> sent;
    for (std::uint64_t ms = 500; ms <= 14'000; ms += 500) {
      auto out = follower.tick(ms);
      std::move(out.now.begin(), out.now.end(), std::back_inserter(sent));
    }
    CHECK(messages_to<snapshot_request>(sent, 3).size() == 3);  // ever more patiently
    CHECK(messages_to<fetch>(sent).size() > 0);
  }

  TEST_CASE("an offer of what is held here already changes nothing") {
    replica_bench b(1, three_nodes(), tight());
    accept_and_commit(b, 1, 6);
    CHECK(b.step(proc(3), snapshot_offer{table_log, 0, {6}}).now.empty());
  }
}
