// One request and its reply, where the connection or the file breaks in between.
#include "cli/console_client.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <string>

#include "tests/cli/fake_server.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_server;
using atlas::tests::temp_dir;
using how = ask_result::how;

console_client connected(const fake_server& server) {
  auto client = console_client::connect(server.path());
  REQUIRE(client.ok());
  return std::move(client).value();
}

console_request read(const std::string& line) {
  auto request = make_request(line);
  REQUIRE(request.ok());
  return std::move(request).value();
}

}  // namespace

TEST_SUITE("cli/console_client") {
  TEST_CASE("a file that becomes shorter stores nothing and ends the connection") {
    const temp_dir dir;
    std::ofstream(dir.file("f")) << "hello world";
    std::promise<std::string> arrived;
    fake_server server([&arrived](fake_connection& c) {
      c.greet();
      c.line();
      arrived.set_value(c.bytes(11));
    });
    auto client = connected(server);
    const auto request = read("KEY BLOB SET k @" + dir.file("f"));
    REQUIRE(::truncate(dir.file("f").c_str(), 5) == 0);
    const auto asked = client.ask(request);
    CHECK(asked.ended == how::payload_failed);
    CHECK(asked.detail == dir.file("f") + ": became shorter while it was sent; nothing was stored");
    CHECK(arrived.get_future().get() == "hello");
  }

  TEST_CASE("a connection that was closed before is no doubt: nothing was sent") {
    fake_server server([](fake_connection& c) { c.greet(); });
    auto client = connected(server);
    while (!client.pending()) continue;  // the end of the connection is on its way
    const auto asked = client.ask(read("KEY PUT a b"));
    CHECK(asked.ended == how::not_sent);
  }

  TEST_CASE("the last words of a server that refuses are heard while a file is sent") {
    const temp_dir dir;
    std::ofstream(dir.file("f")) << std::string(4 << 20, 'x');
    fake_server server([](fake_connection& c) {
      c.greet();
      c.line();
      c.send("ERROR FATAL enough\r\n");
    });
    auto client = connected(server);
    const auto asked = client.ask(read("KEY BLOB SET k @" + dir.file("f")));
    // What was sent and not read may cost the words, but never the truth.
    if (asked.ended == how::answered)
      CHECK(asked.last.text == "ERROR FATAL enough");
    else
      CHECK(asked.ended == how::lost);
  }

  TEST_CASE("an answer that is too late or too long is given up") {
    fake_server silent([](fake_connection& c) {
      c.greet();
      while (c.line()) continue;
    });
    auto waits = connected(silent);
    const auto late = waits.ask(read("KEY GET a"), {},
                                {std::chrono::steady_clock::now() + std::chrono::milliseconds(5)});
    CHECK(late.ended == how::lost);
    CHECK(late.detail.ends_with("lost: no answer in time"));
    fake_server talks([](fake_connection& c) {
      c.greet();
      c.line();
      c.send("KEYS:1000000\r\n" + std::string(1 << 20, 'k') + "\r\n");
      c.line();
    });
    auto reads = connected(talks);
    const auto asked = reads.ask(read("SCAN a"), {}, {std::nullopt, 1000});
    CHECK(asked.detail.ends_with("lost: the answer is too long"));
  }

  TEST_CASE("a blob is handed on in parts while it comes") {
    const std::string blob(1 << 20, 'b');
    fake_server server([&blob](fake_connection& c) {
      c.greet();
      c.line();
      c.send("[ID:1] BLOB " + std::to_string(blob.size()) + "\r\n" + blob + "[ID:1] OK\r\n");
      c.line();
    });
    auto client = connected(server);
    std::string got;
    std::size_t parts = 0;
    ask_hooks hooks;
    hooks.on_part = [&got, &parts](std::string_view part) {
      got += part;
      ++parts;
    };
    const auto asked = client.ask(read("[ID:1] KEY BLOB GET k > f"), hooks);
    CHECK(asked.ended == how::answered);
    CHECK(got == blob);
    CHECK(parts > 1);
  }
}
