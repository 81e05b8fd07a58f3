// The command line of atlas-bench: what it takes, and the words it refuses with.
#include "cli/bench_options.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace atlas::cli;

auto parse(std::vector<const char*> words) {
  words.insert(words.begin(), "atlas-bench");
  return parse_bench_options(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_SUITE("cli/bench_options") {
  TEST_CASE("options are read, and impossible ones are refused by name") {
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
          "--workload: found \"x\"; write put, get, mixed, cas, incr, txn, scan, count, blob or "
          "watch");
    CHECK(parse({"--socket", "a", "--tables", "20000"}).error().detail ==
          "--tables: write 1 to the number of keys");
    CHECK(parse({"--socket", "a", "--clients", "0"}).error().detail ==
          "--clients: write 1 to 10000");
    CHECK_FALSE(parse({"--socket", "a", "--speed", "9"}).ok());
    CHECK_FALSE(parse({"--socket", "a", "stray"}).ok());
  }

  TEST_CASE("a workload decides the kinds and, unless it is a mix, the ratio") {
    const auto of = [](const char* name, const char* ratio) {
      return parse({"--socket", "a", "--workload", name, "--read-ratio", ratio}).value().options;
    };
    CHECK(of("cas", "0.9").read_ratio == 0);
    CHECK(of("cas", "0.9").workload.write == bench_kind::cas);
    CHECK(of("txn", "0.9").read_ratio == 0);
    CHECK(of("scan", "0.9").read_ratio == 1);
    CHECK(of("scan", "0.9").workload.read == bench_kind::scan);
    CHECK(of("blob", "0.9").read_ratio == 0.9);
    CHECK(of("blob", "0.9").workload.write == bench_kind::blob_set);
    CHECK(of("incr", "0").scan_limit == 100);
    const auto limited = parse({"--socket", "a", "--workload", "scan", "--scan-limit", "7"});
    CHECK(limited.value().options.scan_limit == 7);
    CHECK(parse({"--socket", "a", "--scan-limit", "0"}).error().detail ==
          "--scan-limit: write 1 to 1000000");
    const auto help = parse({"--help"}).value().print;
    for (const auto* word : {"cas", "incr", "txn", "scan", "count", "blob", "--scan-limit"})
      CHECK_MESSAGE(help.find(word) != std::string::npos, word);
  }

  TEST_CASE("transactions are not pipelined and find two keys in a table") {
    CHECK(parse({"--socket", "a", "--workload", "txn", "--pipeline", "2"}).error().detail ==
          "--pipeline: a connection has one transaction at a time; use more --clients");
    CHECK(parse({"--socket", "a", "--workload", "txn", "--keys", "5", "--tables", "3"})
              .error()
              .detail ==
          "--tables: a transaction takes two keys of a table; write at most half of --keys");
    CHECK(parse({"--socket", "a", "--workload", "txn", "--keys", "6", "--tables", "3"}).ok());
  }

  TEST_CASE("redis refuses what it does not have by name") {
    const auto redis = [](const char* name) {
      return parse({"--socket", "a", "--engine", "redis", "--workload", name});
    };
    CHECK(redis("mixed").ok());
    for (const std::string name : {"cas", "incr", "txn", "scan", "count", "blob"})
      CHECK(redis(name.c_str()).error().detail ==
            "--workload: redis can not run \"" + name + "\"; write put, get or mixed");
  }
}
