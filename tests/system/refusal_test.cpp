// What a node must not do: start with a configuration that it does not understand, let strangers
// in, or vote with a disk that is not the one it promised with.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// A stranger at the port for nodes, who sends `bytes` and stays.
class stranger {
 public:
  stranger(std::uint16_t port, const std::string& bytes)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    came_in_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    // The node may hang up while this is sent.
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  ~stranger() { ::close(fd_); }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;

  [[nodiscard]] bool came_in() const { return came_in_; }

 private:
  int fd_;
  bool came_in_ = false;
};

TEST_SUITE_BEGIN("system/refusal");

TEST_CASE("a configuration that can not be right is refused with file, line and remedy") {
  struct refused {
    std::string line;    ///< in place of the third line of the file
    std::string needle;  ///< what the refusal says of it
  };
  const std::vector<refused> all{
      {"regoin: eu", "regoin: .*region"},
      {"region: [a, b]", "region: .*write a zone name"},
      {"request_timeout: soon", "request_timeout: found \"?soon\"?.*10s"},
      {"quorum: {fn: -1}", "quorum.fn: .*write auto"},
      {"advertise: localhost", ".*advertise: .*host:port"},
      {"region: 'eu", ".*"},
  };
  atlas::tests::temp_dir dir;
  const auto file = dir.file("node.yaml");
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::ofstream(file) << "credentials: secret\ndb_path: " << dir.file("data") << "\n"
                        << all[i].line << "\nsocket: " << dir.file("socket") << "\n";
    const auto log = dir.file("log" + std::to_string(i));
    process node({node_program(), "--config", file}, log);
    CHECK(node.wait() == 1);
    const auto text = text_of(log);
    INFO(text);
    CHECK(text.find(file + ":3:") != std::string::npos);
    CHECK(std::regex_search(text, std::regex(all[i].needle)));
    CHECK_FALSE(std::filesystem::exists(dir.file("data")));
  }
  const auto log = dir.file("log");
  process node({node_program(), "--config", dir.file("no-such-file")}, log);
  CHECK(node.wait() == 1);
  CHECK(text_of(log).find(dir.file("no-such-file")) != std::string::npos);
}

TEST_CASE("a node with other credentials is refused, keeps trying and never opens its socket") {
  cluster c({"eu", "us"});
  INFO(c.logs());
  c.start(1);
  REQUIRE(c.serves(1));
  c.start(2, {"credentials=something-else"});
  // Several refusals at the door: it keeps trying.
  CHECK(eventually([&] { return count(c.log(1), "wrong credentials") >= 3; }));
  CHECK(count(c.log(2), "credentials refused by " + c.address(1)) >= 1);
  CHECK(c.program(2).running());
  CHECK_FALSE(std::filesystem::exists(c.socket(2)));
  CHECK(c.ask(1, "NODE LIST").lines.size() == 1);
  CHECK(c.ask(1, "KEY PUT users.alice 1").ok());
  c.program(2).terminate();
  CHECK(c.program(2).wait() == 0);
  // Nothing is spoiled: with the right secret the same disk joins.
  c.start(2);
  CHECK(c.serves(2));
  CHECK(c.ask_until_ok(2, "KEY GET users.alice").text() == "VALUE:1");
}

TEST_CASE("strangers at the port for nodes neither harm the node nor keep others from joining") {
  cluster c({"eu", "us"});
  INFO(c.logs());
  c.start(1);
  REQUIRE(c.serves(1));
  std::vector<std::unique_ptr<stranger>> strangers;
  for (int i = 0; i < 100; ++i)
    for (const auto& bytes : {std::string(), std::string("GET / HTTP/1.1\r\n\r\n"),
                              std::string(50'000, '\xff'), std::string("\0\0\0\1", 4)}) {
      strangers.push_back(std::make_unique<stranger>(c.port(1), bytes));
      CHECK(strangers.back()->came_in());
    }
  CHECK(eventually(
      [&] { return count(c.log(1), "it does not speak the Atlas node handshake") >= 1; }));
  c.start(2);
  CHECK(c.serves(2));
  CHECK(c.see_each_other(c.all(), 2));
  CHECK(c.ask_until_ok(2, "KEY PUT users.alice 1").ok());
}

TEST_CASE("a member that comes back with other credentials is kept out") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  c.kill(3);
  c.start(3, {"credentials=something-else"});
  CHECK(eventually([&] { return count(c.log(3), "credentials refused by ") >= 1; }));
  CHECK(eventually([&] {
    return count(c.log(1), "wrong credentials") >= 1 && count(c.log(2), "wrong credentials") >= 1;
  }));
  CHECK(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
  CHECK(c.see_each_other({1, 2}, 2));
}

TEST_CASE("a node whose disk was emptied does not come back under its old identity") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(3, "KEY PUT users.alice 1").ok());
  c.kill(3);
  c.empty_disk(3);
  c.start(3);
  CHECK(c.program(3).wait() == 1);
  CHECK(c.log(3).find("address " + c.address(3) + " belongs to node 3 with another disk") !=
        std::string::npos);
  CHECK_FALSE(client::connect(c.socket(3)).has_value());
  CHECK(c.see_each_other({1, 2}, 2));
  CHECK(c.ask(1, "NODE LIST").lines.size() == 3);
  CHECK(c.ask_until_ok(2, "KEY GET users.alice").text() == "VALUE:1");
  CHECK(c.ask_until_ok(1, "KEY PUT users.alice 2").ok());
}

TEST_CASE("a disk that was set back to an older copy is refused by the others") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  c.kill(3);
  const auto copy = c.file("copy");
  std::filesystem::copy(c.db_path(3), copy, std::filesystem::copy_options::recursive);
  for (int start = 0; start < 2; ++start) {
    c.start(3);
    REQUIRE(c.serves(3));
    REQUIRE(c.see_each_other({1, 2}, 3));
    c.kill(3);
  }
  c.empty_disk(3);
  std::filesystem::copy(copy, c.db_path(3), std::filesystem::copy_options::recursive);
  c.start(3);
  for (const std::size_t n : {1, 2})
    CHECK(eventually([&] { return count(c.log(n), "its disk was rolled back") >= 1; }));
  CHECK(c.see_each_other({1, 2}, 2));
  CHECK(c.ask_until_ok(1, "KEY PUT users.alice 1").ok());
}

TEST_SUITE_END();

}  // namespace
