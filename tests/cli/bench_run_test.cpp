// Whole load runs against servers that behave, refuse, lie or die. What is asserted is the
// bookkeeping (every request the server saw is accounted for), never a time.
#include "cli/bench_run.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/bench_report.hpp"
#include "tests/cli/bench_fake_node.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_node;
using atlas::tests::fake_server;

bench_options small(std::vector<std::string> targets) {
  return atlas::tests::small_bench("put", std::move(targets));
}

const auto run = atlas::tests::run_small_bench;

std::uint64_t puts_of(const bench_tally& tally) {
  return tally.of(bench_kind::put).count();
}

std::uint64_t gets_of(const bench_tally& tally) {
  return tally.of(bench_kind::get).count();
}

}  // namespace

TEST_SUITE("cli/bench_run") {
  TEST_CASE("every write the server saw is counted once") {
    fake_node node;
    const fake_server server([&node](fake_connection& c) { node.serve(c); });
    const auto result = run(small({server.path()}));
    CHECK(result.clean());
    CHECK(puts_of(result.total()) == node.count("KEY PUT"));
    CHECK(gets_of(result.total()) == 0);
    CHECK(puts_of(result.total()) >= 4);
    CHECK(result.total().of(bench_kind::put).latency.percentile(50) > 0);
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
    CHECK(node.count("KEY PUT") == 50);
    CHECK(node.rows.size() == 50);
    CHECK(node.rows.count("bench3.k13") == 1);
    CHECK(puts_of(result.total()) == 0);
    CHECK(gets_of(result.total()) == node.count("KEY GET"));
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
    CHECK(result.total().misses == gets_of(result.total()));
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
    CHECK(gets_of(result.total()) == node.count("KEY GET"));
    CHECK(puts_of(result.total()) + 50 == node.count("KEY PUT"));
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
    CHECK(gets_of(result.total()) == node.count("KEY GET"));
    CHECK(node.rows.begin()->second.value.size() == 1u << 20);
  }

  TEST_CASE("clients are dealt over the sockets and figures are kept apart") {
    fake_node one;
    fake_node two;
    const fake_server first([&one](fake_connection& c) { one.serve(c); });
    const fake_server second([&two](fake_connection& c) { two.serve(c); });
    const auto result = run(small({first.path(), second.path()}));
    REQUIRE(result.targets.size() == 2);
    CHECK(puts_of(result.targets[0]) == one.count("KEY PUT"));
    CHECK(puts_of(result.targets[1]) == two.count("KEY PUT"));
    CHECK(one.count("KEY PUT") > 0);
    CHECK(two.count("KEY PUT") > 0);
  }

  TEST_CASE("refusals are errors by text, never successes") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      while (c.line()) c.send("ERROR WARN overloaded\r\n");
    });
    const auto options = small({server.path()});
    const auto result = run(options);
    CHECK_FALSE(result.clean());
    CHECK(puts_of(result.total()) == 0);
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
    CHECK(puts_of(total) == 40);
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
    CHECK(puts_of(result.total()) == 0);
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
    CHECK(gets_of(result.total()) > 0);
    CHECK(puts_of(result.total()) > 0);
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
    CHECK(json["operations"] == node.count("KEY PUT"));
    CHECK(json["error_count"] == 0);
    CHECK(json["sockets"].size() == 1);
    CHECK(json["sockets"][0]["socket"] == server.path());
    for (const auto* field : {"mean", "p50", "p95", "p99", "p99_9", "max"})
      CHECK(json["latency_us"][field].get<double>() > 0);
  }
}
