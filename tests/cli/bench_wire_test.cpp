// Requests and replies of both engines, byte for byte.
#include "cli/bench_wire.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace atlas::cli;
using kind = bench_reply::kind;

bench_options options(bench_engine engine, std::uint32_t pipeline) {
  bench_options out;
  out.engine = engine;
  out.pipeline = pipeline;
  out.value_bytes = 28;
  out.tables = 3;
  return out;
}

std::string put(const bench_wire& wire) {
  std::string out;
  wire.put(out, 7, 10);
  return out;
}

std::string get(const bench_wire& wire) {
  std::string out;
  wire.get(out, 7, 10);
  return out;
}

}  // namespace

TEST_SUITE("cli/bench_wire") {
  TEST_CASE("Atlas requests are lines, with a tag only when several are in flight") {
    const bench_wire one(options(bench_engine::atlas, 1));
    CHECK(put(one) == "KEY PUT bench1.k10 abcdefghijklmnopqrstuvwxyzab\r\n");
    CHECK(get(one) == "KEY GET bench1.k10\r\n");
    const bench_wire many(options(bench_engine::atlas, 8));
    CHECK(put(many) == "[ID:7] KEY PUT bench1.k10 abcdefghijklmnopqrstuvwxyzab\r\n");
    CHECK(get(many) == "[ID:7] KEY GET bench1.k10\r\n");
    auto in_order = options(bench_engine::atlas, 8);
    in_order.in_order = true;
    CHECK(get(bench_wire(in_order)) == "KEY GET bench1.k10\r\n");
  }

  TEST_CASE("redis requests are arrays of bulk strings") {
    const bench_wire wire(options(bench_engine::redis, 8));
    CHECK(put(wire) ==
          "*3\r\n$3\r\nSET\r\n$10\r\nbench1.k10\r\n$28\r\nabcdefghijklmnopqrstuvwxyzab\r\n");
    CHECK(get(wire) == "*2\r\n$3\r\nGET\r\n$10\r\nbench1.k10\r\n");
  }

  TEST_CASE("Atlas replies are told apart, and strangers are not successes") {
    const bench_wire wire(options(bench_engine::atlas, 1));
    CHECK(wire.parse("").what == kind::incomplete);
    CHECK(wire.parse("OK\r").what == kind::incomplete);
    CHECK(wire.parse("OK\r\nOK\r\n").what == kind::success);
    CHECK(wire.parse("OK\r\nOK\r\n").used == 4);
    CHECK(wire.parse("\r\n").what == kind::payload);
    CHECK(wire.parse("VALUE:OK\r\n").what == kind::payload);
    const auto miss = wire.parse("NOT_FOUND\r\nOK\r\n");
    CHECK(miss.what == kind::payload);
    CHECK(miss.miss);
    CHECK(miss.used == 11);
    const auto error = wire.parse("ERROR WARN overloaded\r\n");
    CHECK(error.what == kind::error);
    CHECK(error.text == "WARN overloaded");
    CHECK(wire.parse("PONG\r\n").what == kind::broken);
    CHECK(wire.parse("[ID:1] OK\r\n").what == kind::broken);
  }

  TEST_CASE("tagged Atlas replies name their slot") {
    const bench_wire wire(options(bench_engine::atlas, 8));
    const auto ok = wire.parse("[ID:12] OK\r\n");
    CHECK(ok.what == kind::success);
    CHECK(ok.slot == 12);
    const auto error = wire.parse("[ID:3] ERROR WARN no\r\n");
    CHECK(error.what == kind::error);
    CHECK(error.slot == 3);
    CHECK(error.text == "WARN no");
    for (const auto* bad : {"OK\r\n", "[ID:x] OK\r\n", "[ID:-1] OK\r\n", "[ID:1]OK\r\n"})
      CHECK_MESSAGE(wire.parse(bad).what == kind::broken, bad);
  }

  TEST_CASE("redis replies are told apart at every split") {
    const bench_wire wire(options(bench_engine::redis, 1));
    const std::string bulk = "$4\r\na\r\nb\r\n";
    for (std::size_t at = 0; at < bulk.size(); ++at)
      CHECK(wire.parse(std::string_view(bulk).substr(0, at)).what == kind::incomplete);
    CHECK(wire.parse(bulk).what == kind::success);
    CHECK(wire.parse(bulk).used == bulk.size());
    CHECK(wire.parse("+OK\r\n").what == kind::success);
    CHECK(wire.parse("$-1\r\n").what == kind::success);
    CHECK(wire.parse("$-1\r\n").miss);
    CHECK(wire.parse("-LOADING x\r\n").what == kind::error);
    CHECK(wire.parse("-LOADING x\r\n").text == "LOADING x");
    for (const auto* bad : {"\r\n", "$x\r\n", "$-2\r\n", "$999999999\r\n", "hello\r\n"})
      CHECK_MESSAGE(wire.parse(bad).what == kind::broken, bad);
  }
}
