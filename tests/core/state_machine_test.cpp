// Applying a batch is a pure function of the log: what each command does to rows and results, and
// that a restart finds exactly the same memory of answered commands (consensus.md §8, §10).
#include "core/state_machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/row_record.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

/// A table over a disk that is written after each batch, unless a test holds the writes back.
struct table_bench {
  memory_log_store disk;
  std::unique_ptr<state_machine> table;
  slot at;
  std::uint64_t group = 0;
  std::vector<record_write> last_writes;

  table_bench() { restart(); }
  void restart() { table = std::make_unique<state_machine>(table_log, disk, disk.recover()); }

  std::vector<command_result> apply(std::uint64_t us, const std::vector<command>& commands,
                                    bool write = true) {
    std::vector<command_result> results;
    table->apply(make_batch({us}, commands), {us}, &results);
    ++at;
    if (write) save();
    return results;
  }
  void save() {
    last_writes.clear();
    table->save(at, ++group, last_writes);
    disk.write(last_writes);
    table->written(group);
  }
  outcome get(const std::string& row) const {
    return table->answer({proc(1), {1}, read_kind::get, row});
  }
  row_record record(const std::string& row) {
    held_ = disk.get(row).value();
    return decode_row(held_).value();
  }

 private:
  std::string held_;
};

const outcome absent{outcome_code::not_found, {}};

}  // namespace

