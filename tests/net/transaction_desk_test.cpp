#include "net/transaction_desk.hpp"

#include <doctest/doctest.h>

using namespace atlas::net;
using atlas::core::decode_steps;
using atlas::core::step_kind;

namespace {

std::string say(transaction_desk& d, const std::string& line) {
  const auto r = d.add(line);
  return r.what == reply_kind::line ? r.text : "WARN " + r.text;
}

std::string refused(transaction_desk& d) {
  client_request request;
  client_reply refusal;
  return d.commit(request, refusal) ? "" : refusal.text;
}

}  // namespace

TEST_SUITE("net/transaction_desk") {
  TEST_CASE("lines are queued in order and committed as one request") {
    transaction_desk d;
    CHECK(d.begin().what == reply_kind::ok);
    CHECK(say(d, "IF t.a VERSION 3") == "QUEUED");
    CHECK(say(d, "if t.b absent") == "QUEUED");
    CHECK(say(d, "IF t.c VALUE  x ") == "QUEUED");
    CHECK(say(d, "PUT t.a  two  words ") == "QUEUED");
    CHECK(say(d, "DEL t.b") == "QUEUED");
    CHECK(say(d, "INCR t.n -2") == "QUEUED");
    CHECK(say(d, "INCR t.n +5") == "QUEUED");
    CHECK(say(d, "INCR t.n") == "QUEUED");
    client_request request;
    client_reply refusal;
    REQUIRE(d.commit(request, refusal));
    CHECK_FALSE(d.is_open());
    CHECK(request.what == verb::txn_commit);
    CHECK(request.key == "t.a");
    const auto steps = decode_steps(request.value);
    REQUIRE(steps.has_value());
    REQUIRE(steps->size() == 8);
    CHECK(steps->at(0).what == step_kind::if_version);
    CHECK(steps->at(0).number == 3);
    CHECK(steps->at(2).value == " x ");
    CHECK(steps->at(3).value == " two  words ");
    CHECK(steps->at(5).number == static_cast<std::uint64_t>(-2));
    CHECK(steps->at(6).number == 5);
    CHECK(steps->at(7).number == 1);
  }

  TEST_CASE("a refused line spoils the transaction, and COMMIT says which it was") {
    const std::pair<const char*, const char*> cases[] = {
        {"PUT t.a", "PUT t.a expects 3 arguments"},
        {"DEL", "DEL expects 2 arguments"},
        {"IF t.a VERSION x", "invalid version x: a number from 1 expected"},
        {"IF t.a NEWER", "IF requires format: IF <key> VERSION <n>, ABSENT or VALUE <value>"},
        {"INCR t.a +-5", "invalid number +-5: a whole number of 64 bits expected"},
        {"INCR t.a 1.5", "invalid number 1.5: a whole number of 64 bits expected"}};
    for (const auto& [line, why] : cases) {
      transaction_desk d;
      CHECK(d.begin().what == reply_kind::ok);
      CHECK(say(d, line) == std::string("WARN ") + why);
      CHECK(say(d, "PUT t.b x") == "QUEUED");
      CHECK(refused(d) == std::string("transaction was not committed: ") + why);
      CHECK_FALSE(d.is_open());
    }
  }

  TEST_CASE("conditions stand in front, and sizes are bounded") {
    transaction_desk d;
    CHECK(d.begin().what == reply_kind::ok);
    say(d, "PUT t.a x");
    CHECK(say(d, "IF t.a ABSENT") == "WARN conditions stand in front of all changes");
    CHECK(d.abort().what == reply_kind::ok);
    CHECK(d.begin().what == reply_kind::ok);
    for (std::size_t i = 0; i < atlas::core::txn_steps_max; ++i) say(d, "INCR t.a");
    CHECK(say(d, "INCR t.a") == "WARN too many lines: at most 1000");
    CHECK(d.abort().what == reply_kind::ok);
    CHECK(d.begin().what == reply_kind::ok);
    CHECK(say(d, "PUT t.a " + std::string(transaction_desk::bytes_max, 'x')) ==
          "WARN transaction too large: at most 1048576 bytes");
  }

  TEST_CASE("commit and abort need a transaction, begin needs none, and an empty one is refused") {
    transaction_desk d;
    CHECK(refused(d) == "no transaction is open: TXN BEGIN first");
    CHECK(d.abort().text == "no transaction is open: TXN BEGIN first");
    CHECK(d.begin().what == reply_kind::ok);
    CHECK(d.begin().what == reply_kind::warn);
    CHECK(d.is_open());
    CHECK(refused(d) == "empty transaction: nothing was queued");
  }
}
