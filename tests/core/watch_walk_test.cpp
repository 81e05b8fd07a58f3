// What a watcher is told of a log: every change once, in order, and where history is gone, a gap.
#include "core/watch_walk.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "core/row_command.hpp"
#include "core/state_machine.hpp"
#include "core/transaction.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr table_id home{table_log.value};
using lines = std::vector<std::string>;

/// A log whose every slot is on disk at once.
struct watch_bench {
  memory_log_store disk;
  log_id log;
  std::unique_ptr<state_machine> table;
  slot at;
  std::uint64_t sequence_ = 0;

  explicit watch_bench(log_id id = table_log) : log(id) { restart(); }
  void restart() { table = std::make_unique<state_machine>(log, disk, disk.recover()); }

  void apply(std::uint64_t us, const std::vector<command>& commands) {
    ++at;
    const auto batch = make_batch({us}, commands);
    std::vector<record_write> writes{
        {.what = record_write::kind::accepted, .at = at, .value = batch.bytes}};
    table->apply(batch, {us}, nullptr, at);
    table->save(at, at.value, writes);
    writes.push_back({.what = record_write::kind::applied, .at = at, .when = {us}});
    disk.write(writes);
    table->written(at.value);
  }
  command make(operation what, const std::string& row, const std::string& value = {},
               const std::string& who = {}, table_id where = {}) {
    return {proc(1), {++sequence_}, {1}, what, row, value, who, where};
  }
  void run(std::uint64_t us, operation what, const std::string& row, const std::string& value = {},
           const std::string& who = {}, table_id where = {}) {
    apply(us, {make(what, row, value, who, where)});
  }
  void truncate(std::uint64_t upto) {
    std::vector<record_write> writes{{.what = record_write::kind::truncate, .at = {upto}}};
    disk.write(writes);
  }

  watch_part look(watch_terms t) const {
    t.table = t.table ? t.table : home;
    t.home = home_table(log);
    return walk_history(*disk.freeze(), t);
  }
};

std::string text(const watch_event& e) {
  const auto position = std::to_string(e.position);
  if (e.gap_to) return "gap " + position + "-" + std::to_string(e.gap_to);
  const char* const what = e.what == change_kind::put     ? " put "
                           : e.what == change_kind::erase ? " erase "
                                                          : " expire ";
  return position + what + e.row + " v" + std::to_string(e.version) + " " + e.principal + "=" +
         e.value;
}

lines told(const watch_part& p) {
  lines out;
  for (const auto& e : p.events) out.push_back(text(e));
  return out;
}

watch_terms from(std::uint64_t next, bool values = true) {
  watch_terms t;
  t.next = next;
  t.values = values;
  return t;
}

}  // namespace

