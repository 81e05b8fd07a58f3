// The console against a scripted server: what it sends, what it prints, and how it ends.
#include "cli/console_repl.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/fake_server.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_server;
using atlas::tests::temp_dir;

// Answers in the way of a node; remembers the lines and blobs it was sent.
struct scripted_node {
  std::mutex mutex;
  std::vector<std::string> seen;

  void serve(fake_connection& client) {
    note(client.greet());
    while (auto line = client.line()) {
      note(*line);
      if (!answer(client, *line)) return;
    }
  }

  bool answer(fake_connection& client, const std::string& line) {
    if (line.rfind("KEY BLOB SET", 0) == 0 || line.rfind("key blob set", 0) == 0) {
      note(client.bytes(std::stoul(line.substr(line.rfind(' ') + 1))));
      client.send("OK\r\n");
    } else if (line == "KEY BLOB GET b") {
      client.send("BLOB 5\r\nhe\r\no");
      client.send("OK\r\n");
    } else if (line == "KEY GET a") {
      client.send("VALUE:hel");
      client.send("lo\r\nOK\r\n");
    } else if (line == "[ID:7] KEY GET a") {
      client.send("[ID:6] OK\r\n[ID:7] VALUE:hello\r\n[ID:6] VALUE:late\r\n[ID:7] OK\r\n");
    } else if (line == "SCAN a") {
      client.send("KEYS:2\r\na.b\r\na.c\r\nOK\r\n");
    } else if (line == "TXN BEGIN") {
      client.send("OK\r\n");
    } else if (line == "PUT a b") {
      client.send("QUEUED\r\n");
    } else if (line == "TXN COMMIT") {
      client.send("CONFLICT a VERSION:3\r\nOK\r\n");
    } else if (line == "[ID:w] WATCH a.") {
      client.send("[ID:w] WATCHING 4\r\n[ID:w] EVENT 5 PUT a.b version=1 principal=- length=2\r\n");
      client.send("x\n\r\n");
    } else if (line == "[ID:v] WATCH a.") {
      client.send("[ID:v] WATCHING 4\r\n[ID:v] GAP 4 9\r\n");
      return false;
    } else if (line == "[ID:u] WATCH a.") {
      client.send("[ID:u] WATCHING 4\r\n[ID:u] GAP 4 9\r\n[ID:u] OK\r\n");
    } else if (line == "UNWATCH w") {
      client.send("[ID:w] EVENT 6 DEL a.b version=2 principal=-\r\n[ID:w] OK\r\n");
    } else if (line == "KEY BLOB GET half") {
      client.send("BLOB 9\r\nabc");
      return false;
    } else if (line == "KEY BLOB GET none") {
      client.send("EMPTY\r\nOK\r\n");
    } else if (line == "DIE") {
      return false;
    } else if (line == "FATAL") {
      client.send("ERROR FATAL command exceeded maximum length\r\n");
      return false;
    } else {
      client.send("ERROR WARN command expected, got " + line + "\r\n");
    }
    return true;
  }

  void note(const std::string& text) {
    const std::lock_guard lock(mutex);
    seen.push_back(text);
  }
};

struct session {
  int status = -1;
  std::string replies;
  std::string complaints;
  std::vector<std::string> seen;  // without the greeting
};

session talk(console_input& input, bool errors_fail, bool json = false) {
  scripted_node node;
  session out;
  std::ostringstream replies;
  std::ostringstream complaints;
  {
    fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto client = console_client::connect(server.path());
    REQUIRE(client.ok());
    console_session session(std::move(client).value(), {});
    out.status = run_console(session, input, {replies, complaints, errors_fail, json});
    out.complaints = complaints.str();
    const auto at = out.complaints.find(server.path());
    if (at != std::string::npos) out.complaints.replace(at, server.path().size(), 1, 'S');
  }
  out.replies = replies.str();
  REQUIRE_FALSE(node.seen.empty());
  CHECK(node.seen[0] == "HELLO 1.0 clientId=console");
  out.seen.assign(node.seen.begin() + 1, node.seen.end());
  return out;
}

session pipe(const std::string& text) {
  std::istringstream in(text);
  stream_input input(in);
  return talk(input, false);
}

session commands(std::vector<std::string> lines, bool json = false) {
  list_input input(std::move(lines));
  return talk(input, true, json);
}

