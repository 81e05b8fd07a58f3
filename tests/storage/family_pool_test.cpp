// Logs by the hundred: the pool refills, every log keeps its own family, and threads may open logs
// while another writes.
#include <rocksdb/db.h>

#include <set>
#include <thread>

#include "store_fixture.hpp"

namespace atlas::storage::tests {

TEST_SUITE("storage/family pool") {
  TEST_CASE("three hundred logs can be opened, and are all there after a restart") {
    scratch_dir dir;
    constexpr std::uint64_t count = 300;
    {
      auto store = must_open(dir.file("db"));
      for (std::uint64_t i = 1; i <= count; ++i) {
        store->open_log(core::log_id{i}, "table" + std::to_string(i));
        write(*store, core::log_id{i}, {put_row("row", std::to_string(i))}, i == count);
      }
    }
    {
      auto store = must_open(dir.file("db"));
      REQUIRE(store->logs().size() == count);
      for (const auto& [log, table] : store->logs()) {
        CHECK(table == "table" + std::to_string(log.value));
        const auto seen = all_rows(*store->open_log(log, table));
        CHECK(seen == rows{{"row", std::to_string(log.value)}});
      }
      store->open_log(core::log_id{count + 1}, "one more");
      write(*store, core::log_id{count + 1}, {put_row("x", "y")});
    }
    std::vector<std::string> names;
    REQUIRE(rocksdb::DB::ListColumnFamilies({}, dir.file("db/rocksdb"), &names).ok());
    CHECK(names.size() > count);        // one for each log
    CHECK(names.size() < count + 100);  // spares do not pile up
  }

  TEST_CASE("opening a log again gives the same log and keeps its table name") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto first = store->open_log(core::log_id{4}, "first");
    auto again = store->open_log(core::log_id{4}, "second");
    CHECK(first == again);
    REQUIRE(store->logs().size() == 1);
    CHECK(store->logs()[0].second == "first");
  }

  TEST_CASE("restarts use up the spares they find instead of making more") {
    scratch_dir dir;
    for (std::uint64_t i = 1; i <= 6; ++i) {
      auto store = must_open(dir.file("db"));
      store->open_log(core::log_id{i}, "t");
    }
    std::vector<std::string> names;
    REQUIRE(rocksdb::DB::ListColumnFamilies({}, dir.file("db/rocksdb"), &names).ok());
    CHECK(names.size() <= 1 + 16);  // default, and at most one refill
  }

  TEST_CASE("logs are opened on other threads while one writes") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    store->open_log(core::log_id{1000}, "busy");
    std::atomic<bool> ended = false;
    const auto opener = [&](std::uint64_t from) {
      for (std::uint64_t i = from; i < from + 40; ++i) store->open_log(core::log_id{i}, "t");
    };
    std::thread writer([&] {
      for (int i = 0; !ended || i < 200; ++i) {
        write(*store, core::log_id{1000}, {put_row("n", std::to_string(i))}, i % 50 == 0);
      }
    });
    std::thread one([&] { opener(1); });
    std::thread two([&] { opener(21); });  // half of them are also opened by the first
    one.join();
    two.join();
    ended = true;
    writer.join();
    CHECK(store->logs().size() == 61);
    std::vector<core::log_writes> groups;
    for (std::uint64_t i = 1; i <= 60; ++i) {
      groups.push_back({core::log_id{i}, {put_row("me", std::to_string(i))}, true});
    }
    store->write(groups, true);
    for (std::uint64_t i = 1; i <= 60; ++i) {
      CHECK(store->open_log(core::log_id{i}, "t")->get("me") == std::to_string(i));
    }
  }
}

}  // namespace atlas::storage::tests
