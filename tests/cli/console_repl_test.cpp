// The console against a scripted server: what it sends, what it prints, and how it ends.
#include "cli/console_repl.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "cli/console_words.hpp"
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

session talk(console_input& input, bool errors_fail) {
  scripted_node node;
  session out;
  std::ostringstream replies;
  std::ostringstream complaints;
  {
    fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto client = console_client::connect(server.path());
    REQUIRE(client.ok());
    out.status = run_console(client.value(), input, {replies, complaints, errors_fail});
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

session commands(std::vector<std::string> lines) {
  list_input input(std::move(lines));
  return talk(input, true);
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

  TEST_CASE("completion offers the next command word and nothing where a key is due") {
    using words = std::vector<std::string>;
    CHECK(complete_words("k") == words{"KEY"});
    CHECK(complete_words("KEY b") == words{"BLOB"});
    CHECK(complete_words("key blob ") == words{"GET", "SET"});
    CHECK(complete_words("[ID:1] node ") == words{"LIST", "INFO", "PING", "REMOVE"});
    CHECK(complete_words("KEY GET ").empty());
    CHECK(complete_words("NOPE ").empty());
  }
}
