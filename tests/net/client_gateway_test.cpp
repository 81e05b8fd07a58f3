// The gateway on a real socket: life and death of connections, of the socket file and of the
// thread.
#include "net/client_gateway.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "net/socket_file.hpp"
#include "socket_client.hpp"

namespace {

using namespace atlas::net;
using namespace atlas::net::testing;
using namespace std::chrono_literals;

unsigned mode_of(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777u : 0;
}

gateway_options at(const std::string& path) {
  gateway_options o;
  o.socket_path = path;
  return o;
}

}  // namespace

TEST_SUITE("net/client_gateway") {
  TEST_CASE("a session sent byte by byte is served like one sent at once") {
    running_gateway g;
    const std::string input =
        "HELLO 1.0 x\r\nKEY PUT a.b  two words \r\nKEY GET a.b\nKEY BLOB SET a.c 7\r\n12\r\n\n56"
        "KEY BLOB GET a.c\r\n\r\nfoo\r\nPRINCIPAL ASSUME bob\r\nQUORUM INFO t\r\nKEY GET a.b";
    const std::string expected =
        "WELCOME 1.0 Chronalys/1.0\r\nREADY\r\nOK\r\nVALUE: two words \r\nOK\r\nOK\r\nBLOB 7\r\n"
        "12\r\n\n56OK\r\nERROR WARN command expected, got FOO\r\nOK\r\nacting bob\r\nOK\r\n"
        "VALUE: two words \r\nOK\r\n";
    socket_client whole(g.path);
    CHECK(whole.say(input));
    whole.end_sending();
    CHECK(whole.rest() == expected);

    socket_client dripping(g.path);
    for (const char c : input) CHECK(dripping.say({&c, 1}));
    dripping.end_sending();
    CHECK(dripping.rest() == expected);
  }

  TEST_CASE("a burst of requests reaches the backend in few rounds") {
    gateway_options o;
    o.pipeline_untagged = true;
    running_gateway g(o);
    socket_client c(g.path);
    c.hello();
    const auto before = g.serve.rounds();
    std::string burst;
    std::string expected;
    for (int i = 0; i < 500; ++i) {
      burst += "KEY PUT t." + std::to_string(i) + " value\r\n";
      expected += "OK\r\n";
    }
    CHECK(c.say(burst));
    CHECK(c.bytes(expected.size()) == expected);
    CHECK(g.serve.requests() == 500);
    CHECK(g.serve.rounds() - before < 10);
  }

  TEST_CASE("answers made on another thread arrive after a wake, in any order") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    g.serve.hold();
    std::string burst;
    for (int i = 0; i < 100; ++i) burst += "[ID:" + std::to_string(i) + "] KEY GET k\r\n";
    CHECK(c.say(burst));
    CHECK(eventually([&] { return g.serve.waiting() == 100; }));
    g.serve.release(true);
    for (int i = 99; i >= 0; --i) {
      const auto tag = "[ID:" + std::to_string(i) + "] ";
      CHECK(c.line() == tag + "NOT_FOUND\r\n");
      CHECK(c.line() == tag + "OK\r\n");
    }
  }

  TEST_CASE("wake may be called by many threads at once") {
    running_gateway g;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&g] {
        for (int n = 0; n < 5000; ++n) g.door->wake();
      });
    for (auto& t : threads) t.join();
    CHECK(g.answers());
  }

  TEST_CASE("a fatal error is read by its client even if that goes on sending") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    CHECK(c.say("KEY BLOB SET k nonsense\r\n"));
    for (int i = 0; i < 20; ++i) c.say("KEY PUT never x\r\n");
    CHECK(c.line() == "ERROR FATAL invalid length nonsense: 0 to 134217728 bytes expected\r\n");
    CHECK(c.rest() == "");
    CHECK(g.serve.requests() == 0);
    CHECK(g.answers());
  }

  TEST_CASE("a client that goes away frees its place before its requests are answered") {
    gateway_options o;
    o.connections_max = 1;
    running_gateway g(o);
    g.serve.hold();
    {
      socket_client c(g.path);
      c.hello();
      CHECK(c.say("[ID:1] KEY GET a\r\nKEY GET b\r\n"));
      CHECK(eventually([&] { return g.serve.waiting() == 2; }));
    }
    CHECK(eventually([&] { return g.answers(); }));
    g.serve.release_for_good();  // late answers go nowhere
    CHECK(eventually([&] { return g.answers(); }));
  }

  TEST_CASE("a client that may not be read for the moment is noticed when it goes away") {
    gateway_options o;
    o.requests_in_flight_max = 1;
    o.connections_max = 1;
    running_gateway g(o);
    g.serve.hold();
    {
      socket_client c(g.path);
      c.hello();
      CHECK(c.say("[ID:1] KEY GET a\r\n[ID:2] KEY GET a\r\n"));
      CHECK(eventually([&] { return g.serve.waiting() == 1; }));
      CHECK(c.say("[ID:3] KEY GET a\r\n"));
    }
    CHECK(eventually([&] { return g.answers(); }));
    CHECK(g.serve.waiting() == 1);
  }

  TEST_CASE("a gateway without work does not run") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    CHECK(c.say("KEY GET a\r\n"));
    CHECK(c.bytes(15) == "NOT_FOUND\r\nOK\r\n");
    g.serve.hold();
    CHECK(c.say("KEY GET a\r\n"));
    CHECK(eventually([&] { return g.serve.waiting() == 1; }));
    const auto before = g.serve.polls();
    // A loop that spins would poll thousands of times while this thread gives way.
    for (int i = 0; i < 20'000; ++i) std::this_thread::yield();
    g.serve.release();
    CHECK(c.bytes(15) == "NOT_FOUND\r\nOK\r\n");
    CHECK(g.serve.polls() - before <= 5);
  }

  TEST_CASE("stop answers what is in flight, reads nothing more and removes the socket") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    socket_client idle(g.path);
    idle.hello();
    g.serve.hold();
    CHECK(c.say("KEY PUT a x\r\nNODE LIST\r\n"));  // NODE LIST waits for the put
    CHECK(eventually([&] { return g.serve.waiting() == 1; }));
    std::thread stopper([&] { g.door->stop(std::chrono::milliseconds(patience_ms)); });
    CHECK(idle.rest() == "");  // closed at once: nothing to wait for
    CHECK_FALSE(std::filesystem::exists(g.path));
    g.serve.release_for_good();
    CHECK(c.rest() == "OK\r\n");
    stopper.join();
    g.door->stop(0ms);
    CHECK(g.serve.requests() == 1);
  }

  TEST_CASE("stop gives up on answers when its grace is over") {
    running_gateway g;
    socket_client c(g.path);
    c.hello();
    g.serve.hold();
    CHECK(c.say("KEY PUT a x\r\n"));
    CHECK(eventually([&] { return g.serve.waiting() == 1; }));
    g.door->stop(1ms);
    CHECK(c.rest() == "");
    CHECK(g.serve.waiting() == 1);
  }

  TEST_CASE("a gateway that was never started leaves nothing behind") {
    scratch_directory directory;
    memory_backend serve;
    const auto path = directory.file("socket");
    {
      auto opened = open_client_gateway(at(path), serve);
      REQUIRE(opened.ok());
      CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
  }
}

