// Rows with rules inside a table: what ends when, through restarts and moves; whole tables with an
// access list; transactions; listings as a principal may see them.
#include <doctest/doctest.h>

#include <memory>

#include "core/row_command.hpp"
#include "core/scan_terms.hpp"
#include "core/state_machine.hpp"
#include "core/transaction.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr table_id home{table_log.value};

struct rules_bench {
  memory_log_store disk;
  std::unique_ptr<state_machine> table;
  slot at;
  std::uint64_t group = 0;
  std::uint64_t sequence_ = 0;

  rules_bench() { restart(); }
  void restart() { table = std::make_unique<state_machine>(table_log, disk, disk.recover()); }

  outcome run(std::uint64_t us, operation what, const std::string& row,
              const std::string& value = {}, const std::string& who = {}, table_id where = {}) {
    ++sequence_;
    const command c{proc(1), {sequence_}, {1}, what, row, value, who, where};
    std::vector<command_result> results;
    ++at;
    table->apply(make_batch({us}, {&c, 1}), {us}, &results, at);
    save(us);
    return results.at(0).result;
  }
  void tick(std::uint64_t us) {
    ++at;
    table->apply(make_batch({us}, {}), {us}, nullptr, at);
    save(us);
  }
  void save(std::uint64_t us) {
    std::vector<record_write> writes;
    table->save(at, ++group, writes);
    writes.push_back({.what = record_write::kind::applied, .at = at, .when = {us}});
    disk.write(writes);
    table->written(group);
  }
  outcome read(read_kind what, const std::string& row, const std::string& who = {},
               stamp wall = {}) const {
    return table->answer({proc(1), {1}, what, row, {}, who}, wall);
  }
  outcome get(const std::string& row, const std::string& who = {}) const {
    return read(read_kind::get, row, who);
  }
  std::vector<std::string> keys(const scan_terms& t, const std::string& who = {}) const {
    std::vector<std::string> out;
    const auto page = decode_scan_page(read(read_kind::range, encode(t), who).data);
    REQUIRE(page.has_value());
    for (const auto& r : page->rows) out.push_back(r.row + "=" + r.value);
    if (page->more) out.emplace_back("more");
    return out;
  }
  std::size_t index_rows() const {
    std::size_t n = 0;
    disk.scan("!x", {}, [&](std::string_view, std::string_view) { return ++n > 0; });
    return n;
  }
};

const outcome absent{outcome_code::not_found, {}};
using rows = std::vector<std::string>;

}  // namespace

