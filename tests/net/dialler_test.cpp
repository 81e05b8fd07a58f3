// Porter and dialler over real sockets, without CAF: who gets through, what the refused one learns,
// and that waiting ends.
#include "net/dialler.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/porter.hpp"
#include "tests/net/raw_peer.hpp"

namespace {

using namespace std::chrono_literals;
using namespace atlas;
using namespace atlas::net;
using test::raw_peer;
using test::refusals;

transport_options with(std::string secret, refusals& log) {
  transport_options options;
  options.credentials = std::move(secret);
  options.handshake_timeout = 60s;  // nothing here may depend on running into it
  options.refused = log.sink();
  return options;
}

/// A porter with one door on `host` whose admitted connections get one letter to read.
struct greeter {
  explicit greeter(const transport_options& options, const std::string& host = "127.0.0.1")
      : guard(options) {
    auto listening = listen_tcp(host, 0);
    if (!listening) return;
    port = split_address(local_address(listening.value().get())).second;
    id = guard.add(std::move(listening).value(), [this](owned_fd fd) {
      const raw_peer guest{std::move(fd)};
      guest.say("B");
      ++admitted;
    });
    guard.watch(id.value(), true);
  }
  std::atomic<int> admitted{0};
  std::uint16_t port = 0;
  std::optional<std::uint64_t> id;
  porter guard;
};

/// A dialler that stops in the middle of its handshake and goes on when the test says so.
class slow_dialler {
 public:
  /// Returns when the door has answered the hello.
  slow_dialler(std::uint16_t port, const std::string& from) : wire_(port, from) {
    wire_.say(talk_.take_output());
    talk_.feed(wire_.hear(challenge_hello_bytes));
  }
  /// True if the door's owner greets after the handshake.
  bool finish() {
    wire_.say(talk_.take_output());
    talk_.feed(wire_.hear(talk_.wanted()));
    talk_.feed(wire_.hear(talk_.wanted()));  // the proof behind the verdict
    return talk_.outcome() == challenge_outcome::accepted && wire_.hear(1) == "B";
  }

