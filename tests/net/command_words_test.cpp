// Lines put together from the words of all commands, in any order and number: whatever is said, the
// parser answers, and a request it makes is one that the backend may rely on.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

#include "net/command_parser.hpp"
#include "net/transaction_desk.hpp"

namespace {

using namespace atlas::net;

constexpr std::string_view words[] = {
    "KEY",    "PUT",   "SET",    "GET",     "DEL",     "CAS",      "INCR",  "MGET",
    "EXPIRE", "TTL",   "META",   "PERSIST", "WORM",    "BLOB",     "STAT",  "RANGE",
    "SCAN",   "LIMIT", "AFTER",  "VALUES",  "COUNT",   "SAMPLE",   "N",     "TXN",
    "BEGIN",  "IF",    "ABSENT", "VERSION", "VALUE",   "ACL",      "GRANT", "REVOKE",
    "LIST",   "PERMS", "READ",   "HELP",    "INFO",    "NODE",     "TABLE", "MOVE",
    "TO",     "GROUP", "ADD",    "QUORUM",  "EXPIRES", "STALE",    "1",     "-1",
    "1h",     "t.k",   "k",      "x",       "",        "\xC2\xA0", "\t"};

std::string some_line(std::mt19937_64& random) {
  std::string out;
  for (auto n = 1 + random() % 14; n > 0; --n) {
    out += words[random() % std::size(words)];
    if (n > 1 || random() % 4 == 0) out += ' ';
  }
  return out;
}

}  // namespace

TEST_SUITE("net/command words") {
  TEST_CASE("a SCAN of any number of words is answered, and its options are found behind others") {
    for (const auto* line : {"SCAN p a b c d e LIMIT", "SCAN p LIMIT 3 VALUES a b AFTER"}) {
      const auto p = parse_command(line, false, 1000);
      CHECK_MESSAGE(p.kind == parsed_kind::warn, line);
      CHECK_MESSAGE(p.text.find("needs an operand behind it") != std::string::npos, p.text);
    }
    CHECK(parse_command("SCAN p a b c d e f LIMIT 3", false, 1000).terms == "3 0 ");
    CHECK(parse_command("SCAN p a b c d e LIMIT 3 AFTER p.k VALUES", true, 1000).terms ==
          "3 1 p.k");
  }

  TEST_CASE("the sum of an INCR has 64 bits and at most one sign") {
    const std::pair<const char*, const char*> good[] = {
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"+0", "0"},
        {"007", "7"}};
    for (const auto& [said, value] : good)
      CHECK(parse_command(std::string("KEY INCR k ") + said, false, 1000).value == value);
    for (const auto* said : {"9223372036854775808", "-9223372036854775809", "+-5", "--5", "+", "-",
                             "++5", "5x", "0x5"}) {
      const auto p = parse_command(std::string("KEY INCR k ") + said, false, 1000);
      CHECK_MESSAGE(p.kind == parsed_kind::warn, said);
      CHECK(p.text == std::string("invalid number ") + said +
                          ": a whole number from -9223372036854775808 to 9223372036854775807 "
                          "expected");
    }
  }

  TEST_CASE("words of all commands in any order are answered, in a transaction too") {
    std::mt19937_64 random(20261128);
    for (int round = 0; round < 100'000; ++round) {
      const auto line = some_line(random);
      INFO(line);
      const auto p = parse_command(line, round % 2 == 0, 1000);
      CHECK(p.key.size() <= key_bytes_max);
      if (p.kind == parsed_kind::warn) CHECK_FALSE(p.text.empty());
      transaction_desk desk;
      if (desk.begin().what == reply_kind::ok) CHECK_FALSE(desk.add(line).text.empty());
    }
  }
}
