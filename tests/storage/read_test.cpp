// Scans see exactly the rows with a prefix, entries stop where they must.
#include <thread>

#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id log{1};

std::vector<std::uint64_t> slots_of(const std::vector<core::accepted_entry>& entries) {
  std::vector<std::uint64_t> out;
  for (const auto& e : entries) out.push_back(e.at.value);
  return out;
}

using slots = std::vector<std::uint64_t>;

}  // namespace

TEST_SUITE("storage/read") {
  TEST_CASE("a scan returns the rows with its prefix in byte order, and nothing else of the log") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    const std::string zero("a\0b", 3);
    const std::string high("a\xff", 2);
    const std::string higher("a\xff\xff", 3);
    write(*store, log,
          {put_row("", "empty"), put_row("a", "1"), put_row(zero, "2"), put_row("ab", "3"),
           put_row(high, "4"), put_row(higher, "5"), put_row("b", "6"), put_row("\xff", "7"),
           promised(ballot_of(1, 1)), accepted(1, ballot_of(1, 1), "e"), results(1, "r")});
    CHECK(all_rows(*on_disk) == rows{{"", "empty"},
                                     {"a", "1"},
                                     {zero, "2"},
                                     {"ab", "3"},
                                     {high, "4"},
                                     {higher, "5"},
                                     {"b", "6"},
                                     {"\xff", "7"}});
    CHECK(all_rows(*on_disk, "a") ==
          rows{{"a", "1"}, {zero, "2"}, {"ab", "3"}, {high, "4"}, {higher, "5"}});
    CHECK(all_rows(*on_disk, high) == rows{{high, "4"}, {higher, "5"}});
    CHECK(all_rows(*on_disk, "\xff") == rows{{"\xff", "7"}});
    CHECK(all_rows(*on_disk, "c").empty());
    CHECK(on_disk->get("") == "empty");
    CHECK(on_disk->get(zero) == "2");
    CHECK_FALSE(on_disk->get("p").has_value());
  }

  TEST_CASE("a scan ends when the visitor has enough") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    write(*store, log, {put_row("a", "1"), put_row("b", "2"), put_row("c", "3")});
    int seen = 0;
    on_disk->scan("", "", [&](std::string_view, std::string_view) { return ++seen < 2; });
    CHECK(seen == 2);
  }

  TEST_CASE("a scan sees one moment, though rows are written while it runs") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    write(*store, log, {put_row("a", "1"), put_row("b", "1")});
    rows seen;
    on_disk->scan("", "", [&](std::string_view row, std::string_view value) {
      if (seen.empty()) write(*store, log, {put_row("b", "2"), put_row("c", "2"), erase_row("a")});
      seen.emplace_back(row, value);
      return true;
    });
    CHECK(seen == rows{{"a", "1"}, {"b", "1"}});
    CHECK(all_rows(*on_disk) == rows{{"b", "2"}, {"c", "2"}});
  }

  TEST_CASE("entries stop at the end, at a gap and after the one that passes bytes_max") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    std::vector<core::record_write> some;
    for (const std::uint64_t at : {1, 2, 3, 4, 6, 7, 255, 256, 257}) {
      some.push_back(accepted(at, ballot_of(at, 2), std::string(10, 'x')));
    }
    write(*store, log, some);
    const auto ask = [&](std::uint64_t first, std::uint64_t end, std::size_t bytes) {
      return slots_of(on_disk->entries(core::slot{first}, core::slot{end}, bytes));
    };
    CHECK(ask(1, 5, 1000) == slots{1, 2, 3, 4});
    CHECK(ask(2, 4, 1000) == slots{2, 3});
    CHECK(ask(1, 1000, 1000) == slots{1, 2, 3, 4});
    CHECK(ask(5, 8, 1000).empty());
    CHECK(ask(6, 1000, 1000) == slots{6, 7});
    CHECK(ask(255, 1000, 1000) == slots{255, 256, 257});
    CHECK(ask(1, 5, 0) == slots{1});
    CHECK(ask(1, 5, 10) == slots{1, 2});
    CHECK(ask(1, 5, 11) == slots{1, 2});
    CHECK(ask(1, 5, 20) == slots{1, 2, 3});
    CHECK(ask(3, 3, 1000).empty());
    CHECK(ask(4, 3, 1000).empty());
    CHECK(ask(300, 400, 1000).empty());
    const auto one = on_disk->entries(core::slot{6}, core::slot{7}, 1000);
    REQUIRE(one.size() == 1);
    CHECK(one[0].by == ballot_of(6, 2));
    CHECK(*one[0].value.bytes == std::string(10, 'x'));
  }

  TEST_CASE("readers on other threads see whole groups while the writer writes") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    write(*store, log, {put_row("a", "0"), put_row("b", "0"), applied(1, 1, 0)});
    std::atomic<bool> ended = false;
    std::atomic<int> torn = 0;
    std::atomic<int> went_back = 0;
    std::atomic<int> scans = 0;
    const auto reader = [&] {
      unsigned long last = 0;
      do {
        const auto seen = all_rows(*on_disk);
        if (seen.size() != 2 || seen[0].second != seen[1].second) ++torn;
        const unsigned long now = seen.empty() ? 0 : std::stoul(seen[0].second);
        if (now < last) ++went_back;
        last = now;
        if (!on_disk->get("a").has_value()) ++torn;
        if (on_disk->recover().applied.value < last) ++torn;
        ++scans;
      } while (!ended);
    };
    std::thread one(reader);
    std::thread two(reader);
    for (std::uint64_t i = 1; i <= 3000; ++i) {
      const std::string n = std::to_string(i);
      write(*store, log, {put_row("a", n), put_row("b", n), applied(i, i, i)}, i % 100 == 0);
      // A group is visible to this thread as soon as the write returns.
      if (on_disk->get("b") != n) ++torn;
    }
    ended = true;
    one.join();
    two.join();
    CHECK(torn == 0);
    CHECK(went_back == 0);
    CHECK(scans >= 2);
  }
}

}  // namespace atlas::storage::tests
