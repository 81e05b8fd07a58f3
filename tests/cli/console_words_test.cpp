// What may stand at the end of a line.
#include "cli/console_words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace atlas::cli;
using words = std::vector<std::string>;
using kinds = std::vector<operand>;

}  // namespace

TEST_SUITE("cli/console_words") {
  TEST_CASE("the next command word is offered, in any case and behind a tag") {
    CHECK(complete_words("k").words == words{"KEY"});
    CHECK(complete_words("KEY b").words == words{"BLOB"});
    CHECK(complete_words("key blob ").words == words{"GET", "SET", "STAT"});
    CHECK(complete_words("[ID:1] node ").words == words{"LIST", "INFO", "PING", "REMOVE"});
    CHECK(complete_words("  GROUP   a").words == words{"ADD"});
    CHECK(complete_words("\\t").words == words{"\\time"});
    CHECK(complete_words("\\time o").words == words{"on", "off"});
  }

  TEST_CASE("names are due where the commands have them") {
    CHECK(complete_words("KEY GET us").operands == kinds{operand::key});
    CHECK(complete_words("KEY GET us").words.empty());
    CHECK(complete_words("KEY GET us").word == "us");
    CHECK(complete_words("key blob get ").operands == kinds{operand::key});
    CHECK(complete_words("KEY BLOB SET k ").operands == kinds{operand::upload});
    CHECK(complete_words("KEY BLOB GET k ").words == words{">", "RANGE"});
    CHECK(complete_words("KEY BLOB GET k > ").operands == kinds{operand::file});
    CHECK(complete_words("TABLE MOVE users to ").operands == kinds{operand::place});
    CHECK(complete_words("TABLE DROP ").operands == kinds{operand::either});
    CHECK(complete_words("GROUP ADD shop ").operands == kinds{operand::table});
    CHECK(complete_words("NODE PING ").operands == kinds{operand::node});
    CHECK(complete_words("QUORUM INFO ").operands == kinds{operand::table, operand::key});
    CHECK(complete_words("KEY MGET a b ").operands == kinds{operand::key});
  }

  TEST_CASE("modifiers and settings follow") {
    CHECK(complete_words("SCAN u ").words == words{"LIMIT", "AFTER", "VALUES"});
    CHECK(complete_words("SCAN u LIMIT 5 ").words == words{"AFTER", "VALUES"});
    CHECK(complete_words("SCAN u AFTER ").operands == kinds{operand::key});
    CHECK(complete_words("TABLE CREATE t ").words == words{"fn=", "fz="});
    CHECK(complete_words("TABLE CREATE t fn=1 f").words == words{"fz="});
    CHECK(complete_words("KEY GET k ").words == words{"STALE"});
  }

  TEST_CASE("nothing is offered behind nonsense or a value") {
    CHECK(complete_words("NOPE ").words.empty());
    CHECK(complete_words("KEY PUT k v").words.empty());
    CHECK(complete_words("KEY PUT k v").operands.empty());
    CHECK(complete_words("TABLES ").words.empty());
  }

  TEST_CASE("a transaction has lines of its own") {
    CHECK(complete_words("P").words == words{"PRINCIPAL"});
    CHECK(complete_words("p", true).words == words{"PUT"});
    CHECK(complete_words("IF k ", true).words == words{"VERSION", "ABSENT", "VALUE"});
    CHECK(complete_words("DEL us", true).operands == kinds{operand::key});
    CHECK(complete_words("TXN ", true).words == words{"COMMIT", "ABORT"});
    CHECK(complete_words("KEY ", true).words.empty());
  }
}
