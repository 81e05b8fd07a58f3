// A disk that forgot or garbled something: the torn tail of unsynced writes is forgiven, everything
// else is refused or stops the process. Never is a wrong state handed up in silence.
#include "tests/storage/damage.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <fstream>

#include "storage/durable_mark.hpp"
#include "storage/tuning.hpp"
#include "storage/wal_guard.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id log{1};
constexpr std::uint64_t synced_groups = 40;
constexpr std::uint64_t all_groups = 60;

std::string value_of(std::uint64_t i) {
  return std::to_string(i) + std::string(200 + i * 733 % 4000, static_cast<char>('a' + i % 26));
}

void write_groups(rocks_store& store, std::uint64_t from, std::uint64_t to, bool sync) {
  for (std::uint64_t i = from; i <= to; ++i) {
    write(store, log,
          {accepted(i, ballot_of(1, 1), value_of(i)),
           put_row(std::to_string(1000 + i), value_of(i)), applied(i, i, i)},
          sync);
  }
}

/// A copy of a database that was open when the power went, with a place to damage it.
struct crime_scene {
  scratch_dir dir;
  std::string original = dir.file("original");
  std::uint64_t synced_bytes = 0;  ///< of the newest write-ahead log
  std::uint64_t all_bytes = 0;
  std::string wal;  ///< its name

  crime_scene() {
    auto store = must_open(dir.file("live"));
    store->open_log(log, "t");
    write_groups(*store, 1, synced_groups, true);
    const auto file = newest_in(dir.file("live/rocksdb"), ".log");
    synced_bytes = fs::file_size(file);
    write_groups(*store, synced_groups + 1, all_groups, false);
    all_bytes = fs::file_size(file);
    wal = file.filename().string();
    fs::copy(dir.file("live"), original, fs::copy_options::recursive);
  }

  [[nodiscard]] std::string copy() const {
    const std::string to = dir.file("copy");
    fs::remove_all(to);
    fs::copy(original, to, fs::copy_options::recursive);
    return to;
  }
};

/// Groups recovered, if the state is exactly a prefix of what was written.
std::uint64_t prefix_of(rocks_store& store) {
  auto on_disk = store.open_log(log, "t");
  const std::uint64_t reached = on_disk->recover().applied.value;
  const auto seen = all_rows(*on_disk);
  REQUIRE(seen.size() == reached);
  for (std::uint64_t i = 1; i <= reached; ++i) {
    REQUIRE(seen[i - 1].first == std::to_string(1000 + i));
    REQUIRE(seen[i - 1].second == value_of(i));
  }
  REQUIRE(on_disk->entries(core::slot{1}, core::slot{1000}, 1 << 30).size() == reached);
  return reached;
}

}  // namespace

