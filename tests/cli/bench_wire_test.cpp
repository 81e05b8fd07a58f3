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

std::string encode(const bench_wire& wire, const bench_request& request) {
  std::string out;
  wire.append(out, 7, request);
  return out;
}

std::string put(const bench_wire& wire) {
  return encode(wire, {bench_kind::put, 10});
}

std::string get(const bench_wire& wire) {
  return encode(wire, {bench_kind::get, 10});
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

  TEST_CASE("each kind of request is written as the commands say") {
    const bench_wire one(options(bench_engine::atlas, 1));
    const std::string value = "abcdefghijklmnopqrstuvwxyzab";
    CHECK(encode(one, {bench_kind::cas, 10}) == "KEY CAS bench1.k10 ABSENT " + value + "\r\n");
    CHECK(encode(one, {bench_kind::cas, 10, 0, 42}) == "KEY CAS bench1.k10 42 " + value + "\r\n");
    CHECK(encode(one, {bench_kind::incr, 10}) == "KEY INCR bench1.n10\r\n");
    CHECK(encode(one, {bench_kind::txn, 10, 4}) == "TXN BEGIN\r\nPUT bench1.k10 " + value +
                                                       "\r\nPUT bench1.k4 " + value +
                                                       "\r\nTXN COMMIT\r\n");
    CHECK(encode(one, {bench_kind::scan, 10}) == "SCAN bench1. LIMIT 100\r\n");
    CHECK(encode(one, {bench_kind::count, 10}) == "COUNT bench1.\r\n");
    CHECK(encode(one, {bench_kind::blob_get, 10}) == "KEY BLOB GET bench1.k10\r\n");
    CHECK(encode(one, {bench_kind::blob_set, 10}) == "KEY BLOB SET bench1.k10 28\r\n" + value);
    const bench_wire many(options(bench_engine::atlas, 8));
    CHECK(encode(many, {bench_kind::scan, 10}) == "[ID:7] SCAN bench1. LIMIT 100\r\n");
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
    CHECK(miss.frame == bench_frame::not_found);
    CHECK(miss.used == 11);
    const auto error = wire.parse("ERROR WARN overloaded\r\n");
    CHECK(error.what == kind::error);
    CHECK(error.text == "WARN overloaded");
    CHECK(wire.parse("PONG\r\n").what == kind::broken);
    CHECK(wire.parse("[ID:1] OK\r\n").what == kind::broken);
  }

  TEST_CASE("frames say what they are and carry their number") {
    const bench_wire wire(options(bench_engine::atlas, 1));
    const auto check = [&wire](const char* line, bench_frame frame, std::uint64_t number) {
      CAPTURE(line);
      const auto got = wire.parse(line);
      CHECK(got.what == kind::payload);
      CHECK(got.frame == frame);
      CHECK(got.number == number);
    };
    check("VERSION:12\r\n", bench_frame::version, 12);
    check("CONFLICT VERSION:3\r\n", bench_frame::conflict, 3);
    check("CONFLICT ABSENT\r\n", bench_frame::conflict, 0);
    check("COMMITTED SLOT:99\r\n", bench_frame::committed, 99);
    check("KEYS:100\r\n", bench_frame::keys, 100);
    check("MORE bench0.k9\r\n", bench_frame::more, 0);
    check("COUNT:0\r\n", bench_frame::count, 0);
    check("BLOB 65536\r\n", bench_frame::blob, 65536);
    check("EMPTY\r\n", bench_frame::empty, 0);
    CHECK(wire.parse("QUEUED\r\n").what == kind::success);
    CHECK(wire.parse("QUEUED\r\n").frame == bench_frame::queued);
    for (const auto* bad : {"VERSION:\r\n", "VERSION:-1\r\n", "CONFLICT\r\n", "KEYS:x\r\n",
                            "KEYS:101\r\n", "COUNT:1 \r\n", "BLOB 1x\r\n", "QUEUED 1\r\n"})
      CHECK_MESSAGE(wire.parse(bad).what == kind::broken, bad);
  }

  TEST_CASE("MORE alone comes without a tag") {
    const bench_wire wire(options(bench_engine::atlas, 8));
    CHECK(wire.parse("MORE bench0.k9\r\n").frame == bench_frame::more);
    CHECK(wire.parse("[ID:2] KEYS:1\r\n").slot == 2);
    CHECK(wire.parse("KEYS:1\r\n").what == kind::broken);
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
    CHECK(wire.parse("$-1\r\n").frame == bench_frame::not_found);
    CHECK(wire.parse("-LOADING x\r\n").what == kind::error);
    CHECK(wire.parse("-LOADING x\r\n").text == "LOADING x");
    for (const auto* bad : {"\r\n", "$x\r\n", "$-2\r\n", "$999999999\r\n", "hello\r\n"})
      CHECK_MESSAGE(wire.parse(bad).what == kind::broken, bad);
  }
}
