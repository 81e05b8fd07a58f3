// Every kind of record comes back as it was written, from this process and from the next one, and
// lies on disk in the bytes that docs/formats.md tells.
#include <rocksdb/db.h>

#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id log{7};

core::configuration some_configuration(std::uint64_t epoch) {
  core::configuration c;
  c.epoch = {epoch};
  c.parent = {epoch - 1};
  c.fn = 1;
  c.seats = {{core::node_id{1}, "eu"}, {core::node_id{2}, "eu"}, {core::node_id{9}, "us"}};
  return c;
}

std::vector<core::record_write> one_of_each() {
  return {promised(ballot_of(5, 2)),
          accepted(3, ballot_of(4, 1), "old"),
          accepted(4, ballot_of(4, 1), "four"),
          accepted(6, ballot_of(5, 2), std::string("s\0x", 3)),
          applied(3, 1700000000000001, 0xfedcba9876543210),
          chosen(0, some_configuration(1)),
          chosen(2, some_configuration(2)),
          chosen(9, some_configuration(3)),
          put_row("alpha", "1"),
          put_row("beta", "2"),
          erase_row("alpha"),
          results(1, "first"),
          results(2, "second"),
          erase_results(1)};
}

void check_recovered(const core::log_store& on_disk) {
  const auto r = on_disk.recover();
  CHECK(r.promised == ballot_of(5, 2));
  CHECK(r.applied == core::slot{3});
  CHECK(r.last_stamp == core::stamp{1700000000000001});
  CHECK(r.applied_hash == 0xfedcba9876543210);
  CHECK(r.configuration_at == core::slot{2});
  REQUIRE(r.active.has_value());
  CHECK(*r.active == some_configuration(2));
  REQUIRE(r.tail.size() == 2);
  CHECK(r.tail[0].at == core::slot{4});
  CHECK(r.tail[0].by == ballot_of(4, 1));
  CHECK(*r.tail[0].value.bytes == "four");
  CHECK(r.tail[1].at == core::slot{6});
  CHECK(r.tail[1].by == ballot_of(5, 2));
  CHECK(*r.tail[1].value.bytes == std::string("s\0x", 3));
  REQUIRE(r.results.size() == 1);
  CHECK(r.results[0].first == core::slot{2});
  CHECK(r.results[0].second == "second");
  CHECK(all_rows(on_disk) == rows{{"beta", "2"}});
  CHECK_FALSE(on_disk.get("alpha").has_value());
  CHECK(on_disk.get("beta") == "2");
}

/// Opens the database behind the store's back and reads one key of the log's family.
std::string raw(const std::string& path, const std::string& key) {
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, path + "/rocksdb", &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& n : names) descriptors.emplace_back(n, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::OpenForReadOnly({}, path + "/rocksdb", descriptors, &handles, &db).ok());
  std::string value = "(absent)";
  for (auto* h : handles) {
    if (h->GetName() == "family-00000001") static_cast<void>(db->Get({}, h, key, &value));
  }
  for (auto* h : handles) static_cast<void>(db->DestroyColumnFamilyHandle(h));
  delete db;
  return value;
}

}  // namespace

TEST_SUITE("storage/record") {
  TEST_CASE("a log that was never written recovers as blank") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    const auto r = store->open_log(log, "t")->recover();
    CHECK_FALSE(r.promised);
    CHECK_FALSE(r.applied);
    CHECK(r.last_stamp == core::stamp{});
    CHECK_FALSE(r.active.has_value());
    CHECK(r.tail.empty());
    CHECK(r.results.empty());
  }

  TEST_CASE("each kind of record is read back by this run and by the next") {
    scratch_dir dir;
    {
      auto store = must_open(dir.file("db"));
      auto on_disk = store->open_log(log, "t");
      write(*store, log, one_of_each());
      check_recovered(*on_disk);
    }
    auto store = must_open(dir.file("db"));
    CHECK(store->logs() == std::vector<std::pair<core::log_id, std::string>>{{log, "t"}});
    check_recovered(*store->open_log(log, "t"));
  }

  TEST_CASE("groups of many logs in one write stay apart") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    std::vector<core::log_writes> groups;
    std::vector<std::shared_ptr<core::log_store>> readers;
    for (std::uint64_t i = 1; i <= 20; ++i) {
      readers.push_back(store->open_log(core::log_id{i}, "t" + std::to_string(i)));
      groups.push_back({core::log_id{i}, {put_row("same row", std::to_string(i))}, true});
    }
    store->write(groups, true);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      CHECK(readers[i - 1]->get("same row") == std::to_string(i));
    }
  }

  TEST_CASE("records of one group apply in order") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    write(*store, log, {put_row("a", "1"), put_row("a", "2"), erase_row("b"), put_row("b", "3")});
    CHECK(all_rows(*on_disk) == rows{{"a", "2"}, {"b", "3"}});
  }

  TEST_CASE("an unsynced write and an empty synced one both succeed and survive an orderly end") {
    scratch_dir dir;
    {
      auto store = must_open(dir.file("db"));
      store->open_log(log, "t");
      write(*store, log, {put_row("a", "1")}, false);
      std::vector<core::log_writes> none;
      store->write(none, true);
      write(*store, log, {put_row("b", "2")}, false);
    }
    auto store = must_open(dir.file("db"));
    CHECK(all_rows(*store->open_log(log, "t")) == rows{{"a", "1"}, {"b", "2"}});
  }

  TEST_CASE("a log stays readable after the store is gone") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    write(*store, log, {put_row("a", "1")});
    store.reset();
    CHECK(on_disk->get("a") == "1");
    CHECK(try_open(dir.file("db")).error().code == core::errc::refused);
  }

  TEST_CASE("a batch larger than the kept buffer is written whole") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto on_disk = store->open_log(log, "t");
    std::vector<core::record_write> big;
    for (int i = 0; i < 12; ++i) {
      big.push_back(put_row("row" + std::to_string(i), std::string(1 << 20, static_cast<char>(i))));
    }
    write(*store, log, std::move(big));
    write(*store, log, {put_row("after", "x")});
    CHECK(all_rows(*on_disk).size() == 13);
    CHECK(on_disk->get("row11") == std::string(1 << 20, 11));
  }

  TEST_CASE("the bytes on disk are those of docs/formats.md") {
    scratch_dir dir;
    const std::string path = dir.file("db");
    {
      auto store = must_open(path);
      store->open_log(log, "t");
      write(*store, log, one_of_each());
    }
    const auto bytes = [](const char* text, std::size_t n) { return std::string(text, n); };
    const std::string slot4("\0\0\0\0\0\0\0\4", 8);
    CHECK(raw(path, "ap") == bytes("\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2", 16));
    CHECK(raw(path, "aa") ==
          bytes("\0\0\0\0\0\0\0\3\0\x06\x0a\x24\x18\x1e\x40\x01\xfe\xdc\xba\x98\x76\x54\x32\x10",
                24));
    CHECK(raw(path, "l" + slot4) == bytes("\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\1four", 20));
    CHECK(raw(path, "dbeta") == "2");
    CHECK(raw(path, std::string("r\0\0\0\0\0\0\0\2", 9)) == "second");
    CHECK(raw(path, std::string("c\0\0\0\0\0\0\0\2", 9)) ==
          bytes("\2\1\1\0\3\1\2eu\2\2eu\x09\2us", 17));
    CHECK(raw(path, "dalpha") == "(absent)");
  }
}

}  // namespace atlas::storage::tests
