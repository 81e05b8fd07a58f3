// A dropped log is gone with its family, also if the process died in between, and never comes back
// empty: an empty copy would vote as if it had promised nothing.
#include <doctest/doctest.h>

#include "storage/catalogue.hpp"
#include "tests/storage/store_fixture.hpp"

using namespace atlas;
using namespace atlas::storage;
using namespace atlas::storage::tests;

namespace {

constexpr core::log_id old_log{5};
constexpr core::log_id other{6};

}  // namespace

TEST_SUITE("storage/drop") {
  TEST_CASE("a dropped log can not be opened again, before and after a restart") {
    const scratch_dir dir;
    for (int start = 0; start < 3; ++start) {
      auto store = must_open(dir.file("db"));
      if (start == 0) {
        REQUIRE(store->open_log(old_log, "users") != nullptr);
        REQUIRE(store->open_log(other, "orders") != nullptr);
        write(*store, old_log, {promised(ballot_of(3, 1)), put_row(".a", "1")});
        write(*store, other, {put_row(".b", "2")});
        store->drop_log(old_log);
        store->drop_log(old_log);
      }
      CHECK(store->open_log(old_log, "users") == nullptr);
      CHECK(store->logs() == std::vector<std::pair<core::log_id, std::string>>{{other, "orders"}});
      CHECK(all_rows(*store->open_log(other, "orders")) == rows{{".b", "2"}});
    }
  }

  TEST_CASE("what is written to a dropped log is skipped, the rest of the group is not") {
    const scratch_dir dir;
    auto store = must_open(dir.file("db"));
    REQUIRE(store->open_log(old_log, "users") != nullptr);
    const auto kept = store->open_log(other, "orders");
    store->drop_log(old_log);
    std::vector<core::log_writes> groups(2);
    groups[0] = {old_log, {put_row(".a", "1")}, true};
    groups[1] = {other, {put_row(".b", "2")}, true};
    store->write(groups, true);
    CHECK(all_rows(*kept) == rows{{".b", "2"}});
  }

  TEST_CASE("who reads a log while it is dropped reads on") {
    const scratch_dir dir;
    auto store = must_open(dir.file("db"));
    const auto log = store->open_log(old_log, "users");
    write(*store, old_log, {put_row(".a", "1"), applied(1, 1, 1)});
    const auto view = log->freeze();
    store->drop_log(old_log);
    CHECK(view->state().applied == core::slot{1});
    rows seen;
    view->scan({}, {}, [&](std::string_view row, std::string_view value) {
      seen.emplace_back(row, value);
      return true;
    });
    CHECK(seen == rows{{".a", "1"}});
    CHECK(log->get(".a") == "1");
  }

  TEST_CASE("a drop that was cut short is finished at the next start") {
    const scratch_dir dir;
    std::size_t families = 0;
    {
      auto store = must_open(dir.file("db"));
      REQUIRE(store->open_log(old_log, "users") != nullptr);
      write(*store, old_log, {put_row(".a", "1")});
    }
    {
      // As the process left it that died after the tombstone.
      auto disk = database::open(options_for(dir.file("db")));
      REQUIRE(disk.ok());
      const auto known = load_catalogue(*disk.value());
      REQUIRE(known.ok());
      REQUIRE(known.value().logs.size() == 1);
      families = disk.value()->families().size();
      REQUIRE(store_drop(*disk.value(), old_log, known.value().logs[0].family));
    }
    {
      auto disk = database::open(options_for(dir.file("db")));
      REQUIRE(disk.ok());
      const auto known = load_catalogue(*disk.value());
      REQUIRE(known.ok());
      CHECK(known.value().dropped.contains(old_log));
      CHECK(disk.value()->families().size() == families - 1);
    }
    auto store = must_open(dir.file("db"));
    CHECK(store->open_log(old_log, "users") == nullptr);
    CHECK(all_rows(*store->open_log(other, "users")).empty());
  }
}
