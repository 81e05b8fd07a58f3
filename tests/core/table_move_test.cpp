// A table goes from log to log: sealed in one, handed out in parts, adopted in the other, cleared
// (consensus.md §6). Each step acts once, at its own count only, and survives a restart.
#include "core/table_move.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr log_id home{5};
constexpr log_id group{9};
constexpr table_id table{5};
const outcome not_found{outcome_code::not_found, {}};
const outcome dropped{outcome_code::dropped, {}};

/// One log on a disk of its own; commands to the log itself are numbered here.
struct log_bench {
  explicit log_bench(log_id id) : log(id) { restart(); }

  log_id log;
  memory_log_store disk;
  std::unique_ptr<state_machine> machine;
  slot at;
  std::uint64_t seq = 0;

  void restart() { machine = std::make_unique<state_machine>(log, disk, disk.recover()); }
  outcome apply(command c, std::uint64_t us = 100) {
    std::vector<command_result> results;
    machine->apply(make_batch({us}, std::vector{c}), {us}, &results);
    std::vector<record_write> writes;
    machine->save(++at, at.value, writes);
    disk.write(writes);
    machine->written(at.value);
    return results.front().result;
  }
  outcome to_log(operation what, std::string value, std::uint64_t us = 100) {
    command c{proc(9), {++seq}, {seq}, what, {}, std::move(value), {}, log_itself};
    return apply(c, us);
  }
  outcome put(std::uint64_t n, const std::string& row, const std::string& value,
              std::uint64_t us = 100) {
    return apply({proc(1), {n}, {1}, operation::put, row, value, {}, table}, us);
  }
  [[nodiscard]] outcome get(const std::string& row) const {
    return machine->answer({proc(1), {1}, read_kind::get, row, table});
  }
  [[nodiscard]] std::vector<std::string> keys(const std::string& prefix = "") const {
    const auto found =
        decode_rows(machine->answer({proc(1), {1}, read_kind::scan, prefix, table}).data);
    std::vector<std::string> out;
    for (const auto& [row, value] : *found) out.push_back(row);
    return out;
  }
  table_state seal(std::uint64_t moves, log_id to, std::uint64_t us = 100) {
    return decode_table_state(
               to_log(operation::seal, encode(seal_request{table, moves, to}), us).data)
        .value();
  }
  [[nodiscard]] outcome part(std::uint64_t moves, log_id to, std::uint64_t index,
                             const std::string& after = "") const {
    return machine->answer({proc(1),
                            {1},
                            read_kind::part,
                            encode(part_request{table, moves, to, index, after}),
                            log_itself});
  }
  table_state adopt(const std::string& bytes, std::uint64_t us = 100) {
    return decode_table_state(to_log(operation::adopt, bytes, us).data).value();
  }
};

log_id where(const outcome& o) {
  REQUIRE(o.code == outcome_code::moved);
  return moved_to(o.data);
}

/// Moves the table with everything, from the sealed state on; gives the number of parts.
std::uint64_t carry(log_bench& from, log_bench& to, std::uint64_t moves) {
  table_state s;
  do {
    const auto part = from.part(moves, to.log, s.parts, s.after);
    REQUIRE(part.code == outcome_code::ok);
    s = to.adopt(part.data);
    REQUIRE(s.moves == moves + 1);
  } while (s.what == custody::arriving);
  CHECK(s.what == custody::held);
  return s.parts;
}

}  // namespace

