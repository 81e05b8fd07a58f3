// The credit window between two nodes: it bounds what a silent receiver costs, and never closes for
// good, whatever was lost on the way.
#include "actors/peer_link.hpp"

#include "tests/actors/actor_bench.hpp"

using namespace atlas;
using namespace atlas::actors;
using atlas::tests::actor_bench;

namespace {

constexpr core::process near_process{{1}, {1}};
constexpr core::process far_process{{2}, {1}};

core::accept accept_of(std::size_t bytes) {
  core::accept m;
  m.log = {7};
  m.entries = {{core::make_blob(std::string(bytes, 'x'))}};
  return m;
}

/// Both ends of one connection; what the near end sends comes out of the bench's inbox.
struct two_ends {
  actor_bench bench;
  peer_link near{near_process, {2}, nullptr, {}};
  peer_link far{far_process, {1}, nullptr, {}};

  two_ends() { connect(); }
  void connect() {
    near.connect(bench.as<peer_actor>(), far_process);
    far.connect(bench.as<peer_actor>(), near_process);
  }
  /// Sends one message of a mebibyte, which arrives; a receipt comes back if `receipts` says so.
  bool exchange(bool receipts) {
    if (!near.send(accept_of(1 << 20))) return false;
    const auto got = bench.take<wire_header, core::accept>();
    REQUIRE(got.has_value());
    REQUIRE(far.accepts(got->first));
    if (const auto position = far.due_receipt(); position > 0 && receipts)
      near.on_receipt(position);
    return true;
  }
};

}  // namespace

TEST_SUITE("actors/peer_link") {
  TEST_CASE("receipts keep the window open for as much as is sent") {
    two_ends b;
    for (int i = 0; i < 40; ++i) REQUIRE(b.exchange(true));
  }

  TEST_CASE("a silent receiver stops the sender at the window, but not the pings") {
    two_ends b;
    std::uint64_t sent = 0;
    while (b.near.send(accept_of(1 << 20))) sent += 1 << 20;
    CHECK(sent > peer_link::window_bytes / 2);
    CHECK(sent <= peer_link::window_bytes);
    CHECK(b.near.send(ping{1, 0}));
    CHECK(b.near.send(credit{1}));
  }

  TEST_CASE("a connection made again between the same two processes has its whole window") {
    two_ends b;
    for (int again = 0; again < 4; ++again) {
      for (int i = 0; i < 12; ++i) REQUIRE(b.exchange(again % 2 == 0));
      b.connect();  // the broken connection took the receipts with it
    }
    for (int i = 0; i < 40; ++i) REQUIRE(b.exchange(true));
  }

  TEST_CASE("a receipt that was lost is made good by the position in the next ping") {
    two_ends b;
    while (b.near.send(accept_of(1 << 20))) {
      const auto got = b.bench.take<wire_header, core::accept>();
      REQUIRE(got.has_value());
      REQUIRE(b.far.accepts(got->first));
      b.far.due_receipt();  // lost
    }
    CHECK_FALSE(b.exchange(true));
    b.near.on_receipt(b.far.arrived());
    CHECK(b.exchange(true));
  }

  TEST_CASE("a message larger than the window leaves when nothing else is on its way") {
    two_ends b;
    CHECK(b.near.send(accept_of(20 << 20)));
    CHECK_FALSE(b.near.send(accept_of(1)));
    const auto got = b.bench.take<wire_header, core::accept>();
    REQUIRE(got.has_value());
    REQUIRE(b.far.accepts(got->first));
    b.near.on_receipt(b.far.due_receipt());
    CHECK(b.near.send(accept_of(1)));
  }

  TEST_CASE("what is meant for one boot of a node is never sent to the next") {
    two_ends b;
    CHECK(b.near.send_to(far_process, answers{{7}, {}}));
    CHECK(b.bench.take<wire_header, answers>().has_value());
    b.near.connect(b.bench.as<peer_actor>(), {{2}, {2}});
    CHECK_FALSE(b.near.send_to(far_process, answers{{7}, {}}));
    CHECK(b.bench.is_empty());
  }

  TEST_CASE("messages of an earlier boot, or for an earlier boot, are not accepted") {
    two_ends b;
    CHECK(b.far.accepts({near_process, far_process, 1, 10}));
    CHECK_FALSE(b.far.accepts({{{1}, {2}}, far_process, 2, 20}));
    CHECK_FALSE(b.far.accepts({near_process, {{2}, {9}}, 2, 20}));
    CHECK(b.far.arrived() == 10);
  }
}
