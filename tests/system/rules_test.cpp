// Commands with rules, against real nodes that are killed and tables that move: nothing is counted
// twice or lost, nothing write-once gives way, nothing that ended comes back, no list is forgotten.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

struct tally {
  std::vector<long> told;  ///< sums that were acknowledged
  int unknown = 0;
};

/// Sends `line` again and again through one node; reconnects when that is restarted.
tally add_up(cluster& c, std::size_t node, const std::string& line, int times) {
  tally t;
  std::optional<client> connection;
  for (int i = 0; i < times; ++i) {
    if (!connection) connection = client::connect(c.socket(node), std::chrono::seconds(20));
    if (!connection) continue;
    const auto r = connection->ask(line);
    if (r.ok() && r.lines.size() == 1 && r.lines[0].rfind("VALUE:", 0) == 0)
      t.told.push_back(std::stol(r.lines[0].substr(6)));
    else if (r.what != reply::kind::error || r.text().find("outcome unknown") != std::string::npos)
      ++t.unknown;
    if (r.what == reply::kind::lost || r.what == reply::kind::late) connection.reset();
  }
  return t;
}

long value_of(cluster& c, std::size_t node, const std::string& key) {
  const auto r = c.ask_until_ok(node, "KEY GET " + key);
  REQUIRE(r.ok());
  REQUIRE(r.text().rfind("VALUE:", 0) == 0);
  return std::stol(r.text().substr(6));
}

bool begins(const reply& r, const std::string& text) {
  return r.text().rfind(text, 0) == 0;
}

TEST_SUITE_BEGIN("system/rules");

TEST_CASE("sums from three nodes are each told once while the table moves and its owner dies") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY INCR sums.n 0").ok());
  std::vector<tally> tallies(3);
  std::vector<std::thread> clients;
  std::atomic<int> running{3};
  for (std::size_t node = 1; node <= 3; ++node)
    clients.emplace_back([&, node] {
      tallies[node - 1] = add_up(c, node, "KEY INCR sums.n", 250);
      --running;
    });
  for (const auto* to : {"2", "3", "1"}) c.ask(3, std::string("TABLE MOVE sums TO ") + to);
  c.kill(1);
  c.start(1);
  for (auto& t : clients) t.join();
  REQUIRE(c.serves(1));
  std::set<long> told;
  long unknown = 0;
  std::size_t acknowledged = 0;
  for (const auto& t : tallies) {
    told.insert(t.told.begin(), t.told.end());
    acknowledged += t.told.size();
    unknown += t.unknown;
  }
  CHECK(told.size() == acknowledged);
  CHECK(acknowledged > 250);
  for (std::size_t node = 1; node <= 3; ++node) {
    const auto sum = value_of(c, node, "sums.n");
    CHECK(sum >= static_cast<long>(acknowledged));
    CHECK(sum <= static_cast<long>(acknowledged) + unknown);
    CHECK(sum >= *told.rbegin());
  }
}

TEST_CASE("transfers over two tables of a group never make or lose anything") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT left.a 0").ok());
  REQUIRE(c.ask_until_ok(1, "KEY PUT right.b 0").ok());
  auto first = c.connect(1);
  for (const auto* line : {"TXN BEGIN", "INCR left.a 1"}) first.send(std::string(line) + "\r\n");
  CHECK(first.next_line() == "OK");
  CHECK(first.next_line() == "QUEUED");
  first.send("INCR right.b -1\r\nTXN COMMIT\r\n");
  CHECK(first.next_line() == "QUEUED");
  const auto refused = first.next_line().value_or("");
  CHECK(refused.find("key right.b is in another log than the first key; ") != std::string::npos);
  REQUIRE(c.ask(1, "GROUP CREATE books").ok());
  REQUIRE(c.ask(1, "GROUP ADD books left").ok());
  REQUIRE(c.ask(1, "GROUP ADD books right").ok());
  std::vector<std::thread> clients;
  std::atomic<int> committed{0};
  std::mutex mutex;
  std::map<std::string, int> answers;
  for (std::size_t node = 1; node <= 3; ++node)
    clients.emplace_back([&, node] {
      for (int i = 0; i < 60; ++i) {
        auto mine = client::connect(c.socket(node), std::chrono::seconds(20));
        if (!mine) continue;
        const auto by = std::to_string(1 + i % 7);
        mine->send("TXN BEGIN\r\nINCR left.a " + by + "\r\nINCR right.b -" + by +
                   "\r\nTXN COMMIT\r\n");
        for (int line = 0; line < 3; ++line) mine->next_line();
        const auto answer = mine->next_line().value_or("nothing");
        if (answer.rfind("COMMITTED SLOT:", 0) == 0) ++committed;
        const std::lock_guard lock(mutex);
        ++answers[answer.substr(0, 100)];
      }
    });
  c.ask(2, "TABLE MOVE books TO 2");
  c.kill(2);
  c.start(2);
  for (auto& t : clients) t.join();
  REQUIRE(c.serves(2));
  std::string all;
  for (const auto& [text, count] : answers) all += std::to_string(count) + " " + text + "\n";
  CHECK_MESSAGE(committed > 60, all);
  for (std::size_t node = 1; node <= 3; ++node)
    CHECK(value_of(c, node, "left.a") == -value_of(c, node, "right.b"));
}

