// Mutated sessions against a real gateway: whatever comes, the gateway lives, and a client beside
// it is served. The seed is fixed, so a failure is repeated by running the test again.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "socket_client.hpp"

namespace {

using namespace atlas::net;
using namespace atlas::net::testing;

const std::vector<std::string> lines{
    "KEY PUT a.b hello world\r\n",
    "KEY PUT a.b PRINCIPAL bob WORM TTL 1h x\r\n",
    "KEY SET a.c WORM EXPIRES 2030-01-02T03:04:05Z x\r\n",
    "KEY GET a.b\r\n",
    "KEY DEL a.b\n",
    std::string("KEY BLOB SET a.d 11\r\nx\r\nOK\r\n\x00\xFF\r\n", 32),
    "KEY BLOB GET a.d\r\n",
    "[ID:1] KEY GET a.b\r\n",
    "[ID:a b]KEY PUT c.d  \r\n",
    "[ID:2] KEY BLOB SET b 3\r\nabc",
    "PRINCIPAL ASSUME alice\r\n",
    "[ID:3] PRINCIPAL WHOAMI\r\n",
    "NODE PING 1\r\n",
    "QUORUM INFO t\r\n",
    "SCAN a\r\n",
    "ACL GRANT a.b bob PERMS READ\r\n",
    "SCAN a. LIMIT 2 AFTER a.b VALUES x y\r\n",
    "KEY MGET a.b a.c a.d\r\n",
    "KEY CAS a.b 1 hello\r\n",
    "KEY INCR a.n -5\r\n",
    "KEY BLOB GET a.d RANGE 1 5\r\n",
    "KEY WORM a.b TTL 1h\r\n",
    "SAMPLE a. N 3\r\n",
    "TXN BEGIN\r\nIF a.b ABSENT\r\nPUT a.b x\r\nINCR a.n\r\nTXN COMMIT\r\n",
    "HELP KEY\r\n",
    "\r\n",
    "foo\r\n",
};

std::string session(std::mt19937_64& random) {
  std::string out = "HELLO 1.0 fuzz\r\n";
  for (auto n = random() % 12; n > 0; --n) out += lines[random() % lines.size()];
  return out;
}

void mutate(std::string& s, std::mt19937_64& random) {
  static const std::vector<std::string> spice{"\r\n",
                                              "\n",
                                              "\r",
                                              " ",
                                              "  ",
                                              "\t",
                                              "[ID:",
                                              "] ",
                                              std::string(1, '\0'),
                                              "\xC2\xA0",
                                              "\xE2\x80",
                                              "-1",
                                              "99999999999999999999",
                                              "KEY",
                                              "KEY BLOB SET k 5\r\n"};
  const auto at = s.empty() ? 0 : random() % s.size();
  switch (random() % 6) {
    case 0:  // another byte
      if (!s.empty()) s[at] = static_cast<char>(random());
      break;
    case 1:
      s.insert(at, spice[random() % spice.size()]);
      break;
    case 2:
      s.erase(at, random() % 8);
      break;
    case 3:  // a piece twice
      s.insert(at, s.substr(at, random() % 40));
      break;
    case 4:  // broken off
      if (random() % 4 == 0) s.resize(at);
      break;
    default:  // a long run
      s.insert(at, std::string(random() % 6000, static_cast<char>("x \n]"[random() % 4])));
      break;
  }
}

/// Sends `input` in pieces of random size; ends in one of the ways clients end.
void play(const std::string& path, const std::string& input, std::mt19937_64& random) {
  socket_client c(path);
  REQUIRE(c.connected());
  std::string_view rest = input;
  while (!rest.empty()) {
    const auto n = std::min<std::size_t>(rest.size(), 1 + random() % 400);
    if (!c.say(rest.substr(0, n))) return;
    rest.remove_prefix(n);
  }
  switch (random() % 3) {
    case 0:
      return c.close();
    case 1: {
      c.end_sending();
      const auto heard = c.rest();
      // Whatever was sent, the gateway speaks its own protocol to the end.
      CHECK(heard.substr(0, 27) == "WELCOME 1.0 Chronalys/1.0\r\n");
      return;
    }
    default:
      CHECK(c.line() == "WELCOME 1.0 Chronalys/1.0\r\n");
  }
}

}  // namespace

TEST_SUITE("net/client_gateway fuzz") {
  TEST_CASE("no sequence of bytes breaks the gateway or disturbs another client") {
    gateway_options o;
    o.line_bytes_max = 20'000;
    o.requests_in_flight_max = 16;
    o.output_bytes_max = 4000;
    SUBCASE("one at a time") {}
    SUBCASE("pipelined") {
      o.pipeline_untagged = true;
    }
    running_gateway g(o);
    socket_client witness(g.path);
    witness.hello();
    std::mt19937_64 random(0xA71A5);
    for (int i = 0; i < 1500; ++i) {
      CAPTURE(i);
      auto input = session(random);
      for (auto n = random() % 6; n > 0; --n) mutate(input, random);
      play(g.path, input, random);
      if (i % 10 == 0) {
        REQUIRE(witness.say("PRINCIPAL WHOAMI\r\n"));
        REQUIRE(witness.bytes(22) == "PRINCIPAL (none)\r\nOK\r\n");
      }
    }
    CHECK(g.answers());
  }

  TEST_CASE("a backend that answers late and out of order makes no difference") {
    gateway_options o;
    o.pipeline_untagged = true;
    running_gateway g(o);
    g.serve.hold();
    std::mt19937_64 random(0xB0B);
    for (int i = 0; i < 300; ++i) {
      CAPTURE(i);
      auto input = session(random);
      mutate(input, random);
      socket_client c(g.path);
      c.say(input);
      if (random() % 2 == 0) c.end_sending();
      g.serve.release(random() % 2 == 0);
      if (random() % 3 == 0) c.line();
    }
    g.serve.release_for_good();
    CHECK(eventually([&] { return g.serve.waiting() == 0; }));
    CHECK(g.answers());
  }
}