// Keeps the prompts that a person would have seen.
class prompted_input final : public console_input {
 public:
  explicit prompted_input(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  std::optional<std::string> line(const std::string& prompt) override {
    prompts.push_back(prompt);
    return lines_.line(prompt);
  }
  std::optional<std::string> bytes(std::size_t) override { return std::nullopt; }
  [[nodiscard]] bool interactive() const override { return true; }

  std::vector<std::string> prompts;

 private:
  list_input lines_;
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t entries(const temp_dir& dir) {
  return std::distance(std::filesystem::directory_iterator(dir.path()), {});
}

// Times differ from run to run.
std::string timeless(const std::string& text) {
  return std::regex_replace(text, std::regex("[0-9]+\\.[0-9]+( ms|\\})"), "T$1");
}

}  // namespace

TEST_SUITE("cli/console") {
  TEST_CASE("piped commands print their frames and end well, errors and empty lines included") {
    const auto s = pipe("KEY GET a\n\n   \nSCAN a\r\nFOO\nKEY BLOB GET b");
    CHECK(s.status == 0);
    CHECK(s.replies ==
          "VALUE:hello\nOK\nKEYS:2\na.b\na.c\nOK\nERROR WARN command expected, got FOO\n"
          "BLOB 5\nhe\r\no\nOK\n");
    CHECK(s.complaints.empty());
    CHECK(s.seen == std::vector<std::string>{"KEY GET a", "SCAN a", "FOO", "KEY BLOB GET b"});
  }

  TEST_CASE("EXIT in any case leaves, and only as a word") {
    const auto s = pipe("exits\n Exit now\nKEY GET a\n");
    CHECK(s.status == 0);
    CHECK(s.seen == std::vector<std::string>{"exits"});
  }

  TEST_CASE("a tagged request ends with its own last frame; others are shown as they come") {
    const auto s = pipe("[ID:7] KEY GET a\nKEY GET a\n");
    CHECK(s.status == 0);
    CHECK(s.replies ==
          "[ID:6] OK\n[ID:7] VALUE:hello\n[ID:6] VALUE:late\n[ID:7] OK\nVALUE:hello\nOK\n");
  }

  TEST_CASE("commands of -c fail as a whole when one reply is an error") {
    CHECK(commands({"KEY GET a"}).status == 0);
    const auto s = commands({"FOO", "KEY GET a"});
    CHECK(s.status == 1);
    CHECK(s.replies == "ERROR WARN command expected, got FOO\nVALUE:hello\nOK\n");
  }

  TEST_CASE("a lost connection is told and ends with 1") {
    const auto s = pipe("DIE\nKEY GET a\n");
    CHECK(s.status == 1);
    CHECK(s.complaints == "atlas-console: connection to S lost: closed by the server\n");
    CHECK(s.replies.empty());
  }

  TEST_CASE("a fatal error is printed and ends with 1") {
    const auto s = pipe("FATAL\nKEY GET a\n");
    CHECK(s.status == 1);
    CHECK(s.replies == "ERROR FATAL command exceeded maximum length\n");
  }

  TEST_CASE("a file goes out as a blob") {
    const temp_dir dir;
    const std::string content("a\0b\r\nEXIT\n", 10);
    std::ofstream(dir.file("f"), std::ios::binary) << content;
    const auto s = commands({"key blob set k @" + dir.file("f"), "KEY GET a"});
    CHECK(s.status == 0);
    CHECK(s.seen == std::vector<std::string>{"key blob set k 10", content, "KEY GET a"});
  }

  TEST_CASE("a large file arrives whole") {
    const temp_dir dir;
    std::string content;
    for (int i = 0; i < 200'000; ++i) content += std::to_string(i) + "\n";
    std::ofstream(dir.file("f"), std::ios::binary) << content;
    const auto s = commands({"KEY BLOB SET k @" + dir.file("f")});
    CHECK(s.status == 0);
    REQUIRE(s.seen.size() == 2);
    CHECK(s.seen[0] == "KEY BLOB SET k " + std::to_string(content.size()));
    CHECK(s.seen[1] == content);
  }

  TEST_CASE("a file that is missing is told, and nothing is sent") {
    const temp_dir dir;
    const auto s = commands({"KEY BLOB SET k @" + dir.file("f"), "KEY GET a"});
    CHECK(s.status == 1);
    CHECK(s.complaints == "atlas-console: " + dir.file("f") + ": No such file or directory\n");
    CHECK(s.seen == std::vector<std::string>{"KEY GET a"});
  }

  TEST_CASE("in a pipe a blob's bytes stand behind its line") {
    const auto s =
        pipe("KEY BLOB SET k 5\na\nb\ncKEY GET a\nKEY BLOB SET k 0\nKEY BLOB SET k 9\nxx");
    CHECK(s.status == 0);
    CHECK(s.seen == std::vector<std::string>{"KEY BLOB SET k 5", "a\nb\nc", "KEY GET a",
                                             "KEY BLOB SET k 0", ""});
    CHECK(s.complaints ==
          "atlas-console: the 9 bytes do not follow; write KEY BLOB SET <key> @file\n");
  }

  TEST_CASE("a socket that is absent, silent about Atlas or refusing is told") {
    const temp_dir dir;
    CHECK(console_client::connect(dir.file("s")).error().detail ==
          "cannot connect to " + dir.file("s") + ": No such file or directory");
    CHECK(console_client::connect(std::string(108, 'x') + "/").error().detail.find("107 bytes") !=
          std::string::npos);
    {
      const fake_server server([](fake_connection& c) { c.send("220 mail ready\r\n"); });
      CHECK(console_client::connect(server.path()).error().detail ==
            server.path() + ": unexpected welcome message: 220 mail ready");
    }
    const fake_server server([](fake_connection& c) {
      c.send("WELCOME 1.0 Chronalys/1.0\r\n");
      c.line();
      c.send("ERROR FATAL invalid handshake\r\n");
    });
    CHECK(console_client::connect(server.path()).error().detail ==
          server.path() + ": unexpected ready message: ERROR FATAL invalid handshake");
  }

  TEST_CASE("a blob is saved, and only when there is one") {
    const temp_dir dir;
    const auto s =
        commands({"KEY BLOB GET b > " + dir.file("f"), "KEY BLOB GET none > " + dir.file("g")});
    CHECK(s.status == 0);
    CHECK(s.replies == "BLOB 5\nOK\nEMPTY\nOK\n");
    CHECK(content(dir.file("f")) == "he\r\no");
    CHECK(entries(dir) == 1);
    CHECK(s.seen == std::vector<std::string>{"KEY BLOB GET b", "KEY BLOB GET none"});
  }

  TEST_CASE("half a blob leaves the old file and nothing else") {
    const temp_dir dir;
    std::ofstream(dir.file("f")) << "old";
    const auto s = commands({"KEY BLOB GET half > " + dir.file("f")});
    CHECK(s.status == 1);
    CHECK(s.complaints == "atlas-console: connection to S lost: closed by the server\n");
    CHECK(content(dir.file("f")) == "old");
    CHECK(entries(dir) == 1);
  }

  TEST_CASE("a file that can not be written is told before anything is asked") {
    const temp_dir dir;
    std::filesystem::create_directory(dir.file("d"));
    const auto s = commands({"KEY BLOB GET b > " + dir.file("d"), "KEY GET a"});
    CHECK(s.status == 1);
    CHECK(s.complaints == "atlas-console: " + dir.file("d") + ": is a directory\n");
    CHECK(s.seen == std::vector<std::string>{"KEY GET a"});
  }

  TEST_CASE("a transaction shows in the prompt") {
    prompted_input input({"TXN BEGIN", "PUT a b", "TXN COMMIT", "KEY GET a"});
    const auto s = talk(input, false);
    CHECK(s.replies == "OK\nQUEUED\nCONFLICT a VERSION:3\nOK\nVALUE:hello\nOK\n");
    CHECK(input.prompts == std::vector<std::string>{"> ", "txn> ", "txn> ", "> ", "> "});
  }

  TEST_CASE("events are shown as they come, and a watch outlives the end of input") {
    const auto open = pipe("[ID:v] WATCH a.\n");
    CHECK(open.status == 1);
    CHECK(open.replies == "[ID:v] WATCHING 4\n[ID:v] GAP 4 9\n");
    CHECK(open.complaints == "atlas-console: connection to S lost: closed by the server\n");
    const auto ended = pipe("[ID:u] WATCH a.\n");
    CHECK(ended.status == 0);
    CHECK(ended.replies == "[ID:u] WATCHING 4\n[ID:u] GAP 4 9\n[ID:u] OK\n");
    const auto s = pipe("[ID:w] WATCH a.\nKEY GET a\nUNWATCH w\nKEY GET a\n");
    CHECK(s.status == 0);
    CHECK(s.replies ==
          "[ID:w] WATCHING 4\n[ID:w] EVENT 5 PUT a.b version=1 principal=- length=2\nx\n\n"
          "VALUE:hello\nOK\n[ID:w] EVENT 6 DEL a.b version=2 principal=-\n[ID:w] OK\n"
          "VALUE:hello\nOK\n");
  }

  TEST_CASE("JSON is one line for each command, complaints included") {
    const auto s = commands(
        {"KEY GET a", "KEY BLOB SET k @/nonexistent", "[ID:w] WATCH a.", "KEY GET a", "DIE"}, true);
    CHECK(s.status == 1);
    CHECK(s.complaints.empty());
    const auto text = timeless(s.replies);
    CHECK(text.substr(0, text.find("connection to ")) ==
          "{\"command\":\"KEY GET a\",\"ok\":true,\"value\":\"hello\",\"ms\":T}\n"
          "{\"command\":\"KEY BLOB SET k @/nonexistent\",\"ok\":false,\"error\":\"/nonexistent: No "
          "such "
          "file or directory\",\"ms\":T}\n"
          "{\"command\":\"[ID:w] WATCH a.\",\"id\":\"w\",\"ok\":true,\"lines\":[\"WATCHING "
          "4\"],\"ms\":T}\n"
          "{\"watch\":\"w\",\"event\":\"EVENT 5 PUT a.b version=1 principal=- "
          "length=2\",\"value\":\"x\\n\"}\n"
          "{\"command\":\"KEY GET a\",\"ok\":true,\"value\":\"hello\",\"ms\":T}\n"
          "{\"command\":\"DIE\",\"ok\":false,\"error\":\"");
  }

  TEST_CASE("times are told on request, beside the replies") {
    const auto s = pipe("\\time on\nKEY GET a\n\\time off\nKEY GET a\n\\nope\n");
    CHECK(s.status == 0);
    CHECK(s.replies == "VALUE:hello\nOK\nVALUE:hello\nOK\n");
    CHECK(timeless(s.complaints) ==
          "time: T ms\natlas-console: commands of the console itself: \\time on, \\time off\n");
    CHECK(s.seen == std::vector<std::string>{"KEY GET a", "KEY GET a"});
  }
}
