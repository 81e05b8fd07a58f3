// The open RocksDB with its families, its lock and its failure hook. Everything that can be wrong
// with a data directory is found here, at open; everything that goes wrong later ends the process.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "storage/data_directory.hpp"
#include "storage/durable_mark.hpp"
#include "storage/payload_files.hpp"
#include "storage/payload_keeper.hpp"
#include "storage/space_keeper.hpp"
#include "storage/store_options.hpp"
#include "storage/wal_guard.hpp"

namespace atlas::storage {

/// Number of a column family; its RocksDB name is "family-" and the number in eight digits.
using family_number = std::uint64_t;

inline rocksdb::Slice slice(std::string_view s) {
  return {s.data(), s.size()};
}

/// A column family, closed with the last of these; they must not outlive the database.
using family_handle = std::shared_ptr<rocksdb::ColumnFamilyHandle>;

/// Thread-safe, except that `writing()` must be held for `write_group` once chores are done.
class database {
 public:
  static core::result<std::shared_ptr<database>> open(const store_options& options);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] const std::string& path() const { return where_.root; }
  /// True if this open made the database.
  [[nodiscard]] bool fresh() const { return fresh_; }

  /// All families, used or not, in rising order.
  [[nodiscard]] std::vector<family_number> families() const;
  /// Null if there is no such family.
  [[nodiscard]] family_handle family(family_number number) const;
  /// Makes `count` families in bulk; slow. Empty after a failure.
  std::vector<family_number> create_families(std::size_t count);
  /// Removes a family with all it holds. Who has its handle may still read; with the last one its
  /// files and its memory go.
  void drop_family(family_number number);

  /// Counts the payloads that are referred to, and sees whether their files hold them. Once, when
  /// it is known that this program reads what is here, and before families are dropped.
  core::result<core::done> find_payloads();
  /// From here on space is given back. Once, after that.
  core::result<core::done> start_chores();
  [[nodiscard]] bool has_dropped() const;
  /// Counts off the payloads of families that were dropped and are read no more.
  void release_dropped();
  /// A synced write, for payload files that wait for one.
  void sync_expired();

  /// Held by the store's writer from its first look at the disk to the end of its write.
  [[nodiscard]] std::mutex& writing() { return writing_; }
  /// The store's write; with `sync` raises the durable mark after the fsync. False after a failure.
  bool write_group(rocksdb::WriteBatch& batch, bool sync);
  /// A synced write of the catalogue, from any thread. False after a failure.
  bool write_catalogue(rocksdb::WriteBatch& batch);

  [[nodiscard]] payload_files& payloads() const { return *payloads_; }
  /// Where the payload is; empty if there is none in a file.
  rocksdb::Status look_up(payload_owner of, std::optional<payload_place>& place) const;
  rocksdb::Status look_up(const rocksdb::ReadOptions& how, rocksdb::ColumnFamilyHandle* family,
                          core::slot at, std::optional<payload_place>& place) const;
  /// Lets the batch say where the payload, which is in a file, is now.
  void refer(rocksdb::WriteBatch& batch, payload_owner of, const payload_place& place) const;
  /// Shows the places of all payloads of a family whose slots are below `end`.
  rocksdb::Status walk_places(
      rocksdb::ColumnFamilyHandle* family, core::slot end,
      const std::function<void(core::slot, const payload_place&)>& visit) const;

  /// Ends the process because RocksDB failed at `doing`.
  void fail(std::string_view doing, const rocksdb::Status& status) const;

 private:
  explicit database(data_directory where) : where_(std::move(where)) {}
  core::result<core::done> open_files(const store_options& options);
  core::result<core::done> open_rocksdb(rocksdb::Options& tuned);
  [[nodiscard]] core::failure refusal(const rocksdb::Status& status) const;
  core::result<core::done> check_large_values() const;
  [[nodiscard]] core::result<core::done> check_mark();
  void keep(rocksdb::ColumnFamilyHandle* handle);
  [[nodiscard]] family_handle named_family(const std::string& name) const;

  const data_directory where_;
  bool fresh_ = false;
  std::function<void(const std::string&)> fail_stop_;
  wal_guard guard_;  // RocksDB keeps a pointer to it
  std::unique_ptr<durable_mark> mark_;
  std::unique_ptr<payload_files> payloads_;
  rocksdb::ColumnFamilyOptions family_options_;
  std::unique_ptr<rocksdb::DB> db_;
  mutable std::mutex mutex_;  // guards the four below
  std::unordered_map<family_number, family_handle> families_;
  std::vector<family_handle> others_;  // RocksDB's own
  family_number highest_ = 0;
  std::vector<family_handle> dropped_;  // until nobody reads them
  std::shared_ptr<space_keeper> space_ = std::make_shared<space_keeper>();
  std::mutex writing_;
  payload_keeper keeper_{*this};
};

/// One moment of the database: while it lives, all that is referred to in it can be read.
class moment {
 public:
  explicit moment(const database& disk) : pin_(disk.payloads().pin()), view_(&disk.db()) {
    how.snapshot = view_.snapshot();
  }
  moment(const moment&) = delete;
  moment& operator=(const moment&) = delete;

 private:
  const payload_pin pin_;  // older than the view
  rocksdb::ManagedSnapshot view_;

 public:
  rocksdb::ReadOptions how;
};

}  // namespace atlas::storage
