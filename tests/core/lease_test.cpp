// Leases between processes (consensus.md §5): who may be refused phase 1 and for how long, what an
// owner may conclude from a grant, and the sessions that tie the two together.
#include "core/lease.hpp"

#include <doctest/doctest.h>

#include "core/replica.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/owner_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr lease_terms terms{1'000, 10};
const held_tenure held{table_log, ballot_of(3, 2), {}};

/// Node 1 grants: a ledger at a time the test sets.
class granter final : public lease_guard {
 public:
  explicit granter(std::uint64_t wait_ms = 0) : ledger_(proc(1), terms, {0}, wait_ms) {}
  std::uint64_t release_or_wait(process holder, const held_tenure& h, node_id candidate,
                                bool others_before) override {
    return ledger_.release_or_wait(holder, h, candidate, others_before, now);
  }
  void drop(process holder) override { ledger_.drop(holder); }
  lease_session session_of(process holder) override { return ledger_.session_of(holder); }
  lease_grant heartbeat(std::uint64_t node) { return ledger_.on_heartbeat(proc(node), now); }

  tick now{0};

 private:
  lease_ledger ledger_;
};

/// Grants of an owner as the test wants them.
class claims final : public lease_source {
 public:
  [[nodiscard]] tick valid_until(node_id granter, lease_session s) const override {
    return book.valid_until(granter, s);
  }
  [[nodiscard]] lease_session session(node_id granter) const override {
    return book.session(granter);
  }
  lease_claims book{terms};
};

}  // namespace