TEST_SUITE("core/watch_walk") {
  TEST_CASE("every kind of change is told with what it wrote; what changed nothing is not") {
    watch_bench b;
    b.apply(100, {b.make(operation::put, ".a", "x", "ann"), b.make(operation::erase, ".none"),
                  b.make(operation::cas, ".a", encode_cas(1, "y"), "bob"),
                  b.make(operation::cas, ".a", encode_cas(1, "z"), "bob"),
                  b.make(operation::increase, ".n", encode_amount(5)),
                  b.make(operation::put_once, ".w", encode_put_once({true, 50}, "once")),
                  b.make(operation::put, ".w", "no")});
    b.run(110, operation::expire, ".a", encode_expire(10));
    b.run(120, operation::erase, ".n");
    const auto p = b.look(from(1));
    CHECK(told(p) == lines{"1 put .a v1 ann=x", "2 put .a v2 bob=y", "3 put .n v1 =5",
                           "4 put .w v1 =once", "5 expire .a v2 =", "6 erase .n v1 ="});
    CHECK(p.state == watch_state::current);
    CHECK(p.next == 7);
    CHECK(p.position == 6);
    CHECK(told(b.look(from(5, false))) == lines{"5 expire .a v2 =", "6 erase .n v1 ="});
    CHECK(b.look({}).next == 7);
    CHECK(b.look(from(8)).state == watch_state::ahead);
  }

  TEST_CASE("a transaction tells each row once, as it is left") {
    watch_bench b;
    b.run(100, operation::put, ".a", "1");
    const std::vector<txn_step> steps{{step_kind::increase, "t.a", 4, {}, home},
                                      {step_kind::put, "t.b", 0, "x", home},
                                      {step_kind::put, "t.c", 0, "gone", home},
                                      {step_kind::erase, "t.c", 0, {}, home},
                                      {step_kind::put, "t.b", 0, "y", home}};
    b.run(110, operation::transaction, {}, encode_steps(steps), "ann");
    const std::vector<txn_step> void_one{{step_kind::if_absent, "t.a", 0, {}, home},
                                         {step_kind::erase, "t.a", 0, {}, home}};
    b.run(120, operation::transaction, {}, encode_steps(void_one), "ann");
    CHECK(told(b.look(from(2))) == lines{"2 put .a v2 ann=5", "3 put .b v2 ann=y"});
  }

  TEST_CASE("a look goes on where the last one ended, in parts of any size") {
    watch_bench b;
    std::uint64_t n = 0;
    for (int s = 0; s < 200; ++s) {
      std::vector<command> batch;
      for (int i = 0; i < s % 4; ++i)
        batch.push_back(b.make(operation::put, ".k" + std::to_string(i), std::to_string(++n)));
      b.apply(100 + static_cast<std::uint64_t>(s), batch);
    }
    for (const std::size_t size : {1, 3, 7, 1000}) {
      for (const std::uint64_t first : {1, 2, 150, 299, 300}) {
        auto t = from(first);
        t.changes_max = size;
        auto expected = first;
        for (;;) {
          const auto p = b.look(t);
          for (const auto& e : p.events) {
            CHECK(e.position == expected);
            CHECK(e.value == std::to_string(expected++));
          }
          t.next = p.next;
          t.from = p.from;
          if (p.state != watch_state::more) break;
        }
        CHECK(expected == n + 1);
      }
    }
  }

  TEST_CASE("what was cut off is a gap, once, and the rest follows") {
    watch_bench b;
    for (std::uint64_t i = 1; i <= 10; ++i) b.run(100 + i, operation::put, ".k", std::to_string(i));
    b.truncate(6);
    CHECK(told(b.look(from(3))) == lines{"gap 3-6", "7 put .k v7 =7", "8 put .k v8 =8",
                                         "9 put .k v9 =9", "10 put .k v10 =10"});
    b.truncate(10);
    const auto p = b.look(from(9));
    CHECK(told(p) == lines{"gap 9-10"});
    CHECK(p.next == 11);
    b.restart();
    b.run(200, operation::put, ".k", "11");
    CHECK(told(b.look(from(11))) == lines{"11 put .k v11 =11"});
  }

  TEST_CASE("what is over, but not removed yet, ends before it is written or removed") {
    watch_bench b;
    std::vector<command> many;
    for (int i = 0; i < 600; ++i) {
      const auto row = ".k" + std::to_string(1000 + i);
      many.push_back(b.make(operation::put, row, "x"));
      many.push_back(b.make(operation::expire, row, encode_expire(50)));
    }
    b.apply(100, many);
    // 512 go with the batch; these two are not among them.
    b.apply(200, {b.make(operation::erase, ".k1598"), b.make(operation::put, ".k1599", "y")});
    auto t = from(1 + 600 + 512);
    CHECK(told(b.look(t)) ==
          lines{"1113 expire .k1598 v1 =", "1114 expire .k1599 v1 =", "1115 put .k1599 v1 =y"});
    b.apply(201, {});
    CHECK(b.look({}).next == 1115 + 1 + 86);
  }

  TEST_CASE("a prefix, and what the principal might read at the time") {
    watch_bench b;
    b.run(100, operation::put, ".a1", "open");
    b.run(100, operation::put, ".b1", "other");
    b.run(101, operation::grant, ".a1", encode_access_change(permission::owner, "ann"));
    b.run(102, operation::put, ".a1", "secret", "ann");
    b.run(103, operation::grant, ".a1", encode_access_change(permission::read, "bob"), "ann");
    b.run(104, operation::put, ".a1", "shared", "ann");
    b.run(105, operation::grant, "", encode_access_change(permission::owner, "ann"), "ann");
    b.run(106, operation::put, ".a2", "guarded", "ann");
    auto t = from(1);
    t.prefix = ".a";
    t.principal = "bob";
    CHECK(told(b.look(t)) == lines{"1 put .a1 v1 =open", "4 put .a1 v3 ann=shared"});
    t.principal = "ann";
    CHECK(told(b.look(t)).size() == 4);
  }

  TEST_CASE("positions go on in the log that a table moves to, whence its watchers are sent") {
    watch_bench b;
    b.run(100, operation::put, ".a", "1");
    // The seal is in the slot of the last change.
    b.apply(110,
            {b.make(operation::put, ".a", "2"),
             b.make(operation::seal, {}, encode(seal_request{home, 0, {77}}), {}, log_itself)});
    const auto before = b.look(from(1));
    CHECK(told(before) == lines{"1 put .a v1 =1", "2 put .a v2 =2"});
    CHECK(before.state == watch_state::moved);
    CHECK(before.other == log_id{77});
    watch_bench other(log_id{77});
    auto t = from(3);
    t.table = home;
    CHECK(other.look(t).state == watch_state::absent);
    part_request ask{home, 0, {77}, 0, {}, 1 << 20};
    for (bool last = false; !last;) {
      const auto part = b.table->answer({proc(1), {1}, read_kind::part, encode(ask), log_itself});
      REQUIRE(part.code == outcome_code::ok);
      other.run(120 + ask.index, operation::adopt, {}, part.data, {}, log_itself);
      const auto decoded = decode_adopt_part(part.data);
      ++ask.index;
      if (!decoded->rows.empty()) ask.after = decoded->rows.back().first;
      last = decoded->last;
    }
    CHECK(other.look(t).state == watch_state::current);
    other.run(200, operation::put, ".a", "3", {}, home);
    CHECK(told(other.look(t)) == lines{"3 put .a v3 =3"});
    // History did not move; who comes late is told so.
    t.next = 1;
    CHECK(told(other.look(t)) == lines{"gap 1-2", "3 put .a v3 =3"});
  }

  TEST_CASE("a table that is dropped says so after its last change") {
    watch_bench b;
    b.run(100, operation::put, ".a", "1");
    b.run(110, operation::close_log, {});
    const auto last = b.look(from(1));
    CHECK(last.state == watch_state::dropped);
    CHECK(told(last) == lines{"1 put .a v1 =1"});
  }

  TEST_CASE("broken records are told from whole ones") {
    slot_changes c;
    c.add({5}, {change_kind::put, 3, 0, 0, {}});
    c.add({5}, {change_kind::expire, 4, 0, 0, ".row"});
    c.add({9}, {change_kind::put, 300, 70, 2, {}, "sum", "list"});
    const auto bytes = encode_history(c, [](table_id t) { return t.value * 10; });
    const auto five = changes_of({5}, bytes);
    REQUIRE(five.has_value());
    CHECK(five->first == 50);
    CHECK(five->list == c.by_table().at({5}));
    CHECK(changes_of({9}, bytes)->list == c.by_table().at({9}));
    CHECK(changes_of({7}, bytes)->list.empty());
    for (std::size_t n = 1; n < bytes.size(); ++n) {
      const auto cut = changes_of({9}, std::string_view(bytes).substr(0, n));
      CHECK((!cut || cut->list.empty()));
    }
  }
}
