// WATCH against real nodes: 100,000 changes while the table changes its owner, nodes are killed and
// the table moves into a group. Every watcher, whichever nodes it was at, hears each of them once.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;
using std::chrono::seconds;

/// No table of a test is older, in microseconds.
constexpr std::uint64_t made_after = 1'700'000'000'000'000;

/// What one watcher heard, and what it makes of it.
struct heard {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t lives = 0;  ///< connections
  std::size_t digest = 0;   ///< of all events in order
  std::map<std::string, std::string> rows;
  std::string wrong;  ///< the first thing that must not be
};

void take(heard& h, const std::string& line, const std::string& value) {
  std::uint64_t position = 0;
  char what[16] = {};
  char key[64] = {};
  if (std::sscanf(line.c_str(), "[ID:w] EVENT %lu %15s %63s version=", &position, what, key) != 3)
    h.wrong = "not an event: " + line;
  else if (h.last ? position != h.last + 1 : position < made_after)
    h.wrong = "after " + std::to_string(h.last) + ": " + line;
  if (!h.wrong.empty()) return;
  if (!h.last) h.first = position;
  h.last = position;
  h.digest = h.digest * 31 + std::hash<std::string>{}(line + value);
  if (what[0] == 'P')
    h.rows[key] = value;
  else
    h.rows.erase(key);
}

/// The number behind `head`, with which the line must begin.
std::uint64_t position_in(const std::optional<std::string>& line, const std::string& head) {
  REQUIRE(line.has_value());
  INFO(*line);
  REQUIRE(line->rfind(head, 0) == 0);
  return std::stoull(line->substr(head.size()));
}

/// Watches from its first node on, and from the next one whenever a connection is lost.
heard watch_all(cluster& c, std::size_t node, const std::string& end) {
  heard h;
  const auto give_up = std::chrono::steady_clock::now() + seconds(240);
  for (; h.wrong.empty(); node = node % c.size() + 1) {
    if (std::chrono::steady_clock::now() > give_up) h.wrong = "not at the end in time";
    auto mine = client::connect(c.socket(node), seconds(5));
    if (!mine) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    ++h.lives;
    mine->send("[ID:w] WATCH feed FROM " + std::to_string(h.last) + " VALUES\r\n");
    const auto first = mine->next_line(seconds(30));
    if (!first) continue;
    if (*first != "[ID:w] WATCHING " + std::to_string(h.last)) h.wrong = *first;
    while (h.wrong.empty()) {
      const auto line = mine->next_line(seconds(30));
      const auto value = line ? mine->next_line(seconds(30)) : std::nullopt;
      if (!value) break;
      take(h, *line, *value);
      if (line->find(" " + end + " ") != std::string::npos) return h;
    }
  }
  return h;
}

/// Transactions of 25 changes, and a removal now and then; some may be done twice or not at all.
void write_all(cluster& c, std::size_t node, int rounds, std::atomic<int>& done) {
  std::optional<client> mine;
  for (int i = 0; i < rounds; ++i) {
    while (!mine) {
      mine = client::connect(c.socket(node), seconds(20));
      if (!mine) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it is down
    }
    std::string text = "TXN BEGIN\r\n";
    for (int k = 0; k < 25; ++k)
      text += "PUT feed.n" + std::to_string(node) + "k" + std::to_string((i + k * 7) % 90) + " v" +
              std::to_string(i) + "\r\n";
    mine->send(text + "TXN COMMIT\r\nKEY DEL feed.n" + std::to_string(node) + "k" +
               std::to_string(i % 90) + "\r\n");
    bool lost = false;
    for (int line = 0; line < 29 && !lost; ++line) {
      const auto answer = mine->next_line(seconds(20));
      lost = !answer;
      if (answer && answer->rfind("ERROR", 0) != 0 && line == 26) continue;
      if (answer && answer->rfind("ERROR", 0) == 0 && line == 26) ++line;  // it has no OK
    }
    if (lost) mine.reset();
    ++done;
  }
}

std::map<std::string, std::string> rows_of(cluster& c, std::size_t node) {
  const auto r = c.ask_until_ok(node, "SCAN feed. VALUES");
  REQUIRE(r.ok());
  std::map<std::string, std::string> rows;
  for (std::size_t i = 1; i + 1 < r.lines.size(); i += 2)
    rows[r.lines[i].substr(0, r.lines[i].find(' '))] = r.lines[i + 1];
  return rows;
}

TEST_SUITE_BEGIN("system/watch");

