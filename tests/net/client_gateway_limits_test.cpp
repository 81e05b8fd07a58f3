// The gateway against clients that take too much: memory, connections, descriptors, time.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "socket_client.hpp"

namespace {

using namespace atlas::net;
using namespace atlas::net::testing;
using namespace std::chrono_literals;

/// Lowers the number of descriptors this process may have, for one scope.
class descriptor_limit {
 public:
  explicit descriptor_limit(rlim_t most) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lower{most, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  }
  ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  descriptor_limit(const descriptor_limit&) = delete;
  descriptor_limit& operator=(const descriptor_limit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_SUITE("net/client_gateway limits") {
  TEST_CASE("one client too many is told so, and a place that gets free is given away") {
    gateway_options o;
    o.connections_max = 2;
    running_gateway g(o);
    socket_client first(g.path);
    first.hello();
    {
      socket_client second(g.path);
      second.hello();
      socket_client third(g.path);
      CHECK(third.line() == "ERROR FATAL too many connections\r\n");
      CHECK(third.rest() == "");
    }
    CHECK(eventually([&] { return g.answers(); }));
  }

  TEST_CASE("without descriptors clients are refused or wait, and are served when there are some") {
    running_gateway g;
    socket_client first(g.path);
    first.hello();
    std::vector<socket_client> crowd;
    crowd.reserve(3);
    for (int i = 0; i < 3; ++i) {
      // The client's end needs a descriptor, too, so the limit is set behind it.
      crowd.emplace_back(g.path);
      crowd.back().hello();
    }
    {
      const int next = ::dup(0);
      REQUIRE(next >= 0);
      ::close(next);
      // Room for exactly one more: the client's own end.
      const descriptor_limit limit(static_cast<rlim_t>(next) + 1);
      socket_client late(g.path);
      REQUIRE(late.connected());
      CHECK(late.line() == "ERROR FATAL too many connections\r\n");
      CHECK(first.say("KEY GET a\r\n"));
      CHECK(first.bytes(15) == "NOT_FOUND\r\nOK\r\n");
    }
    CHECK(g.answers());
  }

  TEST_CASE("a client that never reads is paused and holds bounded memory, others are served") {
    gateway_options o;
    o.output_bytes_max = 64 << 10;
    running_gateway g(o);
    socket_client other(g.path);
    other.hello();
    CHECK(other.say("KEY PUT a " + std::string(1000, 'v') + "\r\n"));
    CHECK(other.line() == "OK\r\n");

    socket_client deaf(g.path);
    CHECK(deaf.say("HELLO 1.0 deaf\r\n"));
    std::string burst;
    for (int i = 0; i < 1000; ++i) burst += "KEY GET a\r\n";
    // 64 KiB of output are 65 answers; what else is taken in fits the sockets' own buffers.
    std::size_t sent = 0;
    while (sent < (64u << 20)) {
      const auto n = deaf.say_some(burst);
      sent += n;
      if (n > 0) continue;
      CHECK(other.say("KEY GET b\r\n"));  // a turn of the loop between two looks
      CHECK(other.bytes(15) == "NOT_FOUND\r\nOK\r\n");
      if (deaf.say_some("x") == 0) break;
      sent += 1;
    }
    CHECK(sent < (8u << 20));
    CHECK(g.serve.requests() < 5000);
    // Once it reads, it gets on.
    CHECK(deaf.line() == "WELCOME 1.0 Chronalys/1.0\r\n");
    CHECK(deaf.line() == "READY\r\n");
    for (int i = 0; i < 3000; ++i) {
      REQUIRE(deaf.line().size() == 1008);
      REQUIRE(deaf.line() == "OK\r\n");
    }
  }

  TEST_CASE("a client that does not read for too long is dropped") {
    gateway_options o;
    o.write_timeout = 50ms;
    running_gateway g(o);
    socket_client deaf(g.path);
    deaf.hello();
    CHECK(deaf.say("KEY PUT a " + std::string(4 << 20, 'v') + "\r\n"));
    CHECK(deaf.line() == "OK\r\n");
    CHECK(deaf.say("KEY GET a\r\n"));
    CHECK(eventually([&] { return !deaf.say("\r\n"); }));
    CHECK(g.answers());
  }

  TEST_CASE("unsent answers of all clients are bounded: the largest is dropped") {
    gateway_options o;
    o.output_bytes_max_total = 2 << 20;
    running_gateway g(o);
    socket_client small(g.path);
    small.hello();
    CHECK(small.say("KEY PUT a " + std::string(3 << 20, 'v') + "\r\n"));
    CHECK(small.line() == "OK\r\n");
    socket_client deaf(g.path);
    deaf.hello();
    CHECK(deaf.say("KEY GET a\r\n"));
    // Deaf until then: who reads as fast as is sent may get it all before anything is left unsent.
    CHECK(small.say("KEY GET b\r\n"));
    CHECK(small.bytes(15) == "NOT_FOUND\r\nOK\r\n");
    CHECK(deaf.rest().size() < (3u << 20));
  }

  TEST_CASE("a client that leaves before its fatal error is said leaves nothing in the accounts") {
    gateway_options o;
    o.connections_max = 2;
    o.output_bytes_max_total = 20'000;
    running_gateway g(o);
    g.serve.hold();
    socket_client witness(g.path);
    witness.hello();
    const std::string talk =
        "HELLO 1.0 x\r\n[ID:1] KEY GET a.b\r\nKEY BLOB SET k " + std::string(8000, 'x') + "\r\n";
    for (std::size_t i = 1; i <= 5; ++i) {
      CAPTURE(i);
      // There is a place only when the one before has been dropped.
      REQUIRE(eventually([&] {
        socket_client c(g.path);
        return c.line().starts_with("WELCOME") && c.say(talk) &&
               eventually([&] { return g.serve.waiting() == i; });
      }));
    }
    CHECK(eventually([&] { return g.answers(); }));
    CHECK(witness.say("PRINCIPAL WHOAMI\r\n"));
    CHECK(witness.line() == "PRINCIPAL (none)\r\n");
  }

  TEST_CASE("requests whose clients have gone count until they are answered") {
    gateway_options o;
    o.request_bytes_max_total = 1 << 20;
    running_gateway g(o);
    g.serve.hold();
    for (std::size_t i = 1; i <= 2; ++i) {
      socket_client c(g.path);
      CHECK(c.say("HELLO 1.0 x\r\nKEY PUT a " + std::string(600'000, 'v') + "\r\n"));
      CHECK(eventually([&] { return g.serve.waiting() == i; }));
    }
    socket_client third(g.path);
    CHECK(third.say("HELLO 1.0 x\r\nKEY GET b\r\n"));
    CHECK(third.line() == "WELCOME 1.0 Chronalys/1.0\r\n");
    // A turn of the loop behind the farewells and the words of the third.
    CHECK(socket_client(g.path).line() == "WELCOME 1.0 Chronalys/1.0\r\n");
    CHECK(g.serve.waiting() == 2);
    g.serve.release_for_good();
    CHECK(third.bytes(22) == "READY\r\nNOT_FOUND\r\nOK\r\n");
  }

  TEST_CASE("stopping does not wait for requests whose clients have gone") {
    running_gateway g;
    g.serve.hold();
    {
      socket_client c(g.path);
      c.hello();
      CHECK(c.say("[ID:1] KEY PUT a x\r\nKEY GET a\r\n"));
      CHECK(eventually([&] { return g.serve.waiting() == 2; }));
    }
    g.door->stop(24h);
    CHECK(g.serve.waiting() == 2);
  }

  TEST_CASE("unfinished input of all clients is bounded: the largest is refused") {
    gateway_options o;
    o.input_bytes_max_total = 1 << 20;
    o.value_bytes_max = o.blob_bytes_max;  // or it would go on in parts
    running_gateway g(o);
    socket_client modest(g.path);
    modest.hello();
    CHECK(modest.say("KEY BLOB SET a 100000\r\n" + std::string(50'000, 'm')));
    socket_client greedy(g.path);
    greedy.hello();
    CHECK(greedy.say("KEY BLOB SET b 100000000\r\n"));
    const std::string piece(100'000, 'g');
    for (int i = 0; i < 30 && greedy.say(piece); ++i) {
    }
    CHECK(greedy.line() ==
          "ERROR FATAL input memory exhausted: unfinished commands of all connections hold more "
          "than 1048576 bytes, this one the most\r\n");
    CHECK(greedy.rest() == "");
    CHECK(modest.say(std::string(50'000, 'm')));
    CHECK(modest.line() == "OK\r\n");
  }

  TEST_CASE("a line over the limit is refused while it is sent") {
    gateway_options o;
    o.line_bytes_max = 100'000;
    running_gateway g(o);
    socket_client c(g.path);
    c.hello();
    CHECK(c.say("KEY PUT a " + std::string(100'000 - 10, 'v') + "\r\n"));
    CHECK(c.line() == "OK\r\n");
    const std::string piece(10'000, 'x');
    for (int i = 0; i < 50 && c.say(piece); ++i) {
    }
    CHECK(c.line() == "ERROR FATAL command exceeded maximum length\r\n");
    CHECK(c.rest() == "");
  }

  TEST_CASE("values of many megabytes pass as line and as blob, byte for byte") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    std::string value(12 << 20, 'v');
    for (std::size_t i = 0; i < value.size(); i += 997) value[i] = ' ';
    CHECK(c.say("KEY PUT a.line " + value + "\r\n"));
    CHECK(c.line() == "OK\r\n");
    CHECK(c.say("KEY GET a.line\r\n"));
    CHECK(c.line() == "VALUE:" + value + "\r\n");
    CHECK(c.line() == "OK\r\n");
    for (std::size_t i = 0; i < value.size(); i += 499) value[i] = '\n';
    CHECK(c.say("KEY BLOB SET a.blob " + std::to_string(value.size()) + "\r\n" + value));
    CHECK(c.line() == "OK\r\n");
    CHECK(c.say("KEY BLOB GET a.blob\r\n"));
    CHECK(c.line() == "BLOB " + std::to_string(value.size()) + "\r\n");
    CHECK(c.bytes(value.size()) == value);
    CHECK(c.line() == "OK\r\n");
  }
}
