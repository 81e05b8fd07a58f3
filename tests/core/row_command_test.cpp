// What each command makes of a row: versions, write-once periods, ends, permissions, numbers.
#include "core/row_command.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "core/rng.hpp"

using namespace atlas::core;

namespace {

/// One row and the list of its table, changed by one command after the other.
struct row_bench {
  std::optional<std::string> bytes;
  access_list table;
  std::uint64_t now = 1'000'000;

  outcome run(operation what, const std::string& value = {}, std::string_view who = {}) {
    command_view c;
    c.what = what;
    c.value = value;
    c.principal = who;
    c.row = ".k";
    row_command done(c, record(), &table, {now});
    auto result = done.result();
    if (done.changes()) {
      std::optional<std::string> next;
      if (done.next()) next = encode_row(*done.next());
      bytes = next;
    }
    return result;
  }
  outcome put(const std::string& value, std::string_view who = {}) {
    return run(operation::put, value, who);
  }
  outcome grant(permission p, std::string_view to, std::string_view by = {}) {
    return run(operation::grant, encode_access_change(p, to), by);
  }
  std::optional<row_record> record() const { return bytes ? decode_row(*bytes) : std::nullopt; }
  bool there() const { return record() && record()->is_there({now}); }
};

const outcome done{};
const outcome absent{outcome_code::not_found, {}};

}  // namespace