TEST_CASE("100,000 changes are each heard once, in order, through kills, moves and a new log") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT feed.first x").ok());
  std::vector<heard> all(3);
  std::vector<std::thread> watchers;
  for (std::size_t node = 1; node <= 3; ++node)
    watchers.emplace_back([&, node] { all[node - 1] = watch_all(c, node, "feed.end"); });
  std::vector<std::thread> writers;
  std::atomic<int> writing{3};
  std::atomic<int> written{0};
  for (std::size_t node = 1; node <= 3; ++node)
    writers.emplace_back([&, node] {
      write_all(c, node, 1'300, written);
      --writing;
    });
  // Until the writers are done the table has no rest; at least once each.
  int round = 0;
  for (; writing > 0 || round < 6; ++round) {
    const std::size_t node = 1 + static_cast<std::size_t>(round) % 3;
    c.ask(1 + node % 3, "TABLE MOVE feed TO " + std::to_string(node));
    if (round == 1) REQUIRE(c.ask_until_ok(1, "GROUP CREATE feeds", seconds(60)).ok());
    if (round == 1) REQUIRE(c.ask_until_ok(1, "GROUP ADD feeds feed", seconds(60)).ok());
    c.kill(node);
    c.start(node);
    REQUIRE(c.serves(node));
    // Or the table would be taken from each owner as soon as its lease lets it write.
    REQUIRE(eventually(
        [&, before = written.load()] { return writing == 0 || written >= before + 250; }));
  }
  for (auto& t : writers) t.join();
  REQUIRE(c.ask_until_ok(2, "KEY PUT feed.end x").ok());
  for (auto& t : watchers) t.join();
  for (const auto& h : all) {
    CHECK(h.wrong == "");
    CHECK(h.last - h.first > 90'000);
    CHECK(h.first == all[0].first);
    CHECK(h.last == all[0].last);
    CHECK(h.digest == all[0].digest);
    CHECK(h.lives > 1);
  }
  CHECK(all[0].rows == rows_of(c, 1));
  MESSAGE((all[0].last - all[0].first + 1) << " changes, " << round << " kills and moves");
}

TEST_CASE("a watch sees what its principal may read, and ends with its table") {
  cluster c({"eu"});
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT docs.open x").ok());
  auto ann = c.connect(1);
  auto bob = c.connect(1);
  REQUIRE(ann.ask("PRINCIPAL ASSUME ann").ok());
  REQUIRE(bob.ask("PRINCIPAL ASSUME bob").ok());
  bob.send("[ID:b] WATCH docs\r\n");
  const auto first = position_in(bob.next_line(), "[ID:b] WATCHING ");
  CHECK(first > made_after);
  REQUIRE(ann.ask("ACL GRANT docs.hidden ann PERMS OWNER").ok());
  REQUIRE(ann.ask("KEY PUT docs.hidden x").ok());
  REQUIRE(ann.ask("KEY PUT docs.open y").ok());
  CHECK(bob.next_line() ==
        "[ID:b] EVENT " + std::to_string(first + 2) + " PUT docs.open version=2 principal=ann");
  REQUIRE(ann.ask("KEY EXPIRE docs.open 100ms").ok());
  const auto last = first + 3;
  CHECK(bob.next_line() ==
        "[ID:b] EVENT " + std::to_string(last) + " EXPIRE docs.open version=2 principal=-");
  REQUIRE(ann.ask("TABLE DROP docs").ok());
  CHECK(bob.next_line() == "[ID:b] ERROR WARN table docs was dropped; the watch has ended");
  // Made anew, with more changes than it had: who goes on from the old one is told so.
  for (int i = 0; i < 5; ++i) REQUIRE(c.ask_until_ok(1, "KEY PUT docs.new x").ok());
  const auto old = std::to_string(last);
  bob.send("[ID:b] WATCH docs FROM " + old + "\r\n");
  CHECK(bob.next_line() == "[ID:b] WATCHING " + old);
  const auto gap = bob.next_line().value_or("");
  const auto begins = position_in(gap, "[ID:b] GAP " + std::to_string(last + 1) + " ");
  CHECK(begins > last);
  for (std::uint64_t i = 1; i <= 5; ++i)
    CHECK(bob.next_line() == "[ID:b] EVENT " + std::to_string(begins + i) +
                                 " PUT docs.new version=" + std::to_string(i) + " principal=-");
  bob.send("UNWATCH b\r\n");
  CHECK(bob.next_line() == "[ID:b] OK");
  bob.send("[ID:b] WATCH docs FROM " + std::to_string(begins + 6) + "\r\n");
  CHECK(bob.next_line() == "[ID:b] ERROR WARN position " + std::to_string(begins + 6) +
                               " is ahead of table docs, which is at " +
                               std::to_string(begins + 5) +
                               ": it is of another table; watch from 0, or without FROM; the watch "
                               "has ended");
}

TEST_CASE("a watcher that does not read slows down nobody, and hears all once it does") {
  cluster c({"eu"});
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT flood.k x").ok());
  auto slow = c.connect(1);
  slow.send("[ID:s] WATCH flood FROM 0 VALUES\r\n");
  auto writer = c.connect(1);
  const std::string value(20'000, 'v');
  std::vector<std::string> lines;
  for (int i = 0; i < 1'000; ++i) lines.push_back("KEY PUT flood.k " + value);
  for (const auto& r : writer.ask_all(lines)) REQUIRE(r.ok());
  CHECK(slow.next_line() == "[ID:s] WATCHING 0");
  std::uint64_t before = 0;
  for (std::uint64_t i = 1; i <= 1'001; ++i) {
    const auto line = slow.next_line();
    const auto position = position_in(line, "[ID:s] EVENT ");
    if (i > 1) REQUIRE(position == before + 1);
    before = position;
    REQUIRE(line->find(" PUT flood.k version=" + std::to_string(i) + " ") != std::string::npos);
    REQUIRE(slow.next_line().value_or("").size() == (i == 1 ? 1 : value.size()));
  }
}

TEST_CASE("atlas-bench measures what watchers hear") {
  cluster c({"eu"});
  REQUIRE(c.start_all());
  const auto report = c.file("bench.json");
  process bench({std::string(ATLAS_BIN_DIR) + "/atlas-bench", "--socket", c.socket(1), "--workload",
                 "watch", "--watchers", "2", "--clients", "4", "--duration", "1", "--json"},
                report);
  CHECK(bench.wait() == 0);
  const auto text = text_of(report);
  INFO(text);
  CHECK(text.find("\"watchers\":2,") != std::string::npos);
  CHECK(text.find("\"gaps\":0,") != std::string::npos);
  CHECK(text.find("\"events\":0,") == std::string::npos);
  CHECK(text.find("\"failure\":\"\"") != std::string::npos);
}

TEST_SUITE_END();

}  // namespace