TEST_SUITE("core/table_move") {
  TEST_CASE("a sealed table is written and read elsewhere only, and says where") {
    log_bench a(home);
    a.put(1, ".k", "one");
    CHECK(a.seal(0, group).what == custody::sealed);
    for (int starts = 0; starts < 2; ++starts) {
      CHECK(where(a.put(2, ".k", "two")) == group);
      CHECK(where(a.get(".k")) == group);
      CHECK(a.put(1, ".k", "one") == outcome{});  // what was executed before keeps its result
      a.restart();
    }
  }

  TEST_CASE("a seal of another count changes nothing") {
    log_bench a(home);
    CHECK(a.seal(1, group).what == custody::held);
    CHECK(a.seal(0, group).other == group);
    CHECK(a.seal(0, {11}).other == group);
    CHECK(a.to_log(operation::seal, encode(seal_request{{77}, 0, group})) == not_found);
    CHECK(a.to_log(operation::seal, "\x80").code == outcome_code::refused);
    CHECK(a.to_log(operation::put, "v").code == outcome_code::refused);
  }

  TEST_CASE("rows with their versions and times arrive, and so do results") {
    log_bench a(home);
    log_bench g(group);
    CHECK(where(g.put(1, ".k", "early")) == log_id{});
    a.put(1, ".k", "one", 200);
    a.put(2, ".k", "two", 300);
    a.put(3, "", "empty row name", 400);
    a.seal(0, group, 500);
    carry(a, g, 0);
    for (int starts = 0; starts < 2; ++starts) {
      CHECK(g.get(".k").data == "two");
      CHECK(g.get("").data == "empty row name");
      CHECK(g.keys() == std::vector<std::string>{"", ".k"});
      CHECK(g.put(2, ".k", "two") == outcome{});  // not executed again
      CHECK(g.get(".k").data == "two");
      g.restart();
    }
    // The clock of the new owner is behind: log time of the table goes on from the seal all the
    // same.
    g.put(4, ".k", "three", 450);
    const auto bytes = g.disk.get(row_prefix(table, 1) + ".k").value();
    CHECK(decode_row(bytes)->version == 3);
    CHECK(decode_row(bytes)->created == stamp{200});
    CHECK(decode_row(bytes)->updated == stamp{500});
  }

  TEST_CASE("large tables come in parts; each acts once, in its turn, from whomever") {
    log_bench a(home);
    log_bench g(group);
    const std::string big(100'000, 'x');
    for (std::uint64_t i = 0; i < 9; ++i) a.put(i + 1, ".k" + std::to_string(i), big);
    a.seal(0, group);
    const auto first = a.part(0, group, 0).data;  // results
    auto s = g.adopt(first);
    const auto second = a.part(0, group, s.parts, s.after).data;
    CHECK(g.adopt(first).parts == 1);  // again
    s = g.adopt(second);
    CHECK(s.parts == 2);
    CHECK(s.after == ".k2");
    CHECK(g.adopt(second).parts == 2);
    CHECK(where(g.get(".k0")) == log_id{});  // not all is here
    g.restart();
    const auto third = a.part(0, group, s.parts, s.after).data;
    auto skipped = *decode_adopt_part(third);
    skipped.index = 3;
    CHECK(g.adopt(encode(skipped)).parts == 2);
    s = g.adopt(third);
    while (s.what == custody::arriving) s = g.adopt(a.part(0, group, s.parts, s.after).data);
    CHECK(g.keys().size() == 9);
    CHECK(g.adopt(first).what == custody::held);  // late
    CHECK(g.get(".k8").data == big);
  }

  TEST_CASE("only the log that a seal named gets parts, and only at that count") {
    log_bench a(home);
    a.put(1, ".k", "v");
    CHECK(a.part(0, group, 0) == not_found);
    a.seal(0, group);
    CHECK(a.part(0, {11}, 0) == not_found);
    CHECK(a.part(1, group, 0) == not_found);
    CHECK(a.part(0, group, 0).code == outcome_code::ok);
  }

  TEST_CASE("a table that comes back brings what was written meanwhile") {
    log_bench a(home);
    log_bench g(group);
    a.put(1, ".k", "one");
    a.put(2, ".gone", "x");
    a.seal(0, group);
    const auto late = a.part(0, group, 0).data;
    carry(a, g, 0);
    g.apply({proc(1), {3}, {1}, operation::erase, ".gone", {}, {}, table});
    g.put(4, ".k", "two");
    g.seal(1, home);
    carry(g, a, 1);
    CHECK(a.keys() == std::vector<std::string>{".k"});
    CHECK(a.get(".k").data == "two");
    CHECK(a.seal(0, group).what == custody::held);  // the first seal, late
    CHECK(g.adopt(late).what == custody::sealed);   // so is this
    a.seal(2, group);
    carry(a, g, 2);
    CHECK(g.get(".k").data == "two");
    CHECK(g.put(4, ".k", "two") == outcome{});
  }

  TEST_CASE("clearing takes what is over, in bounded steps, and nothing else") {
    log_bench a(home);
    log_bench g(group);
    for (std::uint64_t i = 0; i < 600; ++i) a.put(i + 1, ".k" + std::to_string(i), "v");
    const auto clear = encode(clear_request{table, 0});
    CHECK(a.to_log(operation::clear_table, clear).data == "done");
    CHECK(a.keys().size() == 600);  // the table is here: nothing is over
    a.seal(0, group);
    carry(a, g, 0);
    CHECK(a.to_log(operation::clear_table, clear).data == "more");
    a.restart();
    CHECK(a.to_log(operation::clear_table, clear).data == "done");
    a.restart();
    CHECK(where(a.get(".k1")) == group);
    CHECK(where(a.put(1, ".k0", "v")) == group);  // results went, too
    CHECK(a.machine->rows("").size() == 1);       // how it stands with the table
    CHECK(g.keys().size() == 600);
  }

  TEST_CASE("a table that is sealed to nowhere is dropped") {
    log_bench g(group);
    log_bench a(home);
    a.put(1, ".k", "v");
    a.seal(0, {});
    CHECK(a.get(".k") == dropped);
    CHECK(a.put(2, ".k", "w") == dropped);
  }

  TEST_CASE("a group that is dropped sends on whoever looks for a table that has left it") {
    log_bench a(home), g(group), own(log_id{90});
    a.put(1, ".k", "v");
    a.seal(0, group);
    carry(a, g, 0);
    g.seal(1, own.log);
    carry(g, own, 1);
    REQUIRE(g.to_log(operation::clear_table, encode(clear_request{table, 1})).data == "done");
    g.apply({proc(9), {++g.seq}, {g.seq}, operation::close_log, {}, {}, {}, home_table(group)});
    for (int starts = 0; starts < 2; ++starts) {
      CHECK(where(g.get(".k")) == own.log);
      CHECK(where(g.put(7, ".k", "w")) == own.log);
      const auto of_group = g.machine->answer({proc(1), {1}, read_kind::frontier, {}, {}});
      CHECK(of_group.code == outcome_code::dropped);
      CHECK(g.to_log(operation::seal, encode(seal_request{table, 1, group})).code ==
            outcome_code::dropped);
      g.restart();
    }
    CHECK(own.get(".k").data == "v");
  }

  TEST_CASE("two tables of one log keep out of each other's way") {
    log_bench a(home);
    log_bench g(group);
    a.put(1, ".k", "of the table");
    a.seal(0, group);
    carry(a, g, 0);
    const command other{proc(1), {1}, {1}, operation::put, ".k", "of the log", {}, {}};
    CHECK(g.apply(other) == outcome{});
    CHECK(g.get(".k").data == "of the table");
    CHECK(g.keys() == std::vector<std::string>{".k"});
    CHECK(g.machine->answer({proc(1), {1}, read_kind::get, ".k"}).data == "of the log");
    CHECK(decode_rows(g.machine->answer({proc(1), {1}, read_kind::scan, ""}).data)->size() == 1);
  }

  TEST_CASE("broken bytes are no request") {
    const auto part =
        encode(adopt_part{table, 1, home, {5}, 0, 0, true, {}, {{".k", "no record"}}});
    CHECK_FALSE(decode_adopt_part(part).has_value());
    CHECK_FALSE(decode_adopt_part(encode(adopt_part{table, 0, home, {5}, 0, true, {}, {}})));
    CHECK(decode_adopt_part(encode(adopt_part{table, 1, home, {5}, 0, true, {}, {}})));
    CHECK_FALSE(decode_seal_request("").has_value());
    CHECK_FALSE(decode_table_state(std::string(6, 9)).has_value());
    CHECK(table_of_state_row(state_row({77})) == table_id{77});
    CHECK(table_of_state_row(".k") == table_id{});
  }
}
