// Whole transactions as a client hears them, byte for byte: what may be said between BEGIN and
// COMMIT, what spoils it, and how COMMIT keeps its place among other requests.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "session_talk.hpp"

namespace {

using namespace atlas::net;
using atlas::net::testing::talk;

struct line {
  const char* said;
  const char* heard;
};

/// Says one line after the other and compares all that comes back.
template <std::size_t n>
void play(talk& t, const line (&lines)[n]) {
  for (const auto& l : lines) {
    INFO(l.said);
    t.say(std::string(l.said) + "\r\n");
    CHECK(t.heard() == l.heard);
  }
}

constexpr const char* busy = "ERROR WARN a transaction is open: TXN COMMIT or TXN ABORT first\r\n";
constexpr const char* none = "ERROR WARN no transaction is open: TXN BEGIN first\r\n";

}  // namespace

TEST_SUITE("net/session transactions") {
  TEST_CASE("a transaction is queued line by line and done at COMMIT, all of it or nothing") {
    talk t;
    t.hello();
    t.heard();
    play(t, {{"KEY PUT t.a old", "OK\r\n"},
             {"TXN BEGIN", "OK\r\n"},
             {"IF t.a VALUE old", "QUEUED\r\n"},
             {"IF t.b ABSENT", "QUEUED\r\n"},
             {"PUT t.b  two  words ", "QUEUED\r\n"},
             {"DEL t.a", "QUEUED\r\n"},
             {"[ID:1] KEY GET t.a", "[ID:1] VALUE:old\r\n[ID:1] OK\r\n"},
             {"txn commit", "COMMITTED SLOT:1\r\nOK\r\n"},
             {"KEY GET t.a", "NOT_FOUND\r\nOK\r\n"},
             {"KEY GET t.b", "VALUE: two  words \r\nOK\r\n"},
             {"TXN BEGIN", "OK\r\n"},
             {"IF t.b ABSENT", "QUEUED\r\n"},
             {"PUT t.c x", "QUEUED\r\n"},
             {"TXN COMMIT", "CONFLICT t.b VERSION:1\r\nOK\r\n"},
             {"KEY GET t.c", "NOT_FOUND\r\nOK\r\n"}});
  }

  TEST_CASE("between BEGIN and COMMIT only steps, TXN, PRINCIPAL and tagged requests are taken") {
    talk t;
    t.hello();
    t.heard();
    play(t, {{"IF t.a ABSENT", "ERROR WARN command expected, got IF\r\n"},
             {"TXN COMMIT", none},
             {"TXN ABORT", none},
             {"TXN BEGIN", "OK\r\n"},
             {"TXN BEGIN", busy},
             {"KEY GET t.a", busy},
             {"HELP", busy},
             {"INFO", busy},
             {"KEY BLOB SET t.a 2\r\nab", busy},
             {"", ""},
             {"PRINCIPAL ASSUME bob", "OK\r\n"},
             {"PRINCIPAL ASSUME", "ERROR WARN usage: PRINCIPAL ASSUME <name>\r\n"},
             {"TXN", "ERROR WARN TXN command requires BEGIN, COMMIT or ABORT\r\n"},
             {"[ID:1] TXN COMMIT", "[ID:1] ERROR WARN TXN commands can not be tagged\r\n"},
             {"[ID:2] HELP INFO", "[ID:2] INFO - about this node\r\n[ID:2] OK\r\n"},
             {"TXN COMMIT", "ERROR WARN empty transaction: nothing was queued\r\n"},
             {"TXN BEGIN", "OK\r\n"},
             {"PUT t.a x", "QUEUED\r\n"},
             {"TXN ABORT", "OK\r\n"},
             {"KEY GET t.a", "NOT_FOUND\r\nOK\r\n"}});
  }

  TEST_CASE("a refused line is told at once and again at COMMIT, and nothing reaches the backend") {
    talk t;
    t.hello();
    t.heard();
    play(t, {{"TXN BEGIN", "OK\r\n"},
             {"PUT t.a x", "QUEUED\r\n"},
             {"INCR t.n many",
              "ERROR WARN invalid number many: a whole number of 64 bits expected\r\n"},
             {"PUT t.b", "ERROR WARN PUT t.b expects 3 arguments\r\n"},
             {"TXN COMMIT",
              "ERROR WARN transaction was not committed: invalid number many: a whole number of 64 "
              "bits expected\r\n"}});
    CHECK(t.backend.requests() == 0);
    play(t, {{"KEY GET t.a", "NOT_FOUND\r\nOK\r\n"}});
  }

  TEST_CASE("a mistyped step is not just missing from what is committed") {
    talk t;
    t.hello();
    t.heard();
    play(t, {{"TXN BEGIN", "OK\r\n"},
             {"PUT t.a x", "QUEUED\r\n"},
             {"PTU t.b y", "ERROR WARN command expected, got PTU\r\n"},
             {"TXN COMMIT",
              "ERROR WARN transaction was not committed: command expected, got PTU\r\n"}});
    CHECK(t.backend.requests() == 0);
    play(t, {{"TXN BEGIN", "OK\r\n"},
             {"PUT t.a x", "QUEUED\r\n"},
             {"KEY GET t.a", busy},
             {"TXN COMMIT", "COMMITTED SLOT:1\r\nOK\r\n"}});
  }

  TEST_CASE("COMMIT waits for the requests before it, and those behind it wait for COMMIT") {
    talk t;
    t.hello();
    t.heard();
    t.backend.hold();
    t.say(
        "KEY PUT t.a x\r\nTXN BEGIN\r\nIF t.a VALUE x\r\nPUT t.a y\r\nPRINCIPAL ASSUME bob\r\n"
        "TXN COMMIT\r\nKEY GET t.a\r\n");
    CHECK(t.heard() == "");
    REQUIRE(t.backend.waiting() == 1);
    t.backend.release();
    t.serve();
    CHECK(t.heard() == "OK\r\nOK\r\nQUEUED\r\nQUEUED\r\nOK\r\n");
    const auto waiting = t.backend.waiting_requests();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].what == verb::txn_commit);
    CHECK(waiting[0].key == "t.a");
    CHECK(waiting[0].principal == "bob");
    t.backend.release();
    t.serve();
    CHECK(t.heard() == "COMMITTED SLOT:1\r\nOK\r\n");
    REQUIRE(t.backend.waiting() == 1);
    t.backend.release();
    t.serve();
    CHECK(t.heard() == "VALUE:y\r\nOK\r\n");
  }

  TEST_CASE("a connection that ends drops its transaction; requests name their connection") {
    talk t;
    t.hello();
    t.say("TXN BEGIN\r\nPUT t.a x\r\n");
    t.end();
    CHECK(t.client.is_finished());
    CHECK(t.backend.requests() == 0);

    session second(t.options, t.desk);
    second.feed("HELLO 1.0 b\r\nKEY GET t.a\r\n[ID:1] KEY GET t.b\r\n");
    second.advance();
    REQUIRE(t.desk.round.size() == 2);
    for (const auto& r : t.desk.round) CHECK(r.connection == 2);
    second.abandon();
  }
}
