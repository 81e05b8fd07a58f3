// Names for completion from a scripted node, from one that is slow, and from none.
#include "cli/console_lookup.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "tests/cli/fake_server.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_server;
using atlas::tests::temp_dir;
using names = std::vector<std::string>;
using std::chrono::milliseconds;

constexpr milliseconds ample{10'000};  // never reached: the node answers at once

struct node {
  bool knows_limit = true;
  std::mutex mutex;
  names seen;

  void serve(fake_connection& c) {
    c.greet();
    while (const auto line = c.line()) {
      {
        const std::lock_guard lock(mutex);
        seen.push_back(*line);
      }
      const bool limit = line->find(" LIMIT ") != std::string::npos;
      if (*line == "TABLE LIST")
        c.send("TABLE name=users owner=1\r\nTABLE name=orders owner=1\r\nOK\r\n");
      else if (*line == "GROUP LIST")
        c.send("GROUP name=shop owner=1\r\nOK\r\n");
      else if (*line == "NODE LIST")
        c.send("NODE id=1 region=eu\r\nNODE id=12 region=eu\r\nNODE id=3 region=us\r\nOK\r\n");
      else if (line->starts_with("SCAN ") && limit && !knows_limit)
        c.send("ERROR WARN command not implemented: LIMIT\r\n");
      else if (line->starts_with("SCAN "))
        c.send("KEYS:3\r\nusers.al\r\nusers.a\x01\r\nusers.anne\r\nMORE users.anne\r\nOK\r\n");
      else
        c.send("OK\r\n");
    }
  }
};

names ask(node& n, const std::string& typed, const std::string& principal = "") {
  fake_server server([&n](fake_connection& c) { n.serve(c); });
  console_lookup lookup(
      server.path(), [&principal] { return principal; }, ample);
  return lookup.candidates(complete_words(typed));
}

}  // namespace

TEST_SUITE("cli/console_lookup") {
  TEST_CASE("tables, groups, nodes and regions come from the node") {
    node n;
    CHECK(ask(n, "TABLE INFO ") == names{"users", "orders"});
    CHECK(ask(n, "TABLE INFO o") == names{"orders"});
    CHECK(ask(n, "GROUP INFO ") == names{"shop"});
    CHECK(ask(n, "TABLE DROP ") == names{"users", "orders", "shop"});
    CHECK(ask(n, "NODE PING 1") == names{"1", "12"});
    CHECK(ask(n, "TABLE MOVE users TO ") == names{"1", "12", "3", "eu", "us"});
  }

  TEST_CASE("a key is its table's name first, then what a scan finds") {
    node n;
    CHECK(ask(n, "KEY GET u") == names{"users."});
    CHECK(n.seen == names{"TABLE LIST"});
    n.seen.clear();
    CHECK(ask(n, "KEY GET users.a") == names{"users.al", "users.anne"});
    CHECK(n.seen == names{"SCAN users.a LIMIT 200"});
  }

  TEST_CASE("a node without LIMIT is asked again") {
    node n;
    n.knows_limit = false;
    CHECK(ask(n, "KEY GET users.a") == names{"users.al", "users.anne"});
    CHECK(n.seen == names{"SCAN users.a LIMIT 200", "SCAN users.a"});
  }

  TEST_CASE("words alone ask nobody; the principal is assumed first") {
    node n;
    CHECK(ask(n, "KEY B") == names{"BLOB"});
    CHECK(n.seen.empty());
    ask(n, "GROUP INFO ", "alice");
    CHECK(n.seen == names{"PRINCIPAL ASSUME alice", "GROUP LIST"});
  }

  TEST_CASE("a node that says nothing costs the patience, and the next try is fresh") {
    std::atomic<int> connections = 0;
    fake_server server([&connections](fake_connection& c) {
      const bool silent = ++connections == 1;
      c.greet();
      while (c.line())
        if (!silent) c.send("GROUP name=shop\r\nOK\r\n");
    });
    console_lookup late(
        server.path(), [] { return ""; }, milliseconds{20});
    CHECK(late.candidates(complete_words("GROUP INFO ")).empty());
    console_lookup good(
        server.path(), [] { return ""; }, ample);
    CHECK(good.candidates(complete_words("GROUP INFO ")) == names{"shop"});
    CHECK(good.candidates(complete_words("GROUP INFO ")) == names{"shop"});
    CHECK(connections == 2);
  }

  TEST_CASE("without a node, or with one that does not greet, there are words only") {
    const temp_dir dir;
    console_lookup none(dir.file("s"), [] { return ""; });
    CHECK(none.candidates(complete_words("QUORUM INFO ")).empty());
    fake_server mute([](fake_connection& c) { c.line(); });
    console_lookup waits(
        mute.path(), [] { return ""; }, milliseconds{20});
    CHECK(waits.candidates(complete_words("TABLE INFO ")).empty());
  }

  TEST_CASE("fields are found by their whole name") {
    CHECK(field_of("TABLE name=a nameless=b", "name") == "a");
    CHECK(field_of("TABLE nameless=b", "name").empty());
  }
}
