// The conversation of one client without a socket: every order of bytes and answers can be played.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "session_talk.hpp"

namespace {

using namespace atlas::net;
using atlas::net::testing::talk;

constexpr std::string_view opening = "WELCOME 1.0 Chronalys/1.0\r\nREADY\r\n";

std::string transcript(const std::string& input, const std::vector<std::size_t>& cuts) {
  talk t;
  std::size_t at = 0;
  for (const auto cut : cuts) {
    t.say(std::string_view(input).substr(at, cut - at));
    at = cut;
  }
  t.say(std::string_view(input).substr(at));
  t.end();
  CHECK(t.client.is_finished());
  return t.out;
}

}  // namespace

TEST_SUITE("net/session") {
  TEST_CASE("the greeting is exact, and a bad handshake is fatal") {
    talk t;
    t.take_output();
    CHECK(t.heard() == "WELCOME 1.0 Chronalys/1.0\r\n");
    SUBCASE("good") {
      t.say("[ID:x] hello 1.0 a\n");
      CHECK(t.heard() == "READY\r\n");
      CHECK_FALSE(t.client.is_finished());
    }
    SUBCASE("empty line") {
      t.say("\r\nHELLO 1.0 a\r\n");
      CHECK(t.heard() == "ERROR FATAL invalid handshake\r\n");
      CHECK(t.client.is_finished());
    }
    SUBCASE("version") {
      t.say("HELLO 2.0 a\r\n");
      CHECK(t.heard() == "ERROR FATAL invalid protocol version\r\n");
      CHECK(t.client.is_finished());
    }
  }

  TEST_CASE("every shape of reply, without and with a tag") {
    talk t;
    t.hello();
    t.heard();
    const auto ask = [&t](std::string_view line) {
      t.say(std::string(line) + "\r\n");
      return t.heard();
    };
    CHECK(ask("KEY GET a.b") == "NOT_FOUND\r\nOK\r\n");
    CHECK(ask("KEY PUT a.b hello ") == "OK\r\n");
    CHECK(ask("KEY GET a.b") == "VALUE:hello \r\nOK\r\n");
    CHECK(ask("KEY BLOB GET a.b") == "BLOB 6\r\nhello OK\r\n");
    CHECK(ask("KEY DEL a.b") == "OK\r\n");
    CHECK(ask("KEY BLOB GET a.b") == "EMPTY\r\nOK\r\n");
    CHECK(ask("NODE LIST") == "FIRST \r\nSECOND\r\nOK\r\n");
    CHECK(ask("NODE PING 7") == "ERROR WARN node 7 not found  second line\r\n");
    CHECK(ask("") == "");
    CHECK(ask("[ID:7] KEY GET a.b") == "[ID:7] NOT_FOUND\r\n[ID:7] OK\r\n");
    CHECK(ask("[ID:7]KEY PUT a.b  hello ") == "[ID:7] OK\r\n");
    CHECK(ask("[ID:7] KEY GET a.b") == "[ID:7] VALUE: hello \r\n[ID:7] OK\r\n");
    CHECK(ask("[ID:a b] KEY BLOB GET a.b") == "[ID:a b] BLOB 7\r\n hello [ID:a b] OK\r\n");
    CHECK(ask("[ID:7] NODE LIST") == "[ID:7] FIRST \r\nSECOND\r\n[ID:7] OK\r\n");
    CHECK(ask("[ID:7] NODE PING 7") == "[ID:7] ERROR WARN node 7 not found  second line\r\n");
    CHECK(ask("[ID:7] KEY GET") == "[ID:7] ERROR WARN KEY GET expects 3 arguments\r\n");
    CHECK(ask("[ID:7] nonsense") == "[ID:7] ERROR WARN command expected, got NONSENSE\r\n");
    CHECK(ask("[ID:7]") == "[ID:7] ERROR WARN command not implemented:\r\n");
  }

  TEST_CASE("a session sounds the same wherever its bytes are cut") {
    const std::string input =
        "HELLO 1.0 cut\r\nKEY PUT a.b  two  words \r\nKEY GET a.b\n\r\n[ID:1] KEY GET a.b\r\n"
        "KEY BLOB SET a.c 9\r\nx\r\nKEY\n\r\nKEY BLOB GET a.c\r\nPRINCIPAL ASSUME bob\r\n"
        "QUORUM INFO t\r\nfoo\r\nKEY BLOB SET a.d 0\r\nKEY BLOB GET a.d\r\n[ID:2] PRINCIPAL "
        "WHOAMI\r\n"
        "SCAN a";
    const auto whole = transcript(input, {});
    const std::string expected = std::string(opening) +
                                 "OK\r\nVALUE: two  words \r\nOK\r\n"
                                 "[ID:1] VALUE: two  words \r\n[ID:1] OK\r\n"
                                 "OK\r\nBLOB 9\r\nx\r\nKEY\n\r\nOK\r\nOK\r\nacting bob\r\nOK\r\n"
                                 "ERROR WARN command expected, got FOO\r\nOK\r\nBLOB 0\r\nOK\r\n"
                                 "[ID:2] PRINCIPAL bob\r\n[ID:2] OK\r\nKEYS:3\r\nOK\r\n";
    // Tagged answers may come out earlier or later than untagged ones, so only the set is compared
    // for the stream in one piece, and bytes for the stream in single bytes.
    CHECK(whole.size() == expected.size());
    std::vector<std::size_t> every;
    for (std::size_t i = 1; i < input.size(); ++i) {
      CHECK(transcript(input, {i}).size() == expected.size());
      every.push_back(i);
    }
    CHECK(transcript(input, every) == expected);
  }

  TEST_CASE("tagged answers come as they finish, untagged ones in their order") {
    talk t;
    t.hello();
    t.heard();
    t.backend.hold();
    t.say(
        "KEY PUT a.1 x\r\nKEY GET a.1\r\n[ID:s] NODE LIST\r\n[ID:t] KEY GET b.2\r\nKEY DEL "
        "a.3\r\n");
    CHECK(t.backend.waiting() == 5);
    CHECK(t.heard() == "");

    t.backend.release(false, [](const client_request& r) { return r.key == "b.2"; });
    t.serve();
    CHECK(t.heard() == "[ID:t] NOT_FOUND\r\n[ID:t] OK\r\n");
    t.backend.release(false, [](const client_request& r) { return r.what == verb::key_del; });
    t.serve();
    CHECK(t.heard() == "");  // answered, but two untagged ones come first
    t.backend.release(false, [](const client_request& r) { return r.what == verb::key_get; });
    t.serve();
    CHECK(t.heard() == "");
    t.backend.release(true);
    t.serve();
    const auto rest = t.heard();
    CHECK(rest.find("OK\r\nNOT_FOUND\r\nOK\r\nOK\r\n") != std::string::npos);
  }

  TEST_CASE("untagged requests run one at a time unless the backend keeps the order of a table") {
    talk t({}, false);
    t.hello();
    t.heard();
    t.backend.hold();
    t.say("KEY PUT a.1 x\r\nKEY GET a.1\r\nKEY DEL a.1\r\n[ID:1] KEY GET a.2\r\n");
    for (const auto what : {verb::key_put, verb::key_get, verb::key_del}) {
      REQUIRE(t.backend.waiting_requests().front().what == what);
      // The tagged request is read behind the last untagged one, and does not wait for it.
      CHECK(t.backend.waiting() == (what == verb::key_del ? 2 : 1));
      t.backend.release();
      t.serve();
    }
    CHECK(t.heard() == "OK\r\nVALUE:x\r\nOK\r\nOK\r\n[ID:1] NOT_FOUND\r\n[ID:1] OK\r\n");
  }

  TEST_CASE("untagged requests are pipelined within one table only") {
    talk t;
    t.hello();
    t.backend.hold();
    t.say("KEY PUT a.1 x\r\nKEY GET a.2\r\nKEY BLOB SET a 3\r\nabcKEY DEL b.1\r\nKEY GET b.2\r\n");
    CHECK(t.backend.waiting() == 3);  // b waits for a
    CHECK_FALSE(t.client.wants_input());
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == 2);
    CHECK(t.client.wants_input());
    t.say("NODE LIST\r\nKEY GET b.3\r\n");
    CHECK(t.backend.waiting() == 2);
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == 1);  // NODE LIST alone
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == 1);
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == 0);
  }

  TEST_CASE(
      "the principal in force when a request was read goes with it, and errors keep their place") {
    talk t;
    t.hello();
    t.heard();
    t.backend.hold();
    t.say(
        "PRINCIPAL WHOAMI\r\n[ID:1] QUORUM INFO t\r\nPRINCIPAL ASSUME bob\r\nKEY GET a\r\n"
        "PRINCIPAL ASSUME eve\r\nPRINCIPAL WHOAMI\r\nfoo\r\n[ID:2] QUORUM INFO t\r\nKEY GET a\r\n");
    CHECK(t.heard() == "PRINCIPAL (none)\r\nOK\r\nOK\r\n");
    const auto waiting = t.backend.waiting_requests();
    REQUIRE(waiting.size() == 4);
    CHECK(waiting[0].principal == "");
    CHECK(waiting[1].principal == "bob");
    CHECK(waiting[2].principal == "eve");
    CHECK(waiting[3].principal == "eve");
    t.backend.release(true);
    t.serve();
    CHECK(t.heard() ==
          "[ID:2] acting eve\r\n[ID:2] OK\r\nNOT_FOUND\r\nOK\r\nOK\r\nPRINCIPAL eve\r\nOK\r\n"
          "ERROR WARN command expected, got FOO\r\nNOT_FOUND\r\nOK\r\n"
          "[ID:1] acting \r\n[ID:1] OK\r\n");
  }

  TEST_CASE("uploads may be pipelined, and one with a refused key is taken off the stream") {
    talk t;
    t.hello();
    t.heard();
    const std::string long_key(5000, 'k');
    t.say("KEY BLOB SET a.1 3\r\nabcKEY BLOB SET a.2 4\r\nd\r\nfKEY BLOB SET " + long_key +
          " 9\r\nKEY DEL xKEY BLOB GET a.2\r\n");
    CHECK(
        t.heard() ==
        "OK\r\nOK\r\nERROR WARN key too long: 5000 bytes, at most 4096\r\nBLOB 4\r\nd\r\nfOK\r\n");
  }

  TEST_CASE("a fatal error comes last, after everything in flight is answered") {
    talk t;
    t.hello();
    t.heard();
    t.backend.hold();
    t.say("KEY PUT a x\r\n[ID:1] KEY GET b\r\nKEY BLOB SET k nine\r\nKEY PUT never x\r\n");
    CHECK(t.backend.waiting() == 2);
    CHECK(t.heard() == "");
    CHECK_FALSE(t.client.wants_input());
    t.backend.release(true);
    t.serve();
    CHECK(t.heard() ==
          "[ID:1] NOT_FOUND\r\n[ID:1] OK\r\nOK\r\n"
          "ERROR FATAL invalid length nine: 0 to 134217728 bytes expected\r\n");
    CHECK(t.client.is_finished());
    CHECK(t.client.has_failed());
  }

  TEST_CASE("a line over the limit is fatal") {
    talk t({.line_bytes_max = 20});
    t.hello();
    t.heard();
    t.say(std::string(21, 'x'));
    CHECK(t.heard() == "ERROR FATAL command exceeded maximum length\r\n");
    CHECK(t.client.is_finished());
  }

  TEST_CASE("a client that closes its sending side gets all its answers") {
    talk t;
    t.hello();
    t.heard();
    t.backend.hold();
    t.say("KEY PUT a x\r\n[ID:1] NODE LIST\r\nKEY GET a");
    t.end();
    CHECK_FALSE(t.client.is_finished());
    CHECK(t.backend.waiting() == 3);
    t.backend.release();
    t.serve();
    CHECK(t.heard() == "OK\r\n[ID:1] FIRST \r\nSECOND\r\n[ID:1] OK\r\nVALUE:x\r\nOK\r\n");
    CHECK(t.client.is_finished());
    CHECK_FALSE(t.client.has_failed());
  }

  TEST_CASE("input that ends inside a blob stores nothing") {
    talk t;
    t.hello();
    t.heard();
    t.say("KEY BLOB SET a 5\r\nabc");
    t.end();
    CHECK(t.backend.requests() == 0);
    CHECK(t.heard() == "");
    CHECK(t.client.is_finished());
  }
}
