// Whole load runs against servers that behave, refuse, lie or die. What is asserted is the
// bookkeeping (every request the server saw is accounted for), never a time.
#include "cli/bench_run.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/bench_report.hpp"
#include "tests/cli/fake_server.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_server;

// A key-value server of one map. `pieces`: replies go out byte by byte.
struct fake_node {
  std::mutex mutex;
  std::map<std::string, std::string> rows;
  std::atomic<std::uint64_t> puts{0};
  std::atomic<std::uint64_t> gets{0};
  bool pieces = false;

  void serve(fake_connection& client) {
    client.greet();
    while (auto line = client.line()) {
      std::string tag;
      if (line->rfind("[ID:", 0) == 0) {
        tag = line->substr(0, line->find("] ") + 2);
        line->erase(0, tag.size());
      }
      const auto reply = answer(*line, tag);
      if (pieces)
        for (const char c : reply) client.send({&c, 1});
      else
        client.send(reply);
    }
  }

  std::string answer(const std::string& line, const std::string& tag) {
    const std::lock_guard lock(mutex);
    const auto key = line.substr(8, line.find(' ', 8) - 8);
    if (line.rfind("KEY PUT ", 0) == 0) {
      ++puts;
      rows[key] = line.substr(8 + key.size() + 1);
      return tag + "OK\r\n";
    }
    ++gets;
    const auto row = rows.find(key);
    const auto body = row == rows.end() ? "NOT_FOUND" : "VALUE:" + row->second;
    return tag + body + "\r\n" + tag + "OK\r\n";
  }
};

bench_options small(std::vector<std::string> targets) {
  bench_options out;
  out.targets = std::move(targets);
  out.clients = 4;
  out.keys = 50;
  out.duration_s = 0.1;
  out.warmup_s = 0;
  return out;
}

bench_result run(const bench_options& options) {
  auto result = run_bench(options);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().detail));
  return std::move(result).value();
}

}  // namespace