TEST_CASE("write-once and ends hold through restarts, moves and groups") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT ledger.k WORM TTL 1h paid").ok());
  REQUIRE(c.ask(1, "KEY PUT ledger.gone x").ok());
  REQUIRE(c.ask(1, "KEY PUT ledger.stays x").ok());
  REQUIRE(c.ask(1, "KEY EXPIRE ledger.gone 300ms").ok());
  REQUIRE(c.ask(1, "KEY EXPIRE ledger.stays 1h").ok());
  const auto hold = [&] {
    for (std::size_t node = 1; node <= 3; ++node) {
      for (const auto* line : {"KEY PUT ledger.k unpaid", "KEY DEL ledger.k",
                               "KEY CAS ledger.k 1 unpaid", "KEY EXPIRE ledger.k 1ms"})
        CHECK(begins(c.ask_until_ok(node, line, std::chrono::milliseconds(1)),
                     "ERROR WARN key is write-once until 2"));
      CHECK(c.ask_until_ok(node, "KEY GET ledger.k").text() == "VALUE:paid");
      CHECK(begins(c.ask_until_ok(node, "KEY TTL ledger.stays"), "TTL:3"));
    }
  };
  hold();
  REQUIRE(c.ask(2, "TABLE MOVE ledger TO 3").ok());
  hold();
  REQUIRE(c.ask(1, "GROUP CREATE books").ok());
  REQUIRE(c.ask(1, "GROUP ADD books ledger").ok());
  hold();
  for (std::size_t node = 1; node <= 3; ++node) c.kill(node);
  for (std::size_t node = 1; node <= 3; ++node) c.start(node);
  for (std::size_t node = 1; node <= 3; ++node) REQUIRE(c.serves(node));
  REQUIRE(c.ask_until_ok(1, "KEY GET ledger.k").ok());
  hold();
  // It ended long ago or ends now; once one node says so, no other shows it any more.
  const auto until = std::chrono::steady_clock::now() + patience;
  while (c.ask(2, "KEY GET ledger.gone").text() != "NOT_FOUND" &&
         std::chrono::steady_clock::now() < until)
    continue;
  for (std::size_t node = 1; node <= 3; ++node) {
    CHECK(c.ask(node, "KEY GET ledger.gone").text() == "NOT_FOUND");
    CHECK(c.ask(node, "SCAN ledger.g").text() == "KEYS:0");
    CHECK(c.ask(node, "COUNT ledger.").text() == "COUNT:2");
  }
}

TEST_CASE("pages over several tables give every key once, in byte order") {
  cluster c({"eu"});
  REQUIRE(c.start_all());
  // A dash comes before the dot, a digit behind it.
  std::vector<std::string> keys;
  for (const auto* table : {"users", "users-old", "users2"}) {
    REQUIRE(c.ask_until_ok(1, std::string("KEY PUT ") + table + " x").ok());
    keys.emplace_back(table);
    for (int i = 0; i < 5; ++i) {
      keys.push_back(std::string(table) + ".k" + std::to_string(i));
      REQUIRE(c.ask_until_ok(1, "KEY PUT " + keys.back() + " x").ok());
    }
  }
  std::sort(keys.begin(), keys.end());
  for (const int limit : {1, 2, 4, 7, 100}) {
    std::vector<std::string> seen;
    std::string after;
    for (bool more = true; more;) {
      const auto r = c.ask(1, "SCAN users LIMIT " + std::to_string(limit) + after);
      REQUIRE(r.ok());
      REQUIRE(r.lines.size() > 1);
      more = r.lines.back().rfind("MORE ", 0) == 0;
      seen.insert(seen.end(), r.lines.begin() + 1, r.lines.end() - (more ? 1 : 0));
      if (more) CHECK(r.lines.back() == "MORE " + seen.back());
      after = " AFTER " + seen.back();
    }
    CHECK(seen == keys);
  }
}

