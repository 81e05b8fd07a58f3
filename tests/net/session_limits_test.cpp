// What a session holds: where reading pauses and goes on, and what is left of a client that has
// gone.
#include <doctest/doctest.h>

#include <string>

#include "session_talk.hpp"

namespace {

using namespace atlas::net;
using atlas::net::testing::talk;

}  // namespace

TEST_SUITE("net/session limits") {
  TEST_CASE("reading pauses at the limit of requests in flight and goes on below it") {
    talk t({.requests_in_flight_max = 2});
    t.hello();
    t.backend.hold();
    t.say("[ID:1] KEY GET a\r\n[ID:2] KEY GET b\r\n[ID:3] KEY GET c\r\n");
    CHECK(t.backend.waiting() == 2);
    CHECK_FALSE(t.client.wants_input());
    t.backend.release(false, [](const client_request& r) { return r.key == "a"; });
    t.serve();
    CHECK(t.backend.waiting() == 2);
    t.backend.release();
    t.serve();
    CHECK(t.client.wants_input());
  }

  TEST_CASE("reading pauses while unsent output is above its limit") {
    talk t({.output_bytes_max = 1000});
    t.hello();
    t.say("KEY PUT a " + std::string(900, 'v') + "\r\n");
    std::string many;
    for (int i = 0; i < 100; ++i) many += "PRINCIPAL WHOAMI\r\n";
    t.client.feed(many);
    t.client.advance();
    CHECK(t.client.output_bytes() > 1000);
    CHECK(t.client.output_bytes() < 1100);
    CHECK_FALSE(t.client.wants_input());
    CHECK_FALSE(t.client.can_advance());
    t.heard();
    t.take_output();
    REQUIRE(t.client.can_advance());
    while (t.client.can_advance()) {
      t.client.advance();
      t.take_output();
    }
    CHECK(t.out.size() == 100 * std::string("PRINCIPAL (none)\r\nOK\r\n").size());
  }

  TEST_CASE("all keys of an MGET count among the bytes of requests, held ones among the input") {
    talk t({.request_bytes_max_total = 2000});
    t.hello();
    t.backend.hold();
    std::string mget = "KEY MGET";
    for (int i = 0; i < 3; ++i) mget += " " + std::string(1000, 'k');
    t.say("[ID:1] " + mget + "\r\n");
    CHECK(t.desk.bytes_in_flight > 3000);
    CHECK_FALSE(t.client.wants_input());
    t.backend.release();
    t.serve();
    CHECK(t.desk.bytes_in_flight == 0);
    t.say("KEY GET a\r\n" + mget + "\r\n");
    CHECK(t.backend.waiting() == 1);
    CHECK(t.client.input_bytes() > 3000);
  }

  TEST_CASE("what a transaction has queued is input that the limits see, until it ends") {
    talk t;
    t.hello();
    t.say("TXN BEGIN\r\nPUT t.a " + std::string(5000, 'v') + "\r\n");
    CHECK(t.client.input_bytes() > 5000);
    t.say("TXN ABORT\r\n");
    CHECK(t.client.input_bytes() < 5000);
    t.say("TXN BEGIN\r\nPUT t.a " + std::string(5000, 'v') + "\r\n");
    t.client.fail("input memory exhausted");
    CHECK(t.client.input_bytes() == 0);
  }

  TEST_CASE("reading pauses while the requests of all clients hold too many bytes") {
    talk t({.request_bytes_max_total = 2000});
    t.hello();
    t.backend.hold();
    const std::string put = "KEY PUT a " + std::string(1500, 'v') + "\r\n";
    t.say(put + put + put);
    CHECK(t.backend.waiting() == 2);
    CHECK(t.client.is_starved());
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == 1);
    CHECK_FALSE(t.client.is_starved());
  }

  TEST_CASE("requests of a client that goes away count until they are answered") {
    talk t;
    t.hello();
    t.backend.hold();
    t.say("KEY GET a\r\n[ID:1] KEY GET b\r\n[ID:2] KEY GET c\r\n");
    CHECK(t.desk.tickets.size() == 3);
    const auto held = t.desk.bytes_in_flight;
    CHECK(held > 0);
    t.heard();
    t.client.abandon();
    CHECK(t.client.is_finished());
    CHECK(t.desk.bytes_in_flight == held);
    t.backend.release(false, [](const client_request& r) { return r.key != "b"; });
    t.serve();
    CHECK(t.desk.tickets.size() == 1);
    CHECK(t.desk.bytes_in_flight < held);
    t.backend.release();
    t.serve();
    CHECK(t.desk.tickets.size() == 0);
    CHECK(t.desk.bytes_in_flight == 0);
    CHECK(t.heard() == "");
  }

  TEST_CASE("a client that goes away holds nothing, not even the error it was about to get") {
    talk t;
    t.hello();
    t.backend.hold();
    t.say("[ID:1] KEY GET a\r\nKEY BLOB SET k junk\r\n");
    CHECK(t.client.has_failed());
    t.client.abandon();
    CHECK(t.client.output_bytes() == 0);
    CHECK(t.client.input_bytes() == 0);
    t.backend.release();
    t.serve();
    CHECK(t.client.output_bytes() == 0);
  }
}