TEST_SUITE("cli/bench_run") {
  TEST_CASE("every write the server saw is counted once") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    const auto result = run(small({server.path()}));
    CHECK(result.clean());
    CHECK(result.total().puts.count() == node.puts.load());
    CHECK(result.total().gets.count() == 0);
    CHECK(result.total().puts.count() >= 4);
    CHECK(result.total().puts.percentile(50) > 0);
    CHECK(result.elapsed_s >= 0.1);
  }

  TEST_CASE("a read run writes every key first and then finds them all") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto options = small({server.path()});
    options.read_ratio = 1;
    options.tables = 5;
    const auto result = run(options);
    CHECK(result.clean());
    CHECK(node.puts.load() == 50);
    CHECK(node.rows.size() == 50);
    CHECK(node.rows.count("bench3.k13") == 1);
    CHECK(result.total().puts.count() == 0);
    CHECK(result.total().gets.count() == node.gets.load());
    CHECK(result.total().misses == 0);
  }

  TEST_CASE("reads of keys that were never written are misses") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto options = small({server.path()});
    options.read_ratio = 1;
    options.populate = false;
    const auto result = run(options);
    CHECK(result.clean());
    CHECK(result.total().misses == result.total().gets.count());
  }

  TEST_CASE("tags, threads and replies in single bytes change nothing in the books") {
    fake_node node;
    node.pieces = true;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto options = small({server.path()});
    options.read_ratio = 0.5;
    options.pipeline = 4;
    options.threads = 2;
    SUBCASE("tagged") {}
    SUBCASE("in order") {
      options.in_order = true;
    }
    const auto result = run(options);
    CHECK(result.clean());
    CHECK(result.total().misses == 0);
    CHECK(result.total().gets.count() == node.gets.load());
    CHECK(result.total().puts.count() + 50 == node.puts.load());
  }

  TEST_CASE("values larger than a socket's buffer pass both ways") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    auto options = small({server.path()});
    options.value_bytes = 1 << 20;
    options.keys = 4;
    options.read_ratio = 0.5;
    const auto result = run(options);
    CHECK(result.clean());
    CHECK(result.total().gets.count() == node.gets.load());
    CHECK(node.rows.begin()->second.size() == 1u << 20);
  }

  TEST_CASE("clients are dealt over the sockets and figures are kept apart") {
    fake_node one;
    fake_node two;
    const fake_server first([&one](fake_connection& c) { one.serve(c); });
    const fake_server second([&two](fake_connection& c) { two.serve(c); });
    const auto result = run(small({first.path(), second.path()}));
    REQUIRE(result.targets.size() == 2);
    CHECK(result.targets[0].puts.count() == one.puts.load());
    CHECK(result.targets[1].puts.count() == two.puts.load());
    CHECK(one.puts.load() > 0);
    CHECK(two.puts.load() > 0);
  }

  TEST_CASE("refusals are errors by text, never successes") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      while (c.line()) c.send("ERROR WARN overloaded\r\n");
    });
    const auto options = small({server.path()});
    const auto result = run(options);
    CHECK_FALSE(result.clean());
    CHECK(result.total().puts.count() == 0);
    CHECK(result.total().error_count > 0);
    CHECK(result.total().errors.at("WARN overloaded") == result.total().error_count);
    CHECK(bench_text_report(options, result).find(" x WARN overloaded") != std::string::npos);
  }

  TEST_CASE("keys that the server refuses to take end the run with its words") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      while (c.line()) c.send("ERROR WARN quorum unavailable\r\n");
    });
    auto options = small({server.path()});
    options.read_ratio = 1;
    CHECK(run_bench(options).error().detail == "cannot write the keys: WARN quorum unavailable");
  }

  TEST_CASE("a dropped connection is reported with what it left unanswered") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      for (int i = 0; i < 10; ++i) {
        c.line();
        c.send("OK\r\n");
      }
      c.line();
    });
    const auto options = small({server.path()});
    const auto result = run(options);
    CHECK_FALSE(result.clean());
    const auto total = result.total();
    CHECK(total.puts.count() == 40);
    CHECK(total.unanswered == 4);
    std::uint64_t dropped = 0;
    for (const auto& [why, count] : total.drops) dropped += count;
    CHECK(dropped == 4);
  }

  TEST_CASE("a reply that is not understood drops the connection") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      c.line();
      c.send("MAYBE\r\n");
      c.line();
    });
    const auto result = run(small({server.path()}));
    CHECK_FALSE(result.clean());
    CHECK(result.total().puts.count() == 0);
    CHECK(result.total().drops.at("reply not understood: MAYBE") == 4);
  }

  TEST_CASE("redis is driven without a greeting") {
    const fake_server server([](fake_connection& c) {
      while (auto head = c.line()) {
        const bool set = *head == "*3";
        for (int i = 0; i < (set ? 6 : 4); ++i) c.line();
        c.send(set ? "+OK\r\n" : "$3\r\nabc\r\n");
      }
    });
    auto options = small({server.path()});
    options.engine = bench_engine::redis;
    options.read_ratio = 0.5;
    options.pipeline = 3;
    const auto result = run(options);
    CHECK(result.clean());
    CHECK(result.total().gets.count() > 0);
    CHECK(result.total().puts.count() > 0);
  }

  TEST_CASE("a socket nobody listens on is told") {
    const atlas::tests::temp_dir dir;
    CHECK(run_bench(small({dir.file("s")})).error().detail ==
          "cannot connect to " + dir.file("s") + ": No such file or directory");
  }

  TEST_CASE("the JSON report is one object with totals and sockets") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    const auto options = small({server.path()});
    const auto result = run(options);
    const auto json = nlohmann::json::parse(bench_json_report(options, result));
    CHECK(json["engine"] == "atlas");
    CHECK(json["clean"] == true);
    CHECK(json["operations"] == node.puts.load());
    CHECK(json["error_count"] == 0);
    CHECK(json["sockets"].size() == 1);
    CHECK(json["sockets"][0]["socket"] == server.path());
    for (const auto* field : {"mean", "p50", "p95", "p99", "p99_9", "max"})
      CHECK(json["latency_us"][field].get<double>() > 0);
  }
}

TEST_SUITE("cli/bench_options") {
  TEST_CASE("options are read, and impossible ones are refused by name") {
    const auto parse = [](std::vector<const char*> words) {
      words.insert(words.begin(), "atlas-bench");
      return parse_bench_options(static_cast<int>(words.size()), words.data());
    };
    const auto good = parse({"--socket", "a", "--socket", "b", "--workload", "mixed",
                             "--read-ratio", "0.9", "--clients", "3", "--threads", "4"});
    REQUIRE(good.ok());
    CHECK(good.value().options.targets == std::vector<std::string>{"a", "b"});
    CHECK(good.value().options.read_ratio == 0.9);
    CHECK(good.value().options.threads == 3);
    CHECK(parse({"--socket", "a", "--workload", "get"}).value().options.read_ratio == 1);
    CHECK(parse({"--socket", "a"}).value().options.read_ratio == 0);
    CHECK(parse({"--help"}).value().print.find("--pipeline") != std::string::npos);
    CHECK(parse({}).error().detail == "--socket: name at least one socket to drive");
    CHECK(parse({"--socket", "a", "--workload", "x"}).error().detail ==
          "--workload: found \"x\"; write put, get or mixed");
    CHECK(parse({"--socket", "a", "--tables", "20000"}).error().detail ==
          "--tables: write 1 to the number of keys");
    CHECK(parse({"--socket", "a", "--clients", "0"}).error().detail ==
          "--clients: write 1 to 10000");
    CHECK_FALSE(parse({"--socket", "a", "--speed", "9"}).ok());
    CHECK_FALSE(parse({"--socket", "a", "stray"}).ok());
  }
}
