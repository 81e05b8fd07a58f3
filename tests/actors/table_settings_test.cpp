// The words behind TABLE CREATE and TABLE ALTER: what TABLE INFO prints can be sent back, and what
// is not understood is refused with the word in question.
#include "actors/table_settings.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace atlas;
using atlas::actors::read_table_settings;

namespace {

std::string wrong(std::string_view words) {
  const auto read = read_table_settings(words);
  CHECK_MESSAGE(!read.ok(), words);
  return read.ok() ? std::string() : read.error().detail;
}

}  // namespace

TEST_SUITE("actors/table_settings") {
  TEST_CASE("settings are read in any order and case, what is not named stays open") {
    CHECK(read_table_settings("").value() == core::policy_change{});
    CHECK(read_table_settings("  \t ").value() == core::policy_change{});
    core::policy_change both;
    both.fn.emplace(1u);
    both.fz.emplace();
    CHECK(read_table_settings(" FN=1\tfz=AUTO ").value() == both);
    CHECK(read_table_settings("fz=auto fn=01").value() == both);
    core::policy_change one;
    one.fz.emplace(0u);
    CHECK(read_table_settings("fz=0").value() == one);
  }

  TEST_CASE("a table keeps what an alteration does not name") {
    const auto change = read_table_settings("fn=2").value();
    CHECK(actors::settings_text(core::changed_policy({1, 0}, change)) == "fn=2 fz=0");
    CHECK(actors::settings_text({}) == "fn=auto fz=auto");
    CHECK(read_table_settings(actors::settings_text({3, {}})).value().fn == 3u);
  }

  TEST_CASE("what is not understood is refused with the word") {
    for (const auto* word : {"fn=", "fn=-1", "fn=1x", "fz=1000001", "fz=99999999999", "fn=autos"})
      CHECK(wrong(word) ==
            "invalid setting " + std::string(word) + ": a number or auto is expected");
    for (const auto* word : {"fn", "1", "=1", "fx=1", "fn:1"})
      CHECK(wrong("fz=0 " + std::string(word)) ==
            "unknown setting " + std::string(word) +
                ": fn=<number>|auto and fz=<number>|auto are known");
    CHECK(wrong("fn=1 fz=1 fn=1") == "setting fn is given twice");
    CHECK(wrong("fn=auto fn=1") == "setting fn is given twice");
  }

  TEST_CASE("names that no key could reach are refused") {
    CHECK(actors::table_name_error("users") == "");
    CHECK(actors::table_name_error("atlas2") == "");
    CHECK(actors::table_name_error("") != "");
    for (const auto* name : {"a.b", ".", "atlas", "ATLAS", "atlas.nodes"})
      CHECK(actors::table_name_error(name).find(name) != std::string::npos);
  }
}