TEST_SUITE("core/state_machine") {
  TEST_CASE("a closed table answers nothing but what it has answered, also after a restart") {
    table_bench b;
    const outcome dropped{outcome_code::dropped, {}};
    b.apply(100, {put(proc(1), 1, "k", "one")});
    command close = put(proc(1), 2, {}, {});
    close.what = operation::close_log;
    CHECK(b.apply(200, {close, put(proc(1), 3, "k", "two")})[1].result == dropped);
    for (int starts = 0; starts < 2; ++starts) {
      CHECK(b.get("k") == dropped);
      CHECK(b.table->answer({proc(1), {1}, read_kind::scan, ""}) == dropped);
      const auto results = b.apply(300, {put(proc(1), 1, "k", "one"), put(proc(2), 1, "k", "x")});
      CHECK(results[0].result == outcome{});  // it was executed before
      CHECK(results[1].result == dropped);
      CHECK(b.record("k").value == "one");
      CHECK(b.apply(400, {close})[0].result == outcome{});
      b.restart();
    }
  }

  TEST_CASE("put makes a row, put again raises its version and keeps its creation") {
    table_bench b;
    b.apply(100, {put(proc(1), 1, "k", "one")});
    CHECK(b.get("k") == outcome{outcome_code::ok, "one"});
    CHECK(b.record("k").version == 1);
    CHECK(b.record("k").created == stamp{100});
    b.apply(200, {put(proc(1), 2, "k", "two")});
    const auto r = b.record("k");
    CHECK(r.version == 2);
    CHECK(r.created == stamp{100});
    CHECK(r.updated == stamp{200});
    CHECK(r.principal == "ann");
    CHECK(r.value == "two");
  }

  TEST_CASE("a row that was erased begins at version one again") {
    table_bench b;
    b.apply(1, {put(proc(1), 1, "k", "one"), put(proc(1), 2, "k", "two")});
    CHECK(b.record("k").version == 2);
    b.apply(2, {erase(proc(1), 3, "k")});
    CHECK(b.get("k") == absent);
    CHECK_FALSE(b.disk.get("k").has_value());
    b.apply(3, {put(proc(1), 4, "k", "three")});
    CHECK(b.record("k").version == 1);
    CHECK(b.record("k").created == stamp{3});
  }

  TEST_CASE("erasing what is not there succeeds") {
    table_bench b;
    const auto results = b.apply(1, {erase(proc(1), 1, "k")});
    REQUIRE(results.size() == 1);
    CHECK(results[0].result == outcome{});
  }

  TEST_CASE("commands of one batch see each other before anything is written") {
    table_bench b;
    b.apply(1,
            {put(proc(1), 1, "k", "one"), put(proc(2), 1, "k", "two"), erase(proc(1), 2, "x"),
             put(proc(1), 3, "x", "back")},
            false);
    CHECK(b.get("k") == outcome{outcome_code::ok, "two"});
    CHECK(b.get("x") == outcome{outcome_code::ok, "back"});
    CHECK(b.table->unsaved() == 3);  // and the table's position
    CHECK_FALSE(b.disk.get("k").has_value());
    b.save();
    CHECK(b.table->unsaved() == 0);
    CHECK(b.record("k").version == 2);
    // Two rows, the position, what was changed, and one record of results.
    CHECK(b.last_writes.size() == 5);
  }

  TEST_CASE("a repeated command changes nothing and gets its first result") {
    table_bench b;
    b.apply(1, {put(proc(1), 1, "k", "mine")});
    b.apply(2, {put(proc(2), 1, "k", "yours")});
    const auto results = b.apply(3, {put(proc(1), 1, "k", "mine")});
    REQUIRE(results.size() == 1);
    CHECK(results[0].from == proc(1));
    CHECK(results[0].seq == sequence{1});
    CHECK(results[0].result == outcome{});
    CHECK(b.last_writes.empty());
    CHECK(b.get("k") == outcome{outcome_code::ok, "yours"});
  }

  TEST_CASE("the same command twice in one batch is executed once") {
    table_bench b;
    const auto results = b.apply(1, {put(proc(1), 1, "k", "v"), put(proc(1), 1, "k", "v")});
    CHECK(results.size() == 2);
    CHECK(b.record("k").version == 1);
  }

  TEST_CASE("a command below the window or of an older boot is never executed") {
    table_bench b;
    b.apply(1, {put(proc(1, 2), 5, "k", "new", 5)});
    const auto results =
        b.apply(2, {put(proc(1, 2), 4, "k", "late", 1), put(proc(1, 1), 9, "k", "old boot", 1)});
    REQUIRE(results.size() == 2);
    CHECK(results[0].result.code == outcome_code::unknown);
    CHECK(results[1].result.code == outcome_code::unknown);
    CHECK(b.get("k") == outcome{outcome_code::ok, "new"});
  }

  TEST_CASE("commands of the meta log are refused by a table") {
    table_bench b;
    for (const auto what : {operation::create_table, operation::add_node}) {
      auto c = put(proc(1), 1 + static_cast<std::uint64_t>(what), "k", "v");
      c.what = what;
      const auto results = b.apply(1, {c});
      CHECK(results.at(0).result == outcome{outcome_code::refused, "not a command of this table"});
    }
    CHECK(b.disk.row_count() == 0);
  }

  TEST_CASE("a restart remembers every answered command, folded records or not") {
    table_bench b;
    constexpr std::uint64_t slots = 1'300;  // folds twice
    for (std::uint64_t s = 1; s <= slots; ++s) {
      b.apply(s, {put(proc(1 + s % 3), s, "k" + std::to_string(s % 7), std::to_string(s))});
      CHECK(b.disk.result_records() <= 513);
    }
    b.restart();
    const auto rows_before = b.table->rows("");
    std::vector<command> repeats;
    for (std::uint64_t s = 1; s <= slots; ++s)
      repeats.push_back(put(proc(1 + s % 3), s, "k" + std::to_string(s % 7), "twice"));
    const auto results = b.apply(slots + 1, repeats);
    CHECK(b.last_writes.empty());
    CHECK(results.size() == slots);
    CHECK(std::all_of(results.begin(), results.end(),
                      [](const auto& r) { return r.result == outcome{}; }));
    CHECK(b.table->rows("") == rows_before);
  }

  TEST_CASE("batches that were saved together are remembered one by one") {
    table_bench b;
    for (std::uint64_t s = 1; s <= 20; ++s)
      b.apply(s, {put(proc(1), s, "k", std::to_string(s))}, s % 7 == 0);
    b.save();
    CHECK(b.record("k").version == 20);
    b.restart();
    for (std::uint64_t s = 1; s <= 20; ++s) b.apply(99, {put(proc(1), s, "k", "twice")});
    CHECK(b.get("k") == outcome{outcome_code::ok, "20"});
  }

  TEST_CASE("two replicas that apply the same log write the same records") {
    table_bench a;
    table_bench b;
    for (std::uint64_t s = 1; s <= 600; ++s) {
      if (s % 97 == 0) b.restart();  // a restart in between must not show
      const std::vector<command> batch{put(proc(s % 5 + 1), s, std::to_string(s % 11), "v"),
                                       erase(proc(s % 4 + 1), s + 1'000, std::to_string(s % 13))};
      a.apply(s, batch);
      b.apply(s, batch);
      REQUIRE(a.last_writes.size() == b.last_writes.size());
      for (std::size_t i = 0; i < a.last_writes.size(); ++i) {
        const auto& x = a.last_writes[i];
        const auto& y = b.last_writes[i];
        REQUIRE((x.what == y.what && x.at == y.at && x.key == y.key));
        REQUIRE(static_cast<bool>(x.value) == static_cast<bool>(y.value));
        if (x.value) REQUIRE(*x.value == *y.value);
      }
    }
  }

  TEST_CASE("a scan answers the keys with a prefix in byte order") {
    table_bench b;
    b.apply(1, {put(proc(1), 1, "b2", "x"), put(proc(1), 2, "b1", "y"), put(proc(1), 3, "c", "z")});
    b.apply(2, {put(proc(1), 4, "b3", "w")}, false);
    const auto o = b.table->answer({proc(1), {1}, read_kind::scan, "b"});
    CHECK(o.code == outcome_code::ok);
    using rows = std::vector<std::pair<std::string, std::string>>;
    CHECK(decode_rows(o.data) == rows{{"b1", ""}, {"b2", ""}, {"b3", ""}});
    CHECK(b.table->rows("b") == rows{{"b1", "y"}, {"b2", "x"}, {"b3", "w"}});
    CHECK(b.table->answer({proc(1), {1}, read_kind::scan, "zz"}) == outcome{});
  }

  TEST_CASE("scan results come back from bytes, cut ones are refused") {
    const std::vector<std::pair<std::string, std::string>> rows{{"a", "1"}, {"", ""}, {"b", "22"}};
    const auto bytes = encode_rows(rows);
    CHECK(decode_rows(bytes) == rows);
    CHECK_FALSE(decode_rows(std::string_view(bytes).substr(0, bytes.size() - 1)).has_value());
    CHECK(decode_rows("")->empty());
  }
}