TEST_SUITE("net/socket_file") {
  TEST_CASE("missing directories are private, the socket has the mode asked for") {
    scratch_directory directory;
    const auto path = directory.file("a/b/socket");
    auto door = client_door::open(path, 0620);
    REQUIRE(door.ok());
    CHECK(mode_of(directory.file("a")) == 0700);
    CHECK(mode_of(directory.file("a/b")) == 0700);
    CHECK(mode_of(path) == 0620);
  }

  TEST_CASE("a second listener is refused by name and the first one goes on") {
    running_gateway g;
    memory_backend other;
    const auto second = open_client_gateway(at(g.path), other);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == atlas::core::errc::refused);
    CHECK(second.error().detail.find(g.path) != std::string::npos);
    CHECK(g.answers());
  }

  TEST_CASE("a socket file that nobody listens on is replaced") {
    scratch_directory directory;
    const auto path = directory.file("socket");
    {
      // Bound and closed without unlink: what a killed process leaves.
      const owned_fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path, path.c_str(), path.size());
      REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    REQUIRE(std::filesystem::exists(path));
    CHECK(client_door::open(path, 0600).ok());
  }

  TEST_CASE("a file that is no socket is never removed") {
    scratch_directory directory;
    const auto path = directory.file("socket");
    std::ofstream(path) << "precious";
    const auto refused = client_door::open(path, 0600);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().detail.find(path) != std::string::npos);
    std::string word;
    std::ifstream(path) >> word;
    CHECK(word == "precious");
  }

  TEST_CASE("a socket file that somebody else put in place stays when the door is shut") {
    scratch_directory directory;
    const auto path = directory.file("socket");
    auto door = client_door::open(path, 0600);
    REQUIRE(door.ok());
    std::filesystem::rename(path, directory.file("old"));
    std::ofstream(path) << "new";
    door.value().shut();
    CHECK(std::filesystem::exists(path));
  }

  TEST_CASE("paths that do not fit or cannot be made are refused") {
    scratch_directory directory;
    CHECK_FALSE(client_door::open("", 0600).ok());
    CHECK_FALSE(client_door::open(directory.file(std::string(200, 'x')), 0600).ok());
    std::ofstream(directory.file("file")) << "x";
    CHECK_FALSE(client_door::open(directory.file("file/socket"), 0600).ok());
  }
}