TEST_SUITE("storage/damage") {
  TEST_CASE("a write-ahead log cut in its unsynced tail opens as a prefix with all synced groups") {
    const crime_scene scene;
    REQUIRE(scene.all_bytes > scene.synced_bytes);
    std::uint64_t shortest = all_groups;
    std::uint64_t longest = 0;
    const std::uint64_t step = (scene.all_bytes - scene.synced_bytes) / 12;
    for (std::uint64_t cut = scene.synced_bytes; cut <= scene.all_bytes; cut += step) {
      CAPTURE(cut);
      const std::string path = scene.copy();
      fs::resize_file(fs::path(path) / "rocksdb" / scene.wal, cut);
      std::uint64_t reached = 0;
      {
        auto store = must_open(path);
        reached = prefix_of(*store);
        write_groups(*store, reached + 1, reached + 5, true);
      }
      CHECK(reached >= synced_groups);
      auto store = must_open(path);
      CHECK(prefix_of(*store) == reached + 5);
      shortest = std::min(shortest, reached);
      longest = std::max(longest, reached);
    }
    CHECK(shortest == synced_groups);
    CHECK(longest > synced_groups + 10);
  }

  TEST_CASE("a write-ahead log that lost synced bytes is refused, and stays refused") {
    const crime_scene scene;
    for (std::uint64_t cut : {std::uint64_t{0}, scene.synced_bytes / 3, scene.synced_bytes - 1}) {
      CAPTURE(cut);
      const std::string path = scene.copy();
      fs::resize_file(fs::path(path) / "rocksdb" / scene.wal, cut);
      for (int again = 0; again < 2; ++again) {
        const auto opened = try_open(path);
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.error().code == core::errc::corrupt);
        CHECK(opened.error().detail.find(path) != std::string::npos);
      }
    }
    const std::string path = scene.copy();
    fs::remove(fs::path(path) / "rocksdb" / scene.wal);
    CHECK(try_open(path).error().code == core::errc::corrupt);
  }

  TEST_CASE("a disk that was once found to have lost synced writes is never trusted again") {
    // Opening rewrites the database, so that the loss may look mended from then on.
    const crime_scene scene;
    const std::string path = scene.copy();
    const auto wal = fs::path(path) / "rocksdb" / scene.wal;
    fs::resize_file(wal, scene.synced_bytes - 1);
    REQUIRE_FALSE(try_open(path).ok());
    fs::remove_all(fs::path(path) / "rocksdb");
    fs::copy(fs::path(scene.original) / "rocksdb", fs::path(path) / "rocksdb",
             fs::copy_options::recursive);
    const auto opened = try_open(path);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    CHECK(opened.error().detail.find("an earlier start found that out") != std::string::npos);
  }

  TEST_CASE("a database without its durable mark is refused") {
    const crime_scene scene;
    const std::string path = scene.copy();
    fs::remove(fs::path(path) / "durable");
    for (int again = 0; again < 2; ++again) {
      const auto opened = try_open(path);
      REQUIRE_FALSE(opened.ok());
      CHECK(opened.error().code == core::errc::corrupt);
      CHECK(opened.error().detail.find("is missing or empty beside a database") !=
            std::string::npos);
    }
  }

  TEST_CASE("one flipped byte in the write-ahead log never yields a wrong state") {
    const crime_scene scene;
    int refused = 0;
    const std::uint64_t step = scene.all_bytes / 60 | 1;
    for (std::uint64_t at = 0; at < scene.all_bytes; at += step) {
      CAPTURE(at);
      const std::string path = scene.copy();
      flip(fs::path(path) / "rocksdb" / scene.wal, at);
      auto opened = try_open(path);
      if (!opened.ok()) {
        CHECK(opened.error().code == core::errc::corrupt);
        ++refused;
        continue;
      }
      CHECK(at >= scene.synced_bytes);
      CHECK(prefix_of(*opened.value()) >= synced_groups);
    }
    CHECK(refused >= 30);
  }

  TEST_CASE("a damaged record length at the start of the last synced group is refused") {
    // RocksDB alone takes a length that points beyond the file for a torn tail.
    scratch_dir dir;
    std::uint64_t before = 0;
    {
      auto store = must_open(dir.file("live"));
      store->open_log(log, "t");
      write_groups(*store, 1, 2, true);
      before = fs::file_size(newest_in(dir.file("live/rocksdb"), ".log"));
      write_groups(*store, 3, 3, true);
      fs::copy(dir.file("live"), dir.file("copy"), fs::copy_options::recursive);
    }
    flip(newest_in(dir.file("copy/rocksdb"), ".log"), before + 5);  // high byte of the length
    const auto opened = try_open(dir.file("copy"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    CHECK(opened.error().detail.find("lost synced writes") != std::string::npos);
  }

  TEST_CASE("one flipped byte in a table is refused, stops the process, or changes nothing") {
    scratch_dir dir;
    {
      auto store = must_open(dir.file("live"));
      store->open_log(log, "t");
      write_groups(*store, 1, synced_groups, true);
    }
    must_open(dir.file("live"));  // recovery turned the write-ahead log into tables
    fs::path table;
    for (const auto& f : fs::directory_iterator(dir.file("live/rocksdb"))) {
      const bool larger = table.empty() || fs::file_size(f) > fs::file_size(table);
      if (f.path().extension() == ".sst" && larger) table = f.path();
    }
    REQUIRE_FALSE(table.empty());
    const std::uint64_t size = fs::file_size(table);
    int noticed = 0;
    for (std::uint64_t at = 0; at < size; at += size / 60 | 1) {
      CAPTURE(at);
      fs::remove_all(dir.file("copy"));
      fs::copy(dir.file("live"), dir.file("copy"), fs::copy_options::recursive);
      flip(fs::path(dir.file("copy")) / "rocksdb" / table.filename(), at);
      failure_log failures;
      auto opened = try_open(dir.file("copy"), &failures);
      if (!opened.ok()) {
        ++noticed;
        continue;
      }
      auto on_disk = opened.value()->open_log(log, "t");
      const auto r = on_disk->recover();
      const auto seen = all_rows(*on_disk);
      const auto entries = on_disk->entries(core::slot{1}, core::slot{1000}, 1 << 30);
      const auto row = on_disk->get("1001");
      if (failures.count > 0) {
        CHECK(failures.first.find("damaged data") != std::string::npos);
        ++noticed;
        continue;
      }
      CHECK(r.applied.value == synced_groups);
      CHECK(seen.size() == synced_groups);
      CHECK(entries.size() == synced_groups);
      CHECK(row == value_of(1));
    }
    CHECK(noticed >= 30);
  }

  TEST_CASE("tables without CURRENT are not founded anew") {
    scratch_dir dir;
    {
      auto store = must_open(dir.file("db"));
      store->open_log(log, "t");
      write_groups(*store, 1, 3, true);
    }
    must_open(dir.file("db"));
    fs::remove(dir.file("db/rocksdb/CURRENT"));
    const auto opened = try_open(dir.file("db"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    fs::remove_all(dir.file("db/rocksdb"));  // all of it gone: the mark still knows
    CHECK(try_open(dir.file("db")).error().code == core::errc::corrupt);
  }

  TEST_CASE("a first start that was cut short is finished by the next") {
    scratch_dir dir;
    fs::create_directories(dir.file("db/rocksdb"));
    std::ofstream(dir.file("db/rocksdb/MANIFEST-000001")) << "";
    std::ofstream(dir.file("db/durable")) << "";
    CHECK(must_open(dir.file("db"))->identity().boot == core::boot_epoch{1});
  }

  TEST_CASE("bytes that are no record stop the process at recovery") {
    scratch_dir dir;
    failure_log failures;
    auto store = std::move(try_open(dir.file("db"), &failures)).value();
    auto on_disk = store->open_log(log, "t");
    core::record_write bad;
    bad.what = kind::configuration;
    bad.key = "\xff";
    write(*store, log, {bad});
    static_cast<void>(on_disk->recover());
    CHECK(failures.count == 1);
    CHECK(failures.first.find("configuration of slot 0") != std::string::npos);
    write(*store, log, {accepted(1, ballot_of(1, 1), "")});
    static_cast<void>(on_disk->entries(core::slot{1}, core::slot{2}, 100));
    CHECK(failures.count == 2);
  }

  TEST_CASE("the durable mark rises, survives, and refuses foreign bytes") {
    scratch_dir dir;
    {
      auto mark = std::move(durable_mark::open(dir.file("mark"), true)).value();
      CHECK(mark->value() == 0);
      CHECK(mark->raise(5));
      CHECK(mark->raise(3));
      CHECK(mark->value() == 5);
    }
    CHECK(durable_mark::open(dir.file("mark"), false).value()->value() == 5);
    flip(dir.file("mark"), 15);
    CHECK(durable_mark::open(dir.file("mark"), false).error().code == core::errc::corrupt);
  }

  TEST_CASE("replay of the write-ahead log ends at a hole between files") {
    const auto batch = [](std::uint64_t sequence, int updates) {
      rocksdb::WriteBatch b;
      for (int i = 0; i < updates; ++i) b.Put("k", "v");
      std::string bytes = b.Data();
      for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(sequence >> 8 * i);
      return rocksdb::WriteBatch(bytes);
    };
    using option = rocksdb::WalFilter::WalProcessingOption;
    wal_guard guard;
    const auto next = [&](std::uint64_t sequence, int updates) {
      return guard.LogRecordFound(1, "000001.log", batch(sequence, updates), nullptr, nullptr);
    };
    CHECK_FALSE(guard.saw_records());
    CHECK(next(70, 3) == option::kContinueProcessing);
    CHECK(next(73, 0) == option::kContinueProcessing);
    CHECK(next(73, 300) == option::kContinueProcessing);
    CHECK(guard.last_sequence() == 372);
    CHECK(next(374, 1) == option::kStopReplay);
    CHECK(guard.last_sequence() == 372);
    CHECK(next(372, 1) == option::kCorruptedRecord);
  }

  TEST_CASE("an older file that lost its unsynced tail does not let a newer one be replayed") {
    // A power cut between the change of files and the sync of the older one. RocksDB alone would
    // replay the newer file over the hole.
    scratch_dir dir;
    rocksdb::Options plain;
    plain.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    REQUIRE(rocksdb::DB::Open(plain, dir.file("live"), &db).ok());
    for (int i = 10; i < 20; ++i) REQUIRE(db->Put({}, std::to_string(i), "old file").ok());
    fs::copy(dir.file("live"), dir.file("copy"), fs::copy_options::recursive);
    const std::string older = newest_in(dir.file("live"), ".log").filename().string();
    REQUIRE(db->Flush({}).ok());
    for (int i = 20; i < 30; ++i) REQUIRE(db->Put({}, std::to_string(i), "new file").ok());
    const auto newer = newest_in(dir.file("live"), ".log");
    REQUIRE(newer.filename() != older);
    fs::copy(newer, fs::path(dir.file("copy")) / newer.filename());
    delete db;
    const fs::path cut = fs::path(dir.file("copy")) / older;
    fs::resize_file(cut, fs::file_size(cut) - 1);

    wal_guard guard;
    auto tuned = tuned_options(1 << 20);
    tuned.wal_filter = &guard;
    REQUIRE(rocksdb::DB::Open(tuned, dir.file("copy"), &db).ok());
    std::string value;
    CHECK(db->Get({}, "18", &value).ok());
    CHECK(db->Get({}, "19", &value).IsNotFound());
    CHECK(db->Get({}, "20", &value).IsNotFound());
    CHECK(guard.last_sequence() == 9);
    CHECK(db->GetLatestSequenceNumber() == 9);
    delete db;
  }
}

}  // namespace atlas::storage::tests
