// A run of every workload beside put and get: the books of the load agree with those of the server,
// and answers that do not fit what was asked are never successes.
#include "cli/bench_workload.hpp"

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
using atlas::tests::run_small_bench;
using atlas::tests::small_bench;

// A node behind a socket.
struct served_node {
  fake_node node;
  fake_server server{[this](fake_connection& c) { node.serve(c); }};

  bench_options options(const std::string& workload) {
    return small_bench(workload, {server.path()});
  }
};

// The result of a run against a server that answers every line with `reply`.
bench_result against(const std::string& workload, const std::string& reply) {
  const fake_server server([&reply](fake_connection& c) {
    c.greet();
    while (c.line()) c.send(reply);
  });
  auto options = small_bench(workload, {server.path()});
  options.populate = false;
  return run_small_bench(options);
}

std::uint64_t done(const bench_result& result, bench_kind kind) {
  return result.total().of(kind).count();
}

}  // namespace

TEST_SUITE("cli/bench_workload") {
  TEST_CASE("cas writes by the version that the last answer told") {
    served_node at;
    auto options = at.options("cas");
    SUBCASE("one in flight") {}
    SUBCASE("tagged, two threads, replies in single bytes") {
      options.pipeline = 3;
      options.threads = 2;
      at.node.pieces = true;
    }
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(done(result, bench_kind::cas) == at.node.count("KEY CAS"));
    CHECK(result.total().conflicts.count() == 0);
    CHECK(at.node.rows.size() == options.clients * options.pipeline);
    CHECK(at.node.rows.begin()->second.version > 1);
  }

  TEST_CASE("conflicts are told apart from writes and errors, and teach the version") {
    served_node at;
    auto options = at.options("cas");
    options.keys = 1;
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    const auto total = result.total();
    CHECK(done(result, bench_kind::cas) == at.node.count("KEY CAS"));
    CHECK(total.conflicts.count() == at.node.count("CONFLICT"));
    CHECK(total.conflicts.count() > 0);
    CHECK(total.error_count == 0);
    CHECK(total.successes().count() == done(result, bench_kind::cas));
    const auto json = nlohmann::json::parse(bench_json_report(options, result));
    CHECK(json["conflict_count"] == total.conflicts.count());
    CHECK(json["conflicts"]["latency_us"]["p99"].get<double>() > 0);
    CHECK(bench_text_report(options, result).find("conflicts (nothing written") !=
          std::string::npos);
  }

  TEST_CASE("incr counts on keys of its own") {
    served_node at;
    auto options = at.options("incr");
    options.pipeline = 2;
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(done(result, bench_kind::incr) == at.node.count("KEY INCR"));
    std::uint64_t sum = 0;
    for (const auto& [key, row] : at.node.rows) {
      CHECK(key.rfind("bench0.n", 0) == 0);
      sum += std::stoull(row.value);
    }
    CHECK(sum == done(result, bench_kind::incr));
  }

  TEST_CASE("a transaction of four lines is one request") {
    served_node at;
    auto options = at.options("txn");
    options.tables = 25;
    SUBCASE("whole replies") {}
    SUBCASE("replies in single bytes") {
      at.node.pieces = true;
    }
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(done(result, bench_kind::txn) == at.node.count("TXN COMMIT"));
    CHECK(at.node.count("TXN BEGIN") == at.node.count("TXN COMMIT"));
    CHECK(at.node.count("PUT") == 2 * at.node.count("TXN COMMIT"));
    // Each of the 25 tables has two keys, so the partner of a key is known.
    CHECK(at.node.rows.size() % 2 == 0);
    for (const auto& [key, row] : at.node.rows) {
      const auto n = std::stoul(key.substr(key.find(".k") + 2));
      const auto other = (n + 25) % 50;
      CHECK(at.node.rows.count("bench" + std::to_string(n % 25) + ".k" + std::to_string(other)));
    }
  }

  TEST_CASE("a refused line makes its transaction one error with the first words") {
    const fake_server server([](fake_connection& c) {
      c.greet();
      while (auto line = c.line()) {
        if (line->rfind("TXN BEGIN", 0) == 0) c.send("OK\r\n");
        if (line->rfind("PUT ", 0) == 0) c.send("ERROR WARN no room\r\n");
        if (line->rfind("TXN COMMIT", 0) == 0)
          c.send("ERROR WARN transaction was not committed: no room\r\n");
      }
    });
    const auto result = run_small_bench(small_bench("txn", {server.path()}));
    CHECK_FALSE(result.clean());
    CHECK(done(result, bench_kind::txn) == 0);
    CHECK(result.total().unanswered == 0);
    CHECK(result.total().error_count > 0);
    CHECK(result.total().errors.at("WARN no room") == result.total().error_count);
  }

  TEST_CASE("scan writes the keys first and reads every line of the listings") {
    served_node at;
    auto options = at.options("scan");
    options.scan_limit = 7;
    SUBCASE("cut short by the limit") {}
    SUBCASE("whole tables, some below the limit") {
      options.tables = 8;
    }
    SUBCASE("tagged, in single bytes") {
      options.pipeline = 3;
      at.node.pieces = true;
    }
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(at.node.count("KEY PUT") == 50);
    const auto scans = result.total().of(bench_kind::scan);
    CHECK(scans.count() == at.node.count("SCAN"));
    if (options.tables == 1) CHECK(scans.keys == 7 * scans.count());
    CHECK(scans.keys >= 6 * scans.count());
    const auto json = nlohmann::json::parse(bench_json_report(options, result));
    CHECK(json["scans"]["keys_per_s"].get<double>() > 0);
    CHECK(json["scans"]["latency_us"]["p99_9"].get<double>() > 0);
    CHECK(bench_text_report(options, result).find(", limit 7\n") != std::string::npos);
  }

  TEST_CASE("listings and counts of nothing are reads that found nothing") {
    served_node at;
    auto options = at.options("scan");
    auto kind = bench_kind::scan;
    SUBCASE("scan") {}
    SUBCASE("count") {
      options = at.options("count");
      kind = bench_kind::count;
    }
    options.populate = false;
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(result.total().misses == done(result, kind));
  }

  TEST_CASE("count counts") {
    served_node at;
    const auto result = run_small_bench(at.options("count"));
    CHECK(result.clean());
    CHECK(done(result, bench_kind::count) == at.node.count("COUNT"));
    CHECK(result.total().misses == 0);
  }

  TEST_CASE("blobs pass both ways and their bytes are counted") {
    served_node at;
    auto options = at.options("blob");
    options.keys = 10;
    SUBCASE("larger than a socket's buffer") {
      options.value_bytes = 1 << 20;
    }
    SUBCASE("tagged, in single bytes") {
      options.pipeline = 3;
      options.value_bytes = 30;
      at.node.pieces = true;
    }
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    const auto total = result.total();
    const auto& sets = total.of(bench_kind::blob_set);
    const auto& gets = total.of(bench_kind::blob_get);
    CHECK(sets.count() + 10 == at.node.count("KEY BLOB SET"));
    CHECK(gets.count() == at.node.count("KEY BLOB GET"));
    CHECK(sets.bytes == sets.count() * options.value_bytes);
    CHECK(gets.bytes == gets.count() * options.value_bytes);
    CHECK(total.misses == 0);
    CHECK(at.node.rows.begin()->second.value.size() == options.value_bytes);
    const auto json = nlohmann::json::parse(bench_json_report(options, result));
    CHECK(json["blob_sets"]["mb_per_s"].get<double>() > 0);
    CHECK(json["blob_gets"]["latency_us"]["p50"].get<double>() > 0);
    CHECK(bench_text_report(options, result).find(" MB/s of values\n") != std::string::npos);
  }

  TEST_CASE("blobs that were never written are misses of no bytes") {
    served_node at;
    auto options = at.options("blob");
    options.read_ratio = 1;
    options.populate = false;
    const auto result = run_small_bench(options);
    CHECK(result.clean());
    CHECK(result.total().misses == done(result, bench_kind::blob_get));
    CHECK(result.total().of(bench_kind::blob_get).bytes == 0);
  }

  TEST_CASE("an answer to something else drops the connection") {
    struct wrong {
      const char* workload;
      const char* reply;
      const char* told;
    };
    const std::vector<wrong> all{
        {"cas", "OK\r\n", "OK"},
        {"cas", "VALUE:1\r\nOK\r\n", "VALUE:1"},
        {"cas", "VERSION:1\r\nVERSION:2\r\nOK\r\n", "VERSION:2"},
        {"incr", "NOT_FOUND\r\nOK\r\n", "NOT_FOUND"},
        {"txn", "OK\r\n", "OK"},  // COMMIT that tells no slot
        {"scan", "MORE bench0.k1\r\nOK\r\n", "OK"},
        {"scan", "KEYS:101\r\n", "KEYS:101"},
        {"count", "KEYS:0\r\nOK\r\n", "KEYS:0"},
        {"put", "VERSION:1\r\nOK\r\n", "VERSION:1"},
        {"get", "OK\r\n", "OK"},
    };
    for (const auto& [workload, reply, told] : all) {
      CAPTURE(workload);
      CAPTURE(reply);
      const auto result = against(workload, reply);
      CHECK_FALSE(result.clean());
      CHECK(result.total().successes().count() == 0);
      CHECK(result.total().drops.at(std::string("reply not understood: ") + told) == 4);
    }
  }

  TEST_CASE("a window in which nothing was sent says so") {
    bench_result result;
    result.targets.resize(1);
    result.elapsed_s = result.client_wall_s = 1;
    CHECK_FALSE(result.clean());
    CHECK(bench_text_report({}, result).find("nothing was measured: ") != std::string::npos);
  }
}