TEST_SUITE("core/row_command") {
  TEST_CASE("versions count writes and begin again after a deletion") {
    row_bench b;
    CHECK(b.put("one") == done);
    b.now += 5;
    CHECK(b.put("two", "ann") == done);
    CHECK(b.record()->version == 2);
    CHECK(b.record()->created == stamp{1'000'000});
    CHECK(b.record()->updated == stamp{1'000'005});
    CHECK(b.record()->principal == "ann");
    CHECK(b.run(operation::erase) == done);
    CHECK_FALSE(b.bytes.has_value());
    CHECK(b.run(operation::erase) == done);
    b.put("three");
    CHECK(b.record()->version == 1);
  }

  TEST_CASE("a compare-and-set acts on the very version only") {
    row_bench b;
    CHECK(b.run(operation::cas, encode_cas(1, "x")).data == "CONFLICT ABSENT");
    CHECK_FALSE(b.bytes.has_value());
    CHECK(b.run(operation::cas, encode_cas(0, "x")).data == "VERSION:1");
    CHECK(b.run(operation::cas, encode_cas(0, "y")).data == "CONFLICT VERSION:1");
    CHECK(b.run(operation::cas, encode_cas(1, "")).data == "VERSION:2");
    CHECK(b.record()->value.empty());
  }

  TEST_CASE("counters begin at nothing and never pass 64 bits") {
    row_bench b;
    CHECK(b.run(operation::increase, encode_amount(5)).data == "VALUE:5");
    CHECK(b.run(operation::increase, encode_amount(-7)).data == "VALUE:-2");
    CHECK(b.record()->version == 2);
    b.put(std::to_string(std::numeric_limits<std::int64_t>::max()));
    CHECK(b.run(operation::increase, encode_amount(1)).code == outcome_code::refused);
    CHECK(b.record()->version == 3);
    for (const auto* text : {"", "x", "1x", " 1", "9223372036854775808"}) {
      b.put(text);
      CHECK(b.run(operation::increase, encode_amount(1)).code == outcome_code::refused);
      CHECK(b.record()->value == text);
    }
  }

  TEST_CASE("a value ends at its time and not before; a new write takes the end away") {
    row_bench b;
    CHECK(b.run(operation::expire, encode_expire(10)) == absent);
    b.put("x");
    CHECK(b.run(operation::expire, encode_expire(10)) == done);
    CHECK(b.record()->due() == stamp{1'000'010});
    CHECK(b.record()->version == 1);
    b.now += 9;
    CHECK(b.there());
    b.now += 1;
    CHECK_FALSE(b.there());
    CHECK(b.run(operation::expire, encode_expire(0)) == absent);
    CHECK(b.run(operation::cas, encode_cas(0, "y")).data == "VERSION:1");
    CHECK(b.record()->due() == stamp{});
    b.run(operation::expire, encode_expire(10));
    CHECK(b.run(operation::expire, encode_expire(0)) == done);
    CHECK(b.record()->due() == stamp{});
    b.run(operation::expire, encode_expire(std::numeric_limits<std::uint64_t>::max()));
    CHECK(b.there());
    b.put("7");
    b.run(operation::expire, encode_expire(10));
    b.run(operation::increase, encode_amount(1));
    CHECK(b.record()->due() == stamp{b.now + 10});
  }

  TEST_CASE("a write-once value is nobody's to change until its time is over") {
    row_bench b;
    CHECK(b.run(operation::put_once, encode_put_once({true, 100}, "x"), "ann") == done);
    const std::string refusal = "key is write-once until 1970-01-01T00:00:01.000100Z";
    for (const auto& [what, value] :
         {std::pair{operation::put, std::string("y")}, std::pair{operation::erase, std::string()},
          std::pair{operation::cas, encode_cas(1, "y")},
          std::pair{operation::increase, encode_amount(1)},
          std::pair{operation::expire, encode_expire(1)},
          std::pair{operation::put_once, encode_put_once({true, 1'000}, "y")}}) {
      CHECK(b.run(what, value, "ann") == outcome{outcome_code::refused, refusal});
      CHECK(b.record()->value == "x");
    }
    CHECK(b.run(operation::protect, encode_period({true, 99})).data ==
          "write-once period can only be extended (now until 1970-01-01T00:00:01.000100Z)");
    CHECK(b.run(operation::protect, encode_period({false, 1'000'200})) == done);
    b.now += 199;
    CHECK(b.put("y").code == outcome_code::refused);
    b.now += 1;
    CHECK(b.put("y") == done);
    CHECK(b.record()->write_once == stamp{});
    CHECK(b.run(operation::put_once, encode_put_once({false, 5}, "z")).code ==
          outcome_code::refused);
  }

  TEST_CASE("an end that was set before waits for the write-once period") {
    row_bench b;
    b.put("x");
    b.run(operation::expire, encode_expire(10));
    CHECK(b.run(operation::protect, encode_period({true, 100})) == done);
    CHECK(b.record()->due() == stamp{1'000'100});
    b.now += 99;
    CHECK(b.there());
    b.now += 1;
    CHECK_FALSE(b.there());
  }

  TEST_CASE("owners alone change who may do what, and a deletion does not open a key") {
    row_bench b;
    b.put("x");
    CHECK(b.grant(permission::owner, "ann") == done);
    CHECK(b.grant(permission::owner, "eve", "eve").code == outcome_code::denied);
    CHECK(b.grant(permission::write, "bob", "ann") == done);
    CHECK(b.grant(permission::owner, "bob", "bob").code == outcome_code::denied);
    CHECK(b.put("y", "eve").code == outcome_code::denied);
    CHECK(b.put("y", "bob") == done);
    CHECK(b.run(operation::erase, {}, "bob") == done);
    CHECK_FALSE(b.there());
    CHECK(b.put("z", "eve").code == outcome_code::denied);
    CHECK(b.put("z", "bob") == done);
    CHECK(b.record()->version == 1);
    CHECK(b.run(operation::revoke, encode_access_change(permission::owner, "ann"), "ann") == done);
    CHECK(b.put("w", "eve") == done);
  }

  TEST_CASE("a key without a list is guarded by its table's, and begins its own with that") {
    row_bench b;
    b.table.grant(permission::owner, "ann");
    b.table.grant(permission::write, "bob");
    CHECK(b.put("x", "eve").code == outcome_code::denied);
    CHECK(b.put("x", "bob") == done);
    CHECK(b.grant(permission::read, "eve", "bob").code == outcome_code::denied);
    CHECK(b.grant(permission::read, "eve", "ann") == done);
    CHECK(b.put("y", "bob") == done);
    CHECK(b.put("y", "eve").code == outcome_code::denied);
    b.table = {};
    CHECK(b.put("y", "eve").code == outcome_code::denied);
  }

  TEST_CASE("who may write but not read is told nothing of what is there") {
    row_bench b;
    b.put("41");
    b.grant(permission::owner, "ann");
    b.grant(permission::write, "bob", "ann");
    CHECK(b.put("41", "bob") == done);
    CHECK(b.run(operation::increase, encode_amount(1), "bob").code == outcome_code::denied);
    CHECK(b.run(operation::cas, encode_cas(9, "x"), "bob").code == outcome_code::denied);
    CHECK(b.run(operation::expire, encode_expire(9), "bob").code == outcome_code::denied);
    CHECK(b.run(operation::protect, encode_period({true, 9}), "bob").code == outcome_code::denied);
    CHECK(b.record()->value == "41");
    b.grant(permission::read, "bob", "ann");
    CHECK(b.run(operation::increase, encode_amount(1), "bob").data == "VALUE:42");
  }

  TEST_CASE("what only the table's list gives is not taken away at the key") {
    row_bench b;
    b.table.grant(permission::owner, "ann");
    const auto revoke = encode_access_change(permission::owner, "ann");
    CHECK(b.run(operation::revoke, revoke, "ann").code == outcome_code::refused);
    CHECK_FALSE(b.bytes.has_value());
    // A grant of what the table gives stays when the table's list changes.
    CHECK(b.grant(permission::owner, "ann", "ann") == done);
    b.table = {};
    CHECK(b.put("x", "eve").code == outcome_code::denied);
  }

  TEST_CASE("nobody but an owner widens access: random commands of everyone") {
    rng random(11);
    const std::string names[] = {"", "ann", "bob", "eve"};
    for (int round = 0; round < 1'000; ++round) {
      row_bench b;
      if (random.chance(1, 2)) b.table.grant(permission::owner, names[1 + random.below(3)]);
      if (random.chance(1, 2)) b.grant(permission::owner, names[1 + random.below(3)], "ann");
      for (int step = 0; step < 20; ++step) {
        const auto& who = names[random.below(4)];
        const auto before = guard_of(b.record(), &b.table);
        const auto p = static_cast<permission>(1 + random.below(3));
        const auto change = encode_access_change(p, names[1 + random.below(3)]);
        switch (random.below(5)) {
          case 0:
            b.put("x", who);
            break;
          case 1:
            b.run(operation::erase, {}, who);
            break;
          case 2:
            b.run(operation::grant, change, who);
            break;
          case 3:
            b.run(operation::revoke, change, who);
            break;
          default:
            b.run(operation::expire, encode_expire(1 + random.below(3)), who);
            break;
        }
        ++b.now;
        if (before.may_own(who)) continue;
        REQUIRE(guard_of(b.record(), &b.table) == before);
      }
    }
  }

  TEST_CASE("values that do not fit their operation are no commands") {
    CHECK_FALSE(has_whole_value(operation::cas, ""));
    CHECK_FALSE(has_whole_value(operation::put_once, "\3\1"));
    CHECK_FALSE(has_whole_value(operation::increase, encode_amount(1) + "x"));
    CHECK_FALSE(has_whole_value(operation::protect, ""));
    CHECK_FALSE(has_whole_value(operation::grant, "\4ann"));
    CHECK_FALSE(has_whole_value(operation::grant, "\1"));
    CHECK_FALSE(has_whole_value(operation::transaction, "x"));
    CHECK(has_whole_value(operation::put, "anything"));
  }

  TEST_CASE("times are told in UTC") {
    CHECK(time_text({1'893'553'445'000'000}) == "2030-01-02T03:04:05Z");
    CHECK(time_text({1'893'553'445'250'000}) == "2030-01-02T03:04:05.250000Z");
    CHECK(time_text({0}) == "1970-01-01T00:00:00Z");
    CHECK(time_text({951'782'400'000'000}) == "2000-02-29T00:00:00Z");
    CHECK(time_text({951'868'799'000'000}) == "2000-02-29T23:59:59Z");
    CHECK(time_text({951'868'800'000'000}) == "2000-03-01T00:00:00Z");
    CHECK(time_text({4'107'542'400'000'000}) == "2100-03-01T00:00:00Z");
    CHECK(time_text({1'735'689'599'999'999}) == "2024-12-31T23:59:59.999999Z");
  }
}