TEST_SUITE("core/lease") {
  TEST_CASE("phase 1 of another node waits until the lease has run out, of its own node never") {
    granter g;
    g.now = {100};
    g.heartbeat(2);
    g.now = {1'099};
    CHECK(g.release_or_wait(proc(2), held, {3}, false) == 3);  // with what rounding may hide
    CHECK(g.release_or_wait(proc(2), held, {2}, false) == 0);
    g.now = {1'102};
    CHECK(g.release_or_wait(proc(2), held, {3}, false) == 0);
  }

  TEST_CASE("a grant ends at the owner before it ends at the granter, drift included") {
    lease_claims c(terms);
    c.on_grant({1}, {7, 1'000, {}}, {100});
    CHECK(c.valid_until({1}, 7) == tick{1'090});
    CHECK(c.valid_until({1}, 6) == tick{});
    CHECK(c.valid_until({2}, 7) == tick{});
    c.on_grant({1}, {6, 1'000, {}}, {900});  // overtaken on its way
    CHECK(c.valid_until({1}, 7) == tick{1'090});
    c.on_grant({1}, {8, 1'000, {}}, {50});  // a new session does not inherit
    CHECK(c.valid_until({1}, 8) == tick{1'040});
    CHECK(c.valid_until({1}, 7) == tick{});
  }

  TEST_CASE("a dropped holder is granted leases in a new session") {
    granter g;
    const auto before = g.heartbeat(2).session;
    CHECK(g.session_of(proc(2)) == before);
    CHECK(g.heartbeat(2).session == before);
    g.now = {5'000};
    CHECK(g.release_or_wait(proc(2), held, {3}, false) == 0);
    CHECK(g.heartbeat(2).session > before);
  }

  TEST_CASE("refusals are told once to the process that they were made for") {
    granter g;
    g.heartbeat(2);
    CHECK(g.release_or_wait(proc(2), held, {3}, false) > 0);
    CHECK(g.release_or_wait(proc(2), held, {3}, false) > 0);
    CHECK(g.heartbeat(3).refusals.empty());
    CHECK(g.heartbeat(2).refusals == std::vector<held_tenure>{held});
    CHECK(g.heartbeat(2).refusals.empty());
  }

  TEST_CASE("after a restart others wait as long as any lease granted before may run") {
    granter g(3'000);
    g.now = {3'001};
    CHECK(g.release_or_wait({}, held, {3}, true) == 1);
    CHECK(g.release_or_wait({}, held, {3}, false) == 0);
    g.now = {3'002};
    CHECK(g.release_or_wait({}, held, {3}, true) == 0);
  }

  TEST_CASE("sessions of a later start are above all earlier ones") {
    lease_ledger before(proc(1, 4), terms, {0}, 0);
    for (int i = 0; i < 100; ++i) before.drop(proc(2));
    lease_ledger after(proc(1, 5), terms, {0}, 0);
    CHECK(after.session_of(proc(2)) > before.session_of(proc(2)));
  }

  TEST_CASE("an acceptor refuses phase 1 for its holder's lease, and drops only whom it is told") {
    granter g;
    memory_log_store disk;
    replica copy(table_log, proc(1), three_nodes(), disk, &g);
    const auto by = ballot_of(3, 2);
    replica_effects voted;
    copy.on_accept(proc(2), {table_log, by, {}, {1}, 1, {1}, {}, {}}, voted);
    const auto vote = std::get<accepted>(voted.held.at(0).what);
    CHECK(vote.session == g.heartbeat(2).session);

    replica_effects refused;
    copy.on_prepare(proc(3), {table_log, ballot_of(4, 3), {1}, {1}}, refused);
    const auto no = std::get<nack>(refused.held.at(0).what);
    CHECK(no.why == nack_reason::lease_runs);
    CHECK(no.wait_ms > 0);
    CHECK(copy.promised() == by);

    replica_effects none;
    copy.on_release(proc(2), {table_log, ballot_of(2, 2), {}}, none);  // of another tenure
    copy.on_prepare(proc(3), {table_log, ballot_of(4, 3), {1}, {1}}, none);
    CHECK(copy.promised() == by);
    copy.on_release(proc(2), {table_log, by, {}}, none);
    copy.on_prepare(proc(3), {table_log, ballot_of(4, 3), {1}, {1}}, none);
    CHECK(copy.promised() == ballot_of(4, 3));
  }

  TEST_CASE("an owner reads without a round while a Q2 protects it in the sessions of its votes") {
    claims granted;
    owner_bench b(three_nodes(), 0, &granted);
    const auto first = b.serve();
    const auto now = owner_bench::start;
    granted.book.on_grant({1}, {11, 1'000, {}}, now);
    granted.book.on_grant({2}, {12, 1'000, {}}, now + 50);
    b.vote(1, first, 11);
    CHECK(b->lease_until() == tick{});  // one of three is no Q2
    b.vote(2, first, 9);                // an earlier session
    CHECK(b->lease_until() == tick{});
    b.vote(2, first, 12);
    CHECK(b->lease_until() == now + 990);  // the first that ends
    const auto out = b.read_one();
    REQUIRE(out.reads.size() == 1);
    CHECK(out.reads[0].lease_until == now + 990);
    CHECK(out.send.empty());
    b.at(990);
    CHECK(b.read_one().reads.empty());
  }

  TEST_CASE("an owner confirms again when an acceptor counts in a new session") {
    claims granted;
    owner_bench b(three_nodes(), 0, &granted);
    const auto first = b.serve();
    for (std::uint64_t node = 1; node <= 3; ++node) {
      granted.book.on_grant({node}, {10, 1'000, {}}, owner_bench::start);
      b.vote(node, first, 10);
    }
    b.at(150);
    CHECK(accepts(b.tick()).empty());
    granted.book.on_grant({3}, {11, 1'000, {}}, owner_bench::start + 100);
    CHECK(the_accept(b.tick()).entries.empty());
  }

  TEST_CASE("a candidate gives way to a holder that renews its lease or that it did not know of") {
    // Simulated seed 84845: it waited for 9 s, and all requests of its node with it, while another
    // node had long become owner.
    owner_bench renewed;
    renewed.promise(1);
    CHECK_FALSE(renewed.nack(2, nack_reason::lease_runs, ballot_of(4, 2), 1, 700).over);
    CHECK_FALSE(renewed.nack(2, nack_reason::lease_runs, ballot_of(4, 2), 1, 700).over);  // again
    CHECK_FALSE(renewed.nack(2, nack_reason::lease_runs, ballot_of(4, 2), 1, 20).over);
    CHECK_FALSE(renewed.nack(3, nack_reason::lease_runs, ballot_of(4, 2), 1, 900).over);
    CHECK(renewed.nack(2, nack_reason::lease_runs, ballot_of(4, 2), 1, 3'000).over);
    owner_bench overtaken;
    overtaken.promise(1);
    CHECK(overtaken.nack(2, nack_reason::lease_runs, ballot_of(4, 3), 1, 700).over);
  }

  TEST_CASE("a candidate whom a lease refuses asks again when it has run out") {
    owner_bench b;
    b.promise(1);
    CHECK(b.nack(2, nack_reason::lease_runs, ballot_of(4, 2), 1, 700).over == false);
    b.at(25);
    CHECK(messages_to<prepare>(b.tick().send, 2).empty());
    b.at(500);
    CHECK(messages_to<prepare>(b.tick().send, 2).empty());
    b.at(725);
    CHECK(messages_to<prepare>(b.tick().send, 2).size() == 1);
  }
}
