// Two or more actor systems on loopback: what the guarded middleman lets through and what it keeps
// out, while connections that are fine stay fine.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/net/middleman_fixture.hpp"

namespace {

using namespace atlas::net;
using namespace atlas::net::test;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator list{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

TEST_SUITE("net/secure_middleman") {
  TEST_CASE("nodes with the same secret send typed requests to each other") {
    for (const char* secret : {"secret", ""}) {
      node a{secret};
      node b{secret};
      const auto port = a.serve();
      CHECK(port != 0);
      const auto there = b.reach(port);
      REQUIRE(there);
      CHECK(b.ask(*there, 41) == 42);
      CHECK(there->node() == a.system->node());
      const auto by_name = b.reach(port, "localhost");
      CHECK((by_name || b.log.count() == 0));
      CHECK(a.log.count() == 0);
    }
  }

  TEST_CASE(
      "a wrong secret gives an error with the reason, no connection, and a line on each side") {
    const std::pair<std::string, std::string> pairs[] = {
        {"right", "wrong"}, {"set", ""}, {"", "set"}};
    for (const auto& [ours, theirs] : pairs) {
      node a{ours};
      node b{theirs};
      const auto port = a.serve();
      const auto there = b.reach(port);
      REQUIRE_FALSE(there);
      CHECK(is_refused_handshake(there.error()));
      const auto sentence = "credentials refused by 127.0.0.1:" + std::to_string(port) +
                            ": the shared secret differs; set the same 'credentials' on every node";
      CHECK(transport_error_text(there.error()) == sentence);
      CHECK(b.log.first().second == sentence);
      CHECK(a.log.wait_for("refused: wrong credentials"));
    }
  }

  TEST_CASE("an unreachable port is not a refusal") {
    node a{"s"};
    std::uint16_t port = 0;
    {
      const auto listener = listen_tcp("127.0.0.1", 0).value();
      port = split_address(local_address(listener.get())).second;
    }
    const auto there = a.reach(port);
    REQUIRE_FALSE(there);
    CHECK_FALSE(is_refused_handshake(there.error()));
    CHECK(transport_error_text(there.error()).find("cannot connect to 127.0.0.1:") == 0);
    CHECK(a.log.count() == 0);
  }

  TEST_CASE("unguarded CAF nodes get in neither way") {
    node guarded{"s"};
    node stock{std::nullopt};
    const auto out = guarded.reach(stock.serve());
    REQUIRE_FALSE(out);
    CHECK(is_refused_handshake(out.error()));
    CHECK_FALSE(stock.reach(guarded.serve()));
    CHECK(guarded.log.wait_for("does not speak the Atlas node handshake"));
  }

  TEST_CASE("strangers at the port disturb nobody") {
    node a{"s", 500ms};
    const auto port = a.serve();
    node b{"s"};
    const auto there = b.reach(port);
    REQUIRE(there);
    const raw_peer http{port};
    http.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const raw_peer garbage{port};
    garbage.say(std::string(100'000, '\xFF'));
    // A forged BASP header that announces 4 GB: what an open port would allocate for.
    const raw_peer basp{port};
    basp.say(std::string("\x00\x00\x00\x00\xFF\xFF\xFF\xFF", 8) + std::string(24, '\0'));
    const raw_peer silent{port};
    const raw_peer half{port};
    half.say(std::string("\xA7"
                         "ATLAS\x00\xD0\x01",
                         9) +
             "half a nonce");
    CHECK(http.turned_away());
    CHECK(garbage.turned_away());
    CHECK(basp.turned_away());
    CHECK(b.ask(*there, 1) == 2);
    node c{"s"};
    const auto fresh = c.reach(port);
    REQUIRE(fresh);
    CHECK(c.ask(*fresh, 2) == 3);
    CHECK(silent.turned_away());
    CHECK(half.turned_away());
    CHECK(b.ask(*there, 3) == 4);
    CHECK(a.log.wait_for("does not speak the Atlas node handshake"));
    CHECK(a.log.wait_for("was not finished within 500 ms"));
    CHECK(a.log.wait_for_count(5));
    CHECK(a.log.count() == 5);
  }

  TEST_CASE("two hundred half-open connections lock nobody out") {
    node a{"s"};  // a time-out of a minute: only eviction can make room
    const auto port = a.serve();
    std::vector<std::unique_ptr<raw_peer>> flood;
    for (int i = 0; i < 200; ++i) {
      flood.push_back(std::make_unique<raw_peer>(port));
      REQUIRE(flood.back()->connected());
      if (i % 2 == 0)
        flood.back()->say(
            "\xA7"
            "ATL");
    }
    node b{"s"};
    const auto there = b.reach(port);
    REQUIRE(there);
    CHECK(b.ask(*there, 7) == 8);
    CHECK(a.log.wait_for("more than 32 connections from this address waited"));
  }

  TEST_CASE("a captured handshake cannot be replayed") {
    node a{"s"};
    const auto port = a.serve();
    std::string captured;
    {
      node b{"s"};
      tap wire{port};
      const auto there = b.reach(wire.port());
      REQUIRE(there);
      REQUIRE(b.ask(*there, 1) == 2);
      wire.cut();
      captured = wire.heard();
    }
    REQUIRE(captured.size() > 73);
    const raw_peer replay{port};
    replay.say(std::string_view{captured}.substr(0, 73));  // hello and proof
    const std::string answer = replay.hear(1000);
    REQUIRE(answer.size() == 42);
    CHECK(answer.back() == 2);  // the verdict "refused", and not a byte of BASP
    CHECK(a.log.wait_for("wrong credentials"));
  }

  TEST_CASE("a broken connection gives DOWN, and a new connect a handle that works") {
    node a{"s"};
    node b{"s"};
    const auto port = a.serve();
    tap wire{port};
    const auto there = b.reach(wire.port());
    REQUIRE(there);
    REQUIRE(b.ask(*there, 1) == 2);
    caf::scoped_actor self{*b.system};
    self->monitor(*there);
    wire.cut();
    bool down = false;
    self->receive([&](caf::down_msg& msg) { down = msg.source == there->address(); },
                  caf::after(patience) >> [] {});
    CHECK(down);
    // A handle that is made right behind the DOWN may go down with the old one (see the header), so
    // this does what every user does: monitors it, and connects again on DOWN.
    int answer = 0;
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (answer == 0 && std::chrono::steady_clock::now() < give_up) {
      const auto again = b.reach(port);
      REQUIRE(again);
      self->monitor(*again);
      self->send(*again, 2);
      self->receive([&](int y) { answer = y; }, [](caf::down_msg&) {},
                    caf::after(patience) >> [] {});
    }
    CHECK(answer == 3);
  }

  TEST_CASE("a node that shuts down gives DOWN to those who monitor its actors") {
    auto a = std::make_unique<node>("s");
    node b{"s"};
    const auto there = b.reach(a->serve());
    REQUIRE(there);
    caf::scoped_actor self{*b.system};
    self->monitor(*there);
    REQUIRE(b.ask(*there, 1) == 2);
    a.reset();
    bool down = false;
    self->receive([&](caf::down_msg& msg) { down = msg.source == there->address(); },
                  caf::after(patience) >> [] {});
    CHECK(down);
  }

  TEST_CASE("shutdown does not wait for half handshakes nor for a connect under way") {
    auto a = std::make_unique<node>("s");
    const auto port = a->serve();
    const raw_peer silent{port};
    const raw_peer half{port};
    half.say(std::string("\xA7"
                         "ATLAS\x00\xD0\x01",
                         9) +
             std::string(32, 'n'));
    REQUIRE(half.hear(41).size() == 41);
    const auto black_hole = listen_tcp("127.0.0.1", 0).value();
    const auto hole_port = split_address(local_address(black_hole.get())).second;
    caf::anon_send(a->system->middleman().actor_handle(), caf::connect_atom::value,
                   std::string{"127.0.0.1"}, hole_port);
    pollfd arrived{black_hole.get(), POLLIN, 0};
    REQUIRE(poll(&arrived, 1, 30'000) == 1);
    a.reset();
    CHECK(silent.turned_away());
    CHECK(half.turned_away());
  }

  TEST_CASE("an unpublished port is free again, and a taken one is an error that says so") {
    node a{"s"};
    const auto port = a.serve();
    const auto taken = a.system->middleman().publish(a.served, port, "127.0.0.1");
    REQUIRE_FALSE(taken);
    CHECK(transport_error_text(taken.error()).find("cannot listen on 127.0.0.1:") == 0);
    REQUIRE(a.system->middleman().close(port));
    const auto again = a.system->middleman().publish(a.served, port, "127.0.0.1");
    REQUIRE(again);
    CHECK(*again == port);
    node b{"s"};
    const auto there = b.reach(port);
    REQUIRE(there);
    CHECK(b.ask(*there, 1) == 2);
  }

  TEST_CASE("all doors of a node are guarded: IPv6, every interface, and raw broker servers") {
    node a{"s"};
    a.served = a.system->spawn<counter_actor>();
    const auto everywhere = a.system->middleman().publish(a.served, 0);
    REQUIRE(everywhere);
    node b{"s"};
    CHECK(b.reach(*everywhere));
    const auto six = a.system->middleman().publish(a.served, 0, "::1");
    if (six) CHECK(node{"s"}.reach(*six, "::1"));
    const auto open = a.system->middleman().open(0, "127.0.0.1");
    REQUIRE(open);
    const raw_peer stranger{*open};
    stranger.say("hello?");
    CHECK(stranger.turned_away());
  }

  TEST_CASE("nodes that came and went leave no descriptor behind") {
    std::size_t before = 0;
    for (int round = 0; round < 4; ++round) {
      if (round == 1) before = open_descriptors();  // the first round may open things for good
      node a{"s"};
      const auto port = a.serve();
      const raw_peer silent{port};
      node b{"s"};
      node c{"wrong"};
      CHECK(b.reach(port));
      CHECK_FALSE(c.reach(port));
    }
    CHECK(open_descriptors() == before);
  }
}

}  // namespace
