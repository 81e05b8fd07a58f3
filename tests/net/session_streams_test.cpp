// WATCH in a session: frames under its id, one part at a time, and every way it can end.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "session_talk.hpp"

namespace {

using namespace atlas::net;
using atlas::net::testing::talk;
using tickets = std::vector<std::uint64_t>;

client_reply events(std::uint64_t ticket, const std::vector<std::string>& frames) {
  client_reply r{ticket, reply_kind::frames, {}};
  for (const auto& f : frames) atlas::core::put_string(r.text, f);
  r.more = true;
  return r;
}

struct watching : talk {
  explicit watching(gateway_options o = {}) : talk(std::move(o)) {
    hello();
    say("[ID:w] WATCH a.\r\n");
    ticket = desk.last_ticket;
    heard();
    client.note_all_sent();
    desk.taken.clear();
  }
  std::uint64_t ticket = 0;
};

}  // namespace

TEST_SUITE("net/session streams") {
  TEST_CASE("a watch is opened under its id and goes on while other requests are answered") {
    talk t;
    t.hello();
    t.heard();
    t.say("[ID:w] WATCH a.\r\n");
    CHECK(t.heard() == "[ID:w] WATCHING 0\r\n");
    const auto ticket = t.desk.last_ticket;
    t.say("KEY PUT a.b x\r\n");
    CHECK(t.heard() == "OK\r\n");
    REQUIRE(t.give(events(ticket, {"EVENT 1 PUT a.b", "EVENT 2 DEL a.b length=3\r\n\r\n"})));
    t.serve();
    CHECK(t.heard() == "[ID:w] EVENT 1 PUT a.b\r\n[ID:w] EVENT 2 DEL a.b length=3\r\n\r\n\r\n");
    CHECK_FALSE(t.client.is_finished());
  }

  TEST_CASE("the backend hears when the client has taken everything, not before") {
    watching t;
    CHECK(t.desk.taken.empty());
    REQUIRE(t.give(events(t.ticket, {"EVENT 1 PUT a.b"})));
    CHECK(t.desk.taken.empty());
    t.take_output();
    t.client.note_all_sent();
    CHECK(t.desk.taken == tickets{t.ticket});
    t.client.note_all_sent();
    CHECK(t.desk.taken.size() == 1);
  }

  TEST_CASE("UNWATCH ends it with its own OK, and nothing follows") {
    watching t;
    t.say("UNWATCH x\r\n");
    CHECK(t.heard() == "ERROR WARN no watch with the id x is open on this connection\r\n");
    t.say("UNWATCH w\r\n");
    CHECK(t.heard() == "[ID:w] OK\r\n");
    CHECK(t.backend.cancelled() == tickets{t.ticket});
    CHECK_FALSE(t.give(events(t.ticket, {"EVENT 1 PUT a.b"})));
    CHECK(t.desk.bytes_in_flight == 0);
    t.say("[ID:w] WATCH a.\r\n");
    CHECK(t.heard() == "[ID:w] WATCHING 0\r\n");
    t.say("[ID:u] UNWATCH w\r\n");
    CHECK(t.heard() == "[ID:w] OK\r\n[ID:u] OK\r\n");
  }

  TEST_CASE("an id is one watch's at a time, and a watch needs one") {
    watching t;
    t.say("[ID:w] WATCH b.\r\n");
    CHECK(t.heard() ==
          "[ID:w] ERROR WARN a watch with the id w is open on this connection: choose "
          "another, or UNWATCH it\r\n");
    t.say("WATCH b.\r\n");
    CHECK(t.heard() == "ERROR WARN WATCH needs a request id: [ID:<id>] WATCH <prefix>\r\n");
    t.say("[ID:v] WATCH b. FROM x\r\n");
    CHECK(t.heard() == "[ID:v] ERROR WARN invalid position x: a whole number expected\r\n");
    t.say("[ID:v] WATCH b. SINCE 4\r\n");
    CHECK(t.heard() ==
          "[ID:v] ERROR WARN WATCH does not know SINCE: WATCH <prefix> [FROM "
          "<position>] [VALUES]\r\n");
  }

  TEST_CASE("a client that sends no more still hears; one that is gone does not") {
    watching t;
    t.end();
    CHECK_FALSE(t.client.is_finished());
    REQUIRE(t.give(events(t.ticket, {"EVENT 1 PUT a.b"})));
    t.take_output();
    CHECK(t.heard() == "[ID:w] EVENT 1 PUT a.b\r\n");
    t.client.abandon();
    CHECK(t.desk.cancelled == tickets{t.ticket});
    CHECK_FALSE(t.give(events(t.ticket, {"EVENT 2 PUT a.b"})));
    CHECK(t.desk.bytes_in_flight == 0);
  }

  TEST_CASE("a fatal error and the end of the node end it properly") {
    watching t;
    SUBCASE("fatal") {
      t.say("KEY BLOB SET k x\r\n");
      const auto text = t.heard();
      CHECK(text.starts_with("[ID:w] OK\r\nERROR FATAL invalid length"));
    }
    SUBCASE("drain") {
      t.client.end_streams();
      t.client.stop_reading();
      t.take_output();
      CHECK(t.heard() == "[ID:w] OK\r\n");
    }
    CHECK(t.client.is_finished());
    CHECK(t.desk.bytes_in_flight == 0);
  }

  TEST_CASE("the backend may end a watch itself") {
    watching t;
    auto entry = t.desk.take(t.ticket);
    t.client.answer(std::move(entry), {t.ticket, reply_kind::warn, "table a was dropped"});
    t.take_output();
    CHECK(t.heard() == "[ID:w] ERROR WARN table a was dropped\r\n");
    t.say("UNWATCH w\r\n");
    CHECK(t.heard() == "ERROR WARN no watch with the id w is open on this connection\r\n");
  }
}