TEST_SUITE("core/state_machine_rules") {
  TEST_CASE("what ends goes with the first batch that is stamped late enough") {
    rules_bench b;
    b.run(100, operation::put, ".a", "x");
    b.run(101, operation::put, ".b", "y");
    b.run(110, operation::expire, ".a", encode_expire(90));
    CHECK(b.table->next_due() == stamp{200});
    b.run(199, operation::put, ".b", "z");
    CHECK(b.get(".a").code == outcome_code::ok);
    CHECK(b.read(read_kind::get, ".a", {}, {200}).code == outcome_code::expiring);
    b.restart();
    CHECK(b.table->next_due() == stamp{200});
    b.tick(200);
    CHECK(b.get(".a") == absent);
    CHECK(b.table->next_due() == stamp{});
    CHECK_FALSE(b.disk.get(".a").has_value());
    CHECK(b.index_rows() == 0);
  }

  TEST_CASE("an end follows its row: moved, taken away, overwritten, removed") {
    rules_bench b;
    for (const auto* row : {".a", ".b", ".c", ".d"}) {
      b.run(100, operation::put, row, "x");
      b.run(100, operation::expire, row, encode_expire(50));
    }
    CHECK(b.index_rows() == 4);
    b.run(110, operation::expire, ".a", encode_expire(500));
    b.run(110, operation::expire, ".b", encode_expire(0));
    b.run(110, operation::put, ".c", "y");
    b.run(110, operation::erase, ".d");
    CHECK(b.index_rows() == 1);
    b.tick(400);
    CHECK(b.keys({}) == rows{".a=", ".b=", ".c="});
    b.tick(610);
    CHECK(b.keys({}) == rows{".b=", ".c="});
  }

  TEST_CASE("many ends at once are all over at once, and go in several batches") {
    rules_bench b;
    for (int i = 0; i < 1'200; ++i) {
      const auto row = ".k" + std::to_string(i);
      b.run(100, operation::put, row, "x");
      b.run(100, operation::expire, row, encode_expire(100));
    }
    b.tick(200);
    CHECK(b.keys({}).empty());
    CHECK(b.get(".k1199") == absent);
    CHECK(b.index_rows() == 1'200 - 512);
    CHECK(b.run(201, operation::cas, ".k1199", encode_cas(0, "y")).data == "VERSION:1");
    b.tick(202);
    b.tick(203);
    CHECK(b.index_rows() == 0);
    CHECK(b.get(".k1199").data == "y");
  }

  TEST_CASE("a sealed table ends nothing, and its ends are found again where it arrives") {
    rules_bench b;
    b.run(100, operation::put, ".a", "x");
    b.run(100, operation::expire, ".a", encode_expire(50));
    b.run(100, operation::put, ".b", "y");
    b.run(110, operation::seal, {}, encode(seal_request{home, 0, {77}}), {}, log_itself);
    CHECK(b.table->next_due() == stamp{});
    b.tick(500);
    b.restart();
    b.tick(501);
    CHECK(b.disk.get(".a").has_value());
    CHECK(b.index_rows() == 1);
    part_request ask{home, 0, {77}, 0, {}, 1 << 20};
    std::vector<std::string> parts;
    for (;;) {
      const auto part = b.table->answer({proc(1), {1}, read_kind::part, encode(ask), log_itself});
      REQUIRE(part.code == outcome_code::ok);
      parts.push_back(part.data);
      const auto decoded = decode_adopt_part(part.data);
      REQUIRE(decoded.has_value());
      if (decoded->last) break;
      ++ask.index;
      if (!decoded->rows.empty()) ask.after = decoded->rows.back().first;
    }
    rules_bench other;
    other.table = std::make_unique<state_machine>(log_id{77}, other.disk, other.disk.recover());
    std::uint64_t now = 120;
    for (const auto& part : parts) other.run(now++, operation::adopt, {}, part, {}, log_itself);
    CHECK(other.table->next_due() == stamp{150});
    const auto get = [&](const char* row) {
      return other.table->answer({proc(1), {1}, read_kind::get, row, home});
    };
    CHECK(get(".a").data == "x");
    other.tick(150);
    CHECK(get(".a") == absent);
    CHECK(get(".b").data == "y");
    // The index goes with the rows it speaks of.
    b.run(600, operation::clear_table, {}, encode(clear_request{home, 0}), {}, log_itself);
    CHECK_FALSE(b.disk.get(".a").has_value());
    CHECK(b.index_rows() == 0);
  }

  TEST_CASE("no step of a move takes longer for a table with many ends") {
    rules_bench b;
    for (int i = 0; i < 2'000; ++i) {
      const auto row = ".k" + std::to_string(i);
      b.run(100, operation::put, row, "x");
      b.run(100, operation::expire, row, encode_expire(1'000'000));
    }
    const auto writes_of = [&](operation what, const std::string& value) {
      const command c{proc(1), {++b.sequence_}, {1}, what, {}, value, {}, log_itself};
      ++b.at;
      b.table->apply(make_batch({200}, {&c, 1}), {200}, nullptr, b.at);
      const auto n = b.table->unsaved();
      b.save(200);
      return n;
    };
    CHECK(writes_of(operation::seal, encode(seal_request{home, 0, {77}})) < 10);
    for (int step = 0; step < 10; ++step)
      CHECK(writes_of(operation::clear_table, encode(clear_request{home, 0})) < 1'100);
    CHECK(b.index_rows() == 0);
  }

  TEST_CASE("a walk tells the table as it was when it was asked, however long it takes") {
    rules_bench b;
    for (int i = 0; i < 100; ++i) b.run(100, operation::put, ".k" + std::to_string(i), "x");
    const auto walk = b.table->list(
        {proc(1), {1}, read_kind::count, encode(scan_terms{".k", {}, 0, false, 0}), {}, {}});
    REQUIRE(walk != nullptr);
    CHECK_FALSE(walk->advance(30));
    for (int i = 0; i < 100; ++i) b.run(200, operation::erase, ".k" + std::to_string(i));
    for (int i = 0; i < 50; ++i) b.run(200, operation::put, ".k_" + std::to_string(i), "x");
    int steps = 1;
    while (!walk->advance(30)) ++steps;
    CHECK(steps == 3);
    CHECK(walk->take_result().data == std::string(1, 100));
  }

  TEST_CASE("a listing waits while a row is over by the owner's clock alone") {
    rules_bench b;
    b.run(100, operation::put, ".a", "x");
    b.run(100, operation::expire, ".a", encode_expire(50));
    const auto count = encode(scan_terms{"", {}, 0, false, 0});
    CHECK(b.read(read_kind::count, count, {}, {149}).data == std::string(1, 1));
    CHECK(b.read(read_kind::count, count, {}, {150}).code == outcome_code::expiring);
    b.tick(150);
    CHECK(b.read(read_kind::count, count, {}, {150}).data == std::string(1, 0));
  }

  TEST_CASE("how long a row has left is told from a log time that is not old") {
    rules_bench b;
    b.run(1'000'000, operation::put, ".a", "x");
    CHECK(b.read(read_kind::meta, ".a", {}, {9'000'000}).code == outcome_code::ok);
    b.run(1'000'000, operation::expire, ".a", encode_expire(60'000'000));
    CHECK(b.read(read_kind::meta, ".a", {}, {1'400'000}).code == outcome_code::ok);
    CHECK(b.read(read_kind::meta, ".a", {}, {9'000'000}).code == outcome_code::expiring);
  }

  TEST_CASE("a list that nobody owns does not lift the table's") {
    rules_bench b;
    b.run(100, operation::grant, ".a", encode_access_change(permission::read, "eve"));
    b.run(101, operation::put, ".a", "x");
    b.run(102, operation::grant, "", encode_access_change(permission::owner, "ann"));
    CHECK(b.get(".a", "eve") == absent);
    CHECK(b.keys({}, "eve").empty());
    CHECK(b.run(103, operation::put, ".a", "y", "eve").code == outcome_code::denied);
    CHECK(b.run(104, operation::put, ".a", "y", "ann").code == outcome_code::ok);
    CHECK(b.run(105, operation::grant, ".a", encode_access_change(permission::read, "bob"), "ann")
              .code == outcome_code::ok);
    CHECK(b.get(".a", "bob").data == "y");
    CHECK(b.get(".a", "eve") == absent);
  }

  TEST_CASE("the list of the nameless row guards the table, after a restart too") {
    rules_bench b;
    b.run(100, operation::put, ".a", "x");
    b.run(100, operation::grant, "", encode_access_change(permission::owner, "ann"));
    for (int round = 0; round < 2; ++round) {
      CHECK(b.get(".a") == absent);
      CHECK(b.get(".a", "ann").data == "x");
      CHECK(b.run(110, operation::put, ".a", "y", "eve").code == outcome_code::denied);
      CHECK(b.keys({}, "eve").empty());
      CHECK(b.keys({}, "ann") == rows{".a="});
      CHECK(b.read(read_kind::meta, ".a", "eve") == absent);
      CHECK(b.read(read_kind::access, ".a", "eve").code == outcome_code::denied);
      b.restart();
    }
    CHECK(b.run(120, operation::grant, ".a", encode_access_change(permission::read, "eve"), "ann")
              .code == outcome_code::ok);
    CHECK(b.get(".a", "eve").data == "x");
    b.run(130, operation::revoke, "", encode_access_change(permission::owner, "ann"), "ann");
    CHECK(b.run(140, operation::put, ".b", "y", "eve").code == outcome_code::ok);
    CHECK(b.run(140, operation::put, ".a", "y", "eve").code == outcome_code::denied);
  }

  TEST_CASE("a transaction does all or nothing, and its steps see one another") {
    rules_bench b;
    b.run(100, operation::put, ".a", "10");
    const auto commit = [&](const std::vector<txn_step>& steps, const std::string& who = {}) {
      return b.run(200 + b.at.value, operation::transaction, {}, encode_steps(steps), who);
    };
    const std::vector<txn_step> transfer{{step_kind::if_value, "t.a", 0, "10", home},
                                         {step_kind::if_absent, "t.b", 0, {}, home},
                                         {step_kind::increase, "t.a", ~std::uint64_t{2}, {}, home},
                                         {step_kind::put, "t.b", 0, "0", home},
                                         {step_kind::increase, "t.b", 3, {}, home}};
    CHECK(commit(transfer).data == "COMMITTED SLOT:2\r\nVALUE:7\r\nVALUE:3");
    CHECK(commit(transfer).data == "CONFLICT t.a VERSION:2");
    CHECK(b.get(".a").data == "7");
    CHECK(b.get(".b").data == "3");
    // The last step is refused, so the first one was never there.
    b.run(300, operation::put, ".w", "x");
    b.run(300, operation::protect, ".w", encode_period({true, 1'000'000}));
    const auto refused =
        commit({{step_kind::erase, "t.a", 0, {}, home}, {step_kind::put, "t.w", 0, "y", home}});
    CHECK(refused.code == outcome_code::refused);
    CHECK(refused.data.rfind("t.w: key is write-once until ", 0) == 0);
    CHECK(b.get(".a").data == "7");
    CHECK(commit({{step_kind::put, "other.a", 0, "y", {99}}}).code == outcome_code::refused);
    b.run(400, operation::grant, ".a", encode_access_change(permission::owner, "ann"));
    CHECK(commit({{step_kind::put, "t.a", 0, "y", home}}, "eve").code == outcome_code::denied);
    // What may not be read is absent to a condition, too.
    CHECK(
        commit({{step_kind::if_value, "t.a", 0, "7", home}, {step_kind::put, "t.c", 0, "y", home}},
               "eve")
            .data == "CONFLICT t.a ABSENT");
  }

  TEST_CASE("listings are cut, go on behind a row, and carry values when asked") {
    rules_bench b;
    for (const auto* row : {".a1", ".a2", ".a3", ".b1"})
      b.run(100, operation::put, row, std::string("v") + row[2]);
    CHECK(b.keys({".a", {}, 2, true, 0}) == rows{".a1=v1", ".a2=v2", "more"});
    CHECK(b.keys({".a", ".a2", 2, true, 0}) == rows{".a3=v3"});
    CHECK(b.keys({".a", {}, 3, false, 0}) == rows{".a1=", ".a2=", ".a3="});
    CHECK(b.keys({"", "", 0, false, 0}).size() == 4);
    auto counted = b.read(read_kind::count, encode(scan_terms{".a", {}, 0, false, 0}));
    CHECK(counted.data == std::string(1, 3));
    const auto sampled = b.read(read_kind::sample, encode(scan_terms{"", {}, 2, false, 5}));
    CHECK(sampled.data.size() == 1 + 2 * 4);
    CHECK(sampled.data[0] == 4);
    CHECK(b.read(read_kind::range, "broken").code == outcome_code::refused);
  }

  TEST_CASE("what is known of a row") {
    rules_bench b;
    b.run(100, operation::put, ".a", "hello", "ann");
    b.run(150, operation::expire, ".a", encode_expire(1'000));
    const auto m = decode_row_meta(b.read(read_kind::meta, ".a").data);
    REQUIRE(m.has_value());
    CHECK(m->version == 1);
    CHECK(m->size == 5);
    CHECK(m->created == stamp{100});
    CHECK(m->principal == "ann");
    CHECK(m->expires == stamp{1'150});
    CHECK(m->write_once == stamp{});
    CHECK(m->now == stamp{150});
  }
}