TEST_CASE("a page of values that fills before the others ends them all") {
  cluster c({"eu"});
  REQUIRE(c.start_all());
  const std::string big(1'000'000, 'v');
  std::vector<std::string> keys;
  for (int i = 0; i < 12; ++i) keys.push_back("big.k" + std::to_string(10 + i));
  for (int i = 0; i < 3; ++i) keys.push_back("biz.k" + std::to_string(i));
  for (const auto& key : keys)
    REQUIRE(c.ask_until_ok(1, "KEY PUT " + key + " " + (key[2] == 'g' ? big : "x")).ok());
  std::vector<std::string> seen;
  std::string after;
  for (bool more = true; more;) {
    const auto r = c.ask(1, "SCAN bi LIMIT 100 VALUES" + after);
    REQUIRE(r.ok());
    more = r.lines.back().rfind("MORE ", 0) == 0;
    for (const auto& line : r.lines)
      if (line.rfind("bi", 0) == 0) seen.push_back(line.substr(0, line.find(' ')));
    after = " AFTER " + seen.back();
  }
  CHECK(seen == keys);
}

TEST_CASE("access lists go where their table goes, and guard every way of reading") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT secrets.a x").ok());
  REQUIRE(c.ask(1, "ACL GRANT secrets ann PERMS OWNER").ok());
  const auto guarded = [&] {
    for (std::size_t node = 1; node <= 3; ++node) {
      auto eve = c.connect(node);
      CHECK(eve.ask("PRINCIPAL ASSUME eve").ok());
      for (const auto* line :
           {"KEY GET secrets.a", "KEY META secrets.a", "KEY TTL secrets.a", "KEY MGET secrets.a"})
        CHECK(eve.ask(line).text() == "NOT_FOUND");
      CHECK(eve.ask("KEY GET secrets.a STALE 0s").text() == "AGE:0\nNOT_FOUND");
      CHECK(eve.ask("KEY BLOB GET secrets.a").text() == "EMPTY");
      CHECK(eve.ask("KEY BLOB STAT secrets.a").text() == "EMPTY");
      CHECK(eve.ask("SCAN secrets. VALUES").text() == "KEYS:0");
      CHECK(eve.ask("COUNT secrets.").text() == "COUNT:0");
      CHECK(eve.ask("SAMPLE secrets. N 5").text() == "KEYS:0");
      for (const auto* line :
           {"KEY PUT secrets.a y", "KEY DEL secrets.a", "KEY PUT secrets.new y",
            "KEY CAS secrets.a 1 y", "KEY INCR secrets.n", "KEY EXPIRE secrets.a 1s",
            "ACL GRANT secrets eve PERMS OWNER", "ACL GRANT secrets.a eve PERMS READ",
            "ACL REVOKE secrets ann PERMS OWNER", "ACL LIST secrets"})
        CHECK(begins(eve.ask(line), "ERROR WARN permission denied for principal 'eve': "));
      // In parts, which are one denied change of the command that the client sent.
      const std::string large(std::size_t{2} << 20, 'l');
      for (const auto& line :
           {"KEY PUT secrets.line " + large, "KEY BLOB SET secrets.blob 2097152\r\n" + large})
        CHECK(begins(eve.ask(line), "ERROR WARN permission denied for principal 'eve': "));
      auto ann = c.connect(node);
      CHECK(ann.ask("PRINCIPAL ASSUME ann").ok());
      CHECK(ann.ask("KEY GET secrets.a").text() == "VALUE:x");
      CHECK(ann.ask("COUNT secrets.").text() == "COUNT:1");
    }
  };
  guarded();
  std::ifstream in(c.db_path(2) + "/audit.log");
  std::string audit((std::istreambuf_iterator<char>(in)), {});
  for (const auto* part : {R"("principal":"eve","connection":)",
                           R"("command":"KEY PUT","key":"secrets.new","outcome":"denied")",
                           R"("command":"KEY PUT","key":"secrets.line","outcome":"denied")",
                           R"("command":"KEY BLOB SET","key":"secrets.blob","outcome":"denied")",
                           R"("command":"KEY CAS","key":"secrets.a","outcome":"denied")",
                           R"("command":"ACL GRANT","key":"secrets","outcome":"denied")"})
    CHECK_MESSAGE(audit.find(part) != std::string::npos, audit);
  std::ifstream first(c.db_path(1) + "/audit.log");
  std::string granted;
  std::getline(first, granted);
  CHECK(granted.find(R"("command":"ACL GRANT ann OWNER","key":"secrets","outcome":"done")") !=
        std::string::npos);
  REQUIRE(c.ask(1, "GROUP CREATE vault").ok());
  REQUIRE(c.ask(1, "GROUP ADD vault secrets").ok());
  guarded();
  for (std::size_t node = 1; node <= 3; ++node) c.kill(node);
  for (std::size_t node = 1; node <= 3; ++node) c.start(node);
  for (std::size_t node = 1; node <= 3; ++node) REQUIRE(c.serves(node));
  REQUIRE(c.ask_until_ok(1, "KEY GET secrets.a").ok());
  guarded();
}

TEST_SUITE_END();

}  // namespace