 private:
  challenge talk_{challenge_role::dialler, derive_challenge_key("s"), fresh_challenge_nonce()};
  raw_peer wire_;
};

TEST_SUITE("net/dialler") {
  TEST_CASE("the same secret connects, and the first byte after the handshake is the owner's") {
    refusals log;
    greeter door{with("s", log)};
    dialler out{with("s", log)};
    auto connected = out.dial("127.0.0.1", door.port);
    REQUIRE(connected.ok());
    const raw_peer stream{std::move(connected).value()};
    CHECK(stream.hear(2) == "B");
    CHECK(log.count() == 0);
  }

  TEST_CASE("IPv6 and names work as well") {
    refusals log;
    dialler out{with("s", log)};
    greeter named{with("s", log)};
    CHECK(out.dial("localhost", named.port).ok());
    greeter everywhere{with("s", log), ""};
    CHECK(out.dial("127.0.0.1", everywhere.port).ok());
    greeter six{with("s", log), "::1"};
    if (six.port != 0) {  // machines without IPv6 exist
      CHECK(out.dial("::1", six.port).ok());
      CHECK(out.dial("[::1]", six.port).ok());
      CHECK(out.dial("::1", everywhere.port).ok());
    }
  }

  TEST_CASE("a wrong secret is refused, and both sides log the remedy") {
    refusals door_log;
    refusals own_log;
    greeter door{with("right", door_log)};
    dialler out{with("wrong", own_log)};
    const auto connected = out.dial("127.0.0.1", door.port);
    REQUIRE_FALSE(connected.ok());
    CHECK(connected.error().code == core::errc::refused);
    const std::string name = "127.0.0.1:" + std::to_string(door.port);
    CHECK(own_log.first().first == name);
    CHECK(own_log.first().second == "credentials refused by " + name +
                                        ": the shared secret differs; set the same 'credentials' "
                                        "on every node");
    CHECK(door_log.wait_for("refused: wrong credentials"));
    CHECK(door.admitted == 0);
  }

  TEST_CASE("something that is no Atlas node is recognised, closed ports are unreachable") {
    refusals log;
    dialler out{with("s", log)};
    auto listening = listen_tcp("127.0.0.1", 0).value();
    const auto port = split_address(local_address(listening.get())).second;
    std::jthread impostor{[&] {
      pollfd watched{listening.get(), POLLIN, 0};
      poll(&watched, 1, 30'000);
      const raw_peer guest{owned_fd{accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)}};
      guest.say("HTTP/1.1 400 Bad Request\r\n");
      [[maybe_unused]] const auto all = guest.hear(1000);
    }};
    const auto spoke = out.dial("127.0.0.1", port);
    REQUIRE_FALSE(spoke.ok());
    CHECK(spoke.error().code == core::errc::refused);
    CHECK(log.wait_for("does not answer as an Atlas node"));
    impostor.join();
    listening.reset();
    const auto closed = out.dial("127.0.0.1", port);
    REQUIRE_FALSE(closed.ok());
    CHECK(closed.error().code == core::errc::unreachable);
    CHECK(log.count() == 1);
  }

  TEST_CASE("a host that accepts and says nothing costs the time-out, not more") {
    refusals log;
    auto options = with("s", log);
    options.handshake_timeout = 50ms;
    dialler out{options};
    const auto silent = listen_tcp("127.0.0.1", 0).value();
    const auto port = split_address(local_address(silent.get())).second;
    const auto connected = out.dial("127.0.0.1", port);
    REQUIRE_FALSE(connected.ok());
    CHECK(connected.error().code == core::errc::unreachable);
    CHECK(connected.error().detail.find("within 50 ms") != std::string::npos);
  }

  TEST_CASE("stop ends a dial that waits, and all later ones") {
    refusals log;
    dialler out{with("s", log)};
    const auto silent = listen_tcp("127.0.0.1", 0).value();
    const auto port = split_address(local_address(silent.get())).second;
    auto waiting = std::async(std::launch::async, [&] { return out.dial("127.0.0.1", port); });
    pollfd arrived{silent.get(), POLLIN, 0};
    REQUIRE(poll(&arrived, 1, 30'000) == 1);
    out.stop();
    REQUIRE(waiting.wait_for(30s) == std::future_status::ready);
    CHECK(waiting.get().error().detail.find("shutting down") != std::string::npos);
    CHECK_FALSE(out.dial("127.0.0.1", port).ok());
  }

  TEST_CASE("a closed door frees its port and forgets its half handshakes") {
    refusals log;
    greeter door{with("s", log)};
    const raw_peer half{door.port};
    half.say(
        "\xA7"
        "ATLAS");
    door.guard.close(door.id.value());
    CHECK(half.turned_away());
    CHECK(listen_tcp("127.0.0.1", door.port).ok());
    door.guard.close(door.id.value());
    door.guard.stop();
    CHECK_FALSE(door.guard.add(owned_fd{}, {}).has_value());
  }

  TEST_CASE("a peer that leaves without a word is not news, one that leaves half-way is") {
    refusals log;
    greeter door{with("s", log)};
    { const raw_peer probe{door.port}; }
    std::string name;
    {
      const raw_peer half{door.port};
      half.say("\xA7");
      name = half.own_name();
    }
    CHECK(log.wait_for("left in the middle of the handshake"));
    CHECK(log.count() == 1);
    CHECK(log.first().first == name);
  }

  TEST_CASE("a flood from one address evicts nobody who dials from another") {
    refusals log;
    greeter door{with("s", log)};
    slow_dialler honest{door.port, "127.0.0.1"};
    std::vector<slow_dialler> flood;
    for (int i = 0; i < 300; ++i) flood.emplace_back(door.port, "127.0.0.2");
    CHECK(honest.finish());
    CHECK(log.count() == 300 - 32);
    CHECK(flood.back().finish());
    CHECK_FALSE(flood.front().finish());
  }

  TEST_CASE("a flood from many addresses evicts only those that hold more than one place") {
    refusals log;
    auto options = with("s", log);
    options.handshakes_max = 8;
    options.handshakes_max_per_address = 4;
    greeter door{options};
    slow_dialler honest{door.port, "127.0.0.1"};
    std::vector<slow_dialler> flood;
    for (int i = 0; i < 60; ++i)
      flood.emplace_back(door.port, "127.0.0." + std::to_string(2 + i % 6));
    CHECK(log.wait_for("more than 8 connections waited"));
    CHECK(honest.finish());
  }

  TEST_CASE("out of descriptors the door waits, and serves when there are some again") {
    refusals log;
    greeter door{with("s", log)};
    door.guard.watch(door.id.value(), false);
    const raw_peer guest{door.port};  // in the kernel's queue
    rlimit normal{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &normal) == 0);
    const rlimit none{3, normal.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    door.guard.watch(door.id.value(), true);
    CHECK_FALSE(guest.hears_within(250ms));
    REQUIRE(setrlimit(RLIMIT_NOFILE, &normal) == 0);
    challenge talk{challenge_role::dialler, derive_challenge_key("s"), fresh_challenge_nonce()};
    guest.say(talk.take_output());
    CHECK(guest.hear(challenge_hello_bytes).size() == challenge_hello_bytes);
  }
}

}  // namespace
