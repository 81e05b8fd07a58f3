// Taking a hand-off (consensus.md §6): for one start of one node, once, and not below anything that
// was promised or seen here.
#include <doctest/doctest.h>

#include <set>

#include "tests/support/replica_bench.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

const auto by = ballot_of(5, 1);

hand_off given(process to, std::uint64_t last_slot = 0, std::uint64_t gen = 1) {
  return {table_log, by, {gen}, to, {last_slot}, three_nodes(), {77}};
}

struct heir : replica_bench {
  heir() : replica_bench(2) {}
  replica_effects offer(std::uint64_t watermark) {
    replica_effects out;
    (*this)->on_move_offer(proc(1), {table_log, by, {}, {watermark}}, out);
    return out;
  }
  replica_effects take(const hand_off& m) {
    replica_effects out;
    (*this)->on_hand_off(proc(1), m, out);
    return out;
  }
  accept confirm(std::uint64_t gen) { return {table_log, by, {gen}, {1}, 1, {1}, {}, {}}; }
};

}  // namespace

TEST_SUITE("core/replica_move") {
  TEST_CASE("an offer is answered with what is applied, which it may raise") {
    heir h;
    h.step(proc(1), accept_of(by, 1, {put_entry(1), put_entry(2)}));
    const auto ready = messages_to<move_ready>(h.offer(1).now, 1);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].applied == slot{1});
  }

  TEST_CASE("a hand-off makes own votes up to the last slot chosen, and is taken with a receipt") {
    heir h;
    h.step(proc(1), accept_of(by, 1, {put_entry(1), put_entry(2)}));
    const auto out = h.take(given(h.self(), 2));
    REQUIRE(out.taken);
    CHECK(out.taken->watermark == slot{2});
    CHECK(out.taken->giver == node_id{1});
    const auto receipt = messages_to<move_ready>(out.now, 1);
    REQUIRE(receipt.size() == 1);
    CHECK(receipt[0].gen == generation{1});
  }

  TEST_CASE("who handed the log on is asked again, seat or not") {
    // Simulated seed 2347: the heir knew only an older configuration, whose one seat was as far
    // behind as itself, and the giver's answer was lost. It asked that seat for ever.
    auto older = three_nodes();
    older.seats = {{{3}, older.seats[0].zone}};
    older.fn = 0;
    replica_bench b(2, older);
    replica_effects out;
    b->on_hand_off(proc(1), given(b.self(), 4), out);
    b.step(b.self(), accept{table_log, by, {1}, {1}, 1, {5}, {}, {4}});
    std::set<node_id> asked;
    for (std::uint64_t ms = 400; ms <= 2'400; ms += 400)
      for (const auto& m : b.tick(ms).now)
        if (std::holds_alternative<fetch>(m.what)) asked.insert(m.to);
    CHECK(asked == std::set<node_id>{{1}, {3}});
  }

  TEST_CASE("a restarted acceptor makes others wait for the heir of the ballot it promised") {
    // Its ballot names the giver, which is not the node that may hold a lease now.
    struct guard final : lease_guard {
      std::uint64_t release_or_wait(process, const held_tenure&, node_id, bool others) override {
        others_before = others;
        return 0;
      }
      void drop(process) override {}
      lease_session session_of(process) override { return 1; }
      bool others_before = false;
    } leases;
    memory_log_store disk;
    replica_effects out;
    {
      replica before(table_log, proc(3), three_nodes(), disk, &leases);
      before.on_accept(proc(2), {table_log, by, {1}, {1}, 1, {1}, {}, {}}, out);
      CHECK(out.sync);
      CHECK(out.now.empty());  // nothing leaves before the mark is on disk
      disk.write(out.persist);
    }
    replica after(table_log, proc(3, 2), three_nodes(), disk, &leases);
    after.on_prepare(proc(1, 2), {table_log, ballot_of(6, 1), {1}, {1}}, out);
    CHECK(leases.others_before);
  }

  TEST_CASE("missing slots are fetched; the receipt comes with a repeat, which takes nothing") {
    heir h;
    const auto out = h.take(given(h.self(), 1));
    CHECK(out.taken);
    CHECK(messages_to<move_ready>(out.now).empty());
    CHECK(messages_to<fetch>(out.now, 1).size() == 1);
    h.step(proc(1), chosen{table_log, {1}, {put_entry(1)}, {1}});
    const auto again = h.take(given(h.self(), 1));
    CHECK_FALSE(again.taken);
    CHECK(messages_to<move_ready>(again.now, 1).size() == 1);
  }

  TEST_CASE("what is in flight is not taken for chosen, nor waited for") {
    heir h;
    h.step(proc(1), accept_of(by, 1, {put_entry(1), put_entry(2)}));
    auto m = given(h.self(), 2);
    m.unfinished = {put_entry(2)};
    const auto out = h.take(m);
    REQUIRE(out.taken);
    CHECK(out.taken->watermark == slot{1});
    CHECK(h->watermark() == slot{1});
    CHECK(messages_to<move_ready>(out.now, 1).size() == 1);
  }

  TEST_CASE("with a slot in flight known chosen nothing is taken") {
    heir h;
    h.step(proc(3), chosen{table_log, {1}, {put_entry(9)}, {1}});
    auto m = given(h.self(), 2);
    m.unfinished = {put_entry(1), put_entry(2)};
    CHECK_FALSE(h.take(m).taken);
  }

  TEST_CASE("with a newer configuration known chosen nothing is taken") {
    heir h;
    auto next = three_nodes();
    next.parent = next.epoch;
    next.epoch = {2};
    h.step(proc(3), chosen{table_log, {1}, {make_configuration_entry(next)}, {1}});
    auto m = given(h.self(), 2);
    m.unfinished = {put_entry(1), put_entry(2)};
    const auto out = h.take(m);
    CHECK_FALSE(out.taken);
    CHECK(messages_to<nack>(out.held, 1).size() == 1);
  }

  TEST_CASE("another start of this node takes nothing") {
    heir h;
    const auto before = h.self();
    h.crash();
    const auto out = h.take(given(before));
    CHECK_FALSE(out.taken);
    CHECK(messages_to<nack>(out.held, 1).size() == 1);
  }

  TEST_CASE("below a promise nothing is taken") {
    heir h;
    h.step(proc(3), prepare_of(ballot_of(6, 3)));
    const auto out = h.take(given(h.self()));
    CHECK_FALSE(out.taken);
    REQUIRE(messages_to<nack>(out.held, 1).size() == 1);
    CHECK(messages_to<nack>(out.held, 1)[0].promised == ballot_of(6, 3));
  }

  TEST_CASE("below a ballot that was only heard of, or past the last slot, nothing is taken") {
    heir h;
    h.step(proc(3), commit_of(ballot_of(6, 3), 0));
    CHECK_FALSE(h.take(given(h.self())).taken);
    heir other;
    other.step(proc(3), chosen{table_log, {1}, {put_entry(1)}, {1}});
    CHECK_FALSE(other.take(given(other.self(), 0)).taken);
  }

  TEST_CASE("a late copy of an earlier hand-off of the same ballot is void") {
    heir h;
    CHECK(h.take(given(h.self(), 0, 3)).taken);
    CHECK_FALSE(h.take(given(h.self(), 0, 1)).taken);
  }

  TEST_CASE("an acceptor follows the heir and refuses the giver from then on") {
    heir h;
    h.step(proc(1), h.confirm(0));
    CHECK(h->holder() == proc(1));
    h.step(proc(3), h.confirm(1));
    CHECK(h->holder() == proc(3));
    const auto late = messages_to<nack>(h.step(proc(1), h.confirm(0)).held, 1);
    REQUIRE(late.size() == 1);
    CHECK(late[0].why == nack_reason::generation_below);
    CHECK(late[0].gen == generation{1});
    h.step(proc(1), commit_of(by, 0));  // said before the hand-off
    CHECK(h->holder() == proc(3));
    h.step(proc(9), prepare_of(by));  // a repeat changes nothing, least of all the holder
    CHECK(h->holder() == proc(3));
  }
}
