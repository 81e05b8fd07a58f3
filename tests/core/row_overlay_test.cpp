// The newest rows over the disk: at every moment the two together must look like the one map that
// has every change in it, however far behind the store is and whatever is kept in memory.
#include "core/row_overlay.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <string>

#include "core/rng.hpp"
#include "tests/support/memory_log_store.hpp"

using namespace atlas::core;
using atlas::tests::memory_log_store;

namespace {

using rows = std::vector<std::pair<std::string, std::string>>;

rows with_prefix(const std::map<std::string, std::string>& all, const std::string& prefix) {
  rows out;
  for (const auto& [row, value] : all)
    if (row.starts_with(prefix)) out.emplace_back(row, value);
  return out;
}

record_write put_row(const std::string& row, const std::string& value) {
  return {.what = record_write::kind::put_row, .key = row, .value = make_blob(value)};
}

void put(row_overlay& over, const std::string& row, blob value) {
  over.update(row, [&](const blob&) { return value; });
}

std::optional<std::string> value_of(const row_overlay& over, const std::string& row) {
  const auto found = over.get(row);
  return found ? std::optional(*found) : std::nullopt;
}

rows rows_of(const row_overlay& over, const std::string& prefix) {
  rows out;
  over.scan(prefix, "", [&](std::string_view row, std::string_view value) {
    out.emplace_back(row, value);
    return true;
  });
  return out;
}

/// An overlay whose groups the test hands to the disk when it likes.
struct overlay_bench {
  memory_log_store disk;
  row_overlay over{disk};
  std::uint64_t group = 0;
  std::deque<std::pair<std::uint64_t, std::vector<record_write>>> queue;

  void save() {
    queue.push_back({++group, {}});
    over.save(group, queue.back().second);
  }
  /// The store writes the oldest group; it tells so when `written` is called with its number.
  std::uint64_t write_one() {
    disk.write(queue.front().second);
    const auto number = queue.front().first;
    queue.pop_front();
    return number;
  }
};

}  // namespace

TEST_SUITE("core/row_overlay") {
  TEST_CASE("the newest change hides the disk from the moment it is made") {
    overlay_bench b;
    b.disk.write({put_row("a", "old"), put_row("b", "disk")});
    CHECK(value_of(b.over, "a") == "old");
    put(b.over, "a", make_blob("new"));
    b.over.erase("b");
    put(b.over, "c", make_blob("fresh"));
    for (int phase = 0; phase < 3; ++phase) {  // unsaved, saved, written
      CHECK(value_of(b.over, "a") == "new");
      CHECK_FALSE(value_of(b.over, "b").has_value());
      CHECK(value_of(b.over, "c") == "fresh");
      CHECK(rows_of(b.over, "") == rows{{"a", "new"}, {"c", "fresh"}});
      if (phase == 0) b.save();
      if (phase == 1) b.over.written(b.write_one());
    }
  }

  TEST_CASE("a group holds each changed row once, with its last value, in row order") {
    overlay_bench b;
    put(b.over, "b", make_blob("1"));
    put(b.over, "a", make_blob("2"));
    put(b.over, "c", make_blob("3"));
    put(b.over, "b", make_blob("4"));
    b.over.erase("c");
    CHECK(b.over.unsaved() == 3);
    std::vector<record_write> writes;
    b.over.save(1, writes);
    CHECK(b.over.unsaved() == 0);
    REQUIRE(writes.size() == 3);
    CHECK(writes[0].what == record_write::kind::put_row);
    CHECK(writes[0].key == "a");
    CHECK(*writes[0].value == "2");
    CHECK(writes[1].key == "b");
    CHECK(*writes[1].value == "4");
    CHECK(writes[2].what == record_write::kind::erase_row);
    CHECK(writes[2].key == "c");
    std::vector<record_write> nothing;
    b.over.save(2, nothing);
    CHECK(nothing.empty());
  }

  TEST_CASE("a row changed again stays new while the older group is written") {
    overlay_bench b;
    put(b.over, "a", make_blob("one"));
    b.save();
    put(b.over, "a", make_blob("two"));
    b.over.written(b.write_one());
    CHECK(value_of(b.over, "a") == "two");
    CHECK(rows_of(b.over, "a") == rows{{"a", "two"}});
    b.save();
    b.over.erase("a");
    b.over.written(b.write_one());
    CHECK_FALSE(value_of(b.over, "a").has_value());
    CHECK(rows_of(b.over, "a").empty());
  }

  TEST_CASE("an erased row is not remembered beyond its write") {
    overlay_bench b;
    b.over.erase("a");
    b.save();
    b.over.written(b.write_one());
    b.disk.write({put_row("a", "by other means")});
    CHECK(value_of(b.over, "a") == "by other means");
  }

  TEST_CASE("what is kept of written rows is bounded") {
    overlay_bench b;
    const std::string big(100'000, 'x');
    constexpr int count = 100;  // twice the room
    for (int i = 0; i < count; ++i) {
      put(b.over, "k" + std::to_string(i), make_blob(big));
      b.save();
      b.over.written(b.write_one());
    }
    // A disk that has lost them shows which are still in memory.
    const memory_log_store empty;
    b.disk = empty;
    std::size_t kept = 0;
    for (int i = 0; i < count; ++i)
      if (value_of(b.over, "k" + std::to_string(i))) kept += big.size();
    CHECK(kept <= row_overlay::kept_bytes_max);
    CHECK(value_of(b.over, "k99").has_value());
    CHECK_FALSE(value_of(b.over, "k0").has_value());
  }

  TEST_CASE("rows are ordered as bytes, not as signed characters") {
    overlay_bench b;
    b.disk.write({put_row("\x7f", "1"), put_row("\xff", "3")});
    put(b.over, "\x80", make_blob("2"));
    CHECK(rows_of(b.over, "") == rows{{"\x7f", "1"}, {"\x80", "2"}, {"\xff", "3"}});
  }

  TEST_CASE("overlay and disk together are one map, whatever the store has written") {
    rng random(5);
    overlay_bench b;
    std::map<std::string, std::string> naive;
    std::uint64_t on_disk = 0;
    const auto random_row = [&] {
      std::string row;
      for (auto n = random.below(4); n > 0; --n)
        row.push_back(static_cast<char>('a' + random.below(3)));
      return row;
    };
    for (int step = 0; step < 3'000; ++step) {
      for (auto n = random.below(5); n > 0; --n) {
        const auto row = random_row();
        if (random.chance(1, 3)) {
          b.over.erase(row);
          naive.erase(row);
        } else {
          // Large values now and then, so that kept rows are pushed out too.
          naive[row] = std::string(random.chance(1, 20) ? 500'000 : 3, 'v') +
                       std::to_string(random.below(1'000));
          put(b.over, row, make_blob(naive[row]));
        }
      }
      if (random.chance(2, 3)) b.save();
      // The store writes some groups and tells so at once, later or for several together.
      for (auto n = random.below(3); n > 0 && !b.queue.empty(); --n) on_disk = b.write_one();
      if (random.chance(2, 3)) b.over.written(on_disk);
      const auto row = random_row();
      const auto expected = naive.find(row);
      const auto found = value_of(b.over, row);
      REQUIRE(found.has_value() == (expected != naive.end()));
      if (found) REQUIRE(*found == expected->second);
      const auto prefix = row.substr(0, random.below(3));
      REQUIRE(rows_of(b.over, prefix) == with_prefix(naive, prefix));
    }
  }
}
