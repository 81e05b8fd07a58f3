// One node: what a client wrote survives a crash, an operator can stop it, and clients that
// misbehave harm only themselves.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "core/rng.hpp"
#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

const std::string key_of_4096_bytes = "big." + std::string(4092, 'k');

TEST_SUITE_BEGIN("system/single");

TEST_CASE("a single node keeps what it acknowledged when it is killed") {
  cluster c({"local"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  {
    auto client = c.connect(1);
    CHECK(client.ask("KEY GET users.alice").text() == "NOT_FOUND");
    CHECK(client.ask("KEY PUT users.alice hello").text() == "");
    CHECK(client.ask("KEY GET users.alice").text() == "VALUE:hello");
    CHECK(client.ask("KEY PUT users.bob there").ok());
    CHECK(client.ask("KEY PUT plain without a table").ok());
    CHECK(client.ask("KEY DEL users.bob").ok());
    const std::string here = "id=1 region=local addr=127.0.0.1 port=" + std::to_string(c.port(1));
    CHECK(client.ask("QUORUM INFO users").text() ==
          "Q1 size=1\n" + here + "\nQ2 size=1\n" + here +
              "\nZONE region=local nodes=1 answer=1 need=1 silent=-\n"
              "SLACK 1 of 1 nodes in local answer; one more loss there stops commits");
  }
  for (int round = 0; round < 2; ++round) {
    c.kill(1);
    c.start(1);
    REQUIRE(c.serves(1));
    CHECK(c.ask(1, "KEY GET users.alice").text() == "VALUE:hello");
    CHECK(c.ask(1, "KEY GET users.bob").text() == "NOT_FOUND");
    CHECK(c.ask(1, "KEY GET plain").text() == "VALUE:without a table");
    CHECK(c.ask(1, "SCAN users.").text() == "KEYS:1\nusers.alice");
  }
}

TEST_CASE("an empty value and the longest key are kept, a longer key is refused") {
  cluster c({"local"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  auto client = c.connect(1);
  CHECK(client.ask("KEY BLOB GET files.empty").text() == "EMPTY");
  CHECK(client.blob_set("files.empty", "").ok());
  CHECK(client.ask("KEY BLOB GET files.empty").text() == "BLOB 0\n");
  CHECK(client.ask("KEY GET files.empty").text() == "VALUE:");
  CHECK(client.ask("KEY PUT files.empty").text().starts_with("ERROR WARN "));
  CHECK(client.ask("SCAN files.").text() == "KEYS:1\nfiles.empty");

  CHECK(client.ask("KEY PUT " + key_of_4096_bytes + " v").ok());
  CHECK(client.ask("KEY GET " + key_of_4096_bytes).text() == "VALUE:v");
  CHECK(std::regex_match(client.ask("KEY PUT " + key_of_4096_bytes + "k v").text(),
                         std::regex("ERROR WARN .*key.* 4097 bytes.* 4096.*")));
  CHECK(client.ask("KEY GET " + key_of_4096_bytes).text() == "VALUE:v");

  const std::string any_bytes("a\0b\r\n\xff OK\r\n", 12);
  CHECK(client.blob_set("files.bytes", any_bytes).ok());
  CHECK(client.ask("KEY BLOB GET files.bytes").text() == "BLOB 12\n" + any_bytes);
}

TEST_CASE("SIGTERM answers what was asked, removes the socket and exits with 0") {
  cluster c({"local"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  struct stat before {};
  REQUIRE(::stat(c.socket(1).c_str(), &before) == 0);
  CHECK((before.st_mode & 0777) == 0660);
  auto client = c.connect(1);
  CHECK(client.ask("KEY PUT users.alice 1").ok());
  CHECK(client.send("KEY PUT users.alice 2\r\n"));
  // The answer may come before the signal or through the drain; either way it comes.
  c.program(1).terminate();
  const auto answer = client.next_line();
  CHECK(c.program(1).wait() == 0);
  CHECK_FALSE(std::filesystem::exists(c.socket(1)));
  CHECK(c.log(1).find("stopped") != std::string::npos);
  c.start(1);
  REQUIRE(c.serves(1));
  // A signal that overtook the request leaves it unread: then it is neither answered nor done.
  CHECK(c.ask(1, "KEY GET users.alice").text() == (answer == "OK" ? "VALUE:2" : "VALUE:1"));
}

TEST_CASE("a second node on the same data directory is refused and the first goes on") {
  cluster c({"local", "local"});
  INFO(c.logs());
  c.start(1);
  REQUIRE(c.serves(1));
  c.start(2, {"db_path=" + c.db_path(1)});
  CHECK(c.program(2).wait() == 1);
  CHECK(c.log(2).find("another atlas-node uses " + c.db_path(1)) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(c.socket(2)));
  CHECK(c.ask(1, "KEY PUT users.alice 1").ok());
}

TEST_CASE("a socket on which somebody else listens is not taken over") {
  cluster c({"local", "eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  c.kill(2);
  c.start(2, {"socket=" + c.socket(1)});
  CHECK(c.program(2).wait() == 1);
  CHECK(c.log(2).find(c.socket(1)) != std::string::npos);
  CHECK(c.ask(1, "NODE LIST").ok());
}

TEST_CASE("junk, half a handshake and a client that never reads do not stop the others") {
  cluster c({"local"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  auto good = c.connect(1);
  REQUIRE(good.blob_set("files.large", std::string(500'000, 'x')).ok());
  std::vector<client> bad;
  atlas::core::rng random(7);
  std::string junk;
  while (junk.size() < 100'000) junk += static_cast<char>(random.below(256));
  for (int i = 0; i < 5; ++i) {
    auto rude = client::connect_rudely(c.socket(1));
    REQUIRE(rude.has_value());
    rude->send(junk, std::chrono::seconds(1));  // the node may hang up half way
    CHECK(rude->closed_by_server());
    auto half = client::connect_rudely(c.socket(1));
    REQUIRE(half.has_value());
    CHECK(half->send("HELLO 1."));
    bad.push_back(std::move(*half));
    auto deaf = c.connect(1);
    for (int n = 0; n < 50; ++n) CHECK(deaf.send("[ID:1] KEY BLOB GET files.large\r\n"));
    bad.push_back(std::move(deaf));
    auto in_payload = c.connect(1);
    CHECK(in_payload.send("KEY BLOB SET files.half 1000\r\n12345"));
    bad.push_back(std::move(in_payload));
  }
  for (int i = 0; i < 100; ++i) {
    CHECK(good.ask("KEY PUT users.alice " + std::to_string(i)).ok());
    CHECK(good.ask("KEY GET users.alice").text() == "VALUE:" + std::to_string(i));
  }
  bad.clear();
  CHECK(good.ask("KEY GET files.half").text() == "NOT_FOUND");
  CHECK(c.ask(1, "KEY GET users.alice").text() == "VALUE:99");
}

TEST_SUITE_END();

}  // namespace
