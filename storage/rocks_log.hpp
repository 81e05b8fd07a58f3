// One log's view of the database: reads, and what recovery finds. Writing is the store's business.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "storage/database.hpp"
#include "storage/layout.hpp"
#include "storage/log_batch.hpp"

namespace atlas::storage {

/// `core::log_store` on one column family.
class rocks_log final : public core::log_store, public std::enable_shared_from_this<rocks_log> {
 public:
  rocks_log(std::shared_ptr<database> disk, core::log_id log, family_number family);

  [[nodiscard]] std::optional<std::string> get(std::string_view row) const override;
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit)
      const override;
  [[nodiscard]] std::vector<core::accepted_entry> entries(core::slot first, core::slot end,
                                                          std::size_t bytes_max) const override;
  [[nodiscard]] core::recovered_log recover() const override;
  [[nodiscard]] std::unique_ptr<core::frozen_log> freeze() const override;

  /// Where the rows are. The store's writer moves it when a snapshot was put in place.
  [[nodiscard]] space rows_space() const { return rows_.load(std::memory_order_acquire); }
  void set_rows_space(space where) { rows_.store(where, std::memory_order_release); }
  /// What the writer goes on from, as the disk has it.
  [[nodiscard]] log_writer_state writer_state() const;

 private:
  class frozen;
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;

  /// Visits keys in [first, end) until `visit` says false; a failed read ends the process.
  void walk(rocksdb::ReadOptions how, std::string_view first, std::string_view end,
            const visitor& visit) const;
  /// The same for the slots from `first` on of one space; ends the process at a key without a slot.
  void walk_slots(const rocksdb::ReadOptions& how, space where, core::slot first,
                  const std::function<bool(core::slot at, std::string_view value)>& visit) const;
  [[nodiscard]] std::optional<std::string> state(const rocksdb::ReadOptions& how,
                                                 std::string_view key) const;
  [[nodiscard]] core::slot read_truncated(const rocksdb::ReadOptions& how) const;
  /// Appends a payload, or a part of it; ends the process if it is not there.
  void read_payload(const rocksdb::ReadOptions& how, core::slot at, std::size_t from,
                    std::size_t size, std::string& out) const;
  /// A row as it was written, made of what is kept of it.
  [[nodiscard]] std::string whole_row(const rocksdb::ReadOptions& how, std::string_view kept) const;
  void scan_rows(const rocksdb::ReadOptions& how, space where, std::string_view prefix,
                 std::string_view from, const visitor& visit) const;
  /// The accepted entry of a slot; empty, after the process was told to end, if it is damaged.
  [[nodiscard]] std::optional<core::accepted_entry> entry_at(const rocksdb::ReadOptions& how,
                                                             core::slot at,
                                                             std::string_view kept) const;
  void recover_state(const rocksdb::ReadOptions& how, core::recovered_log& out) const;
  [[nodiscard]] applied_mark read_applied(const rocksdb::ReadOptions& how) const;
  [[nodiscard]] space read_rows_space(const rocksdb::ReadOptions& how) const;
  /// Everything but the tail.
  [[nodiscard]] core::recovered_log read_state(const rocksdb::ReadOptions& how) const;
  void recover_configuration(const rocksdb::ReadOptions& how, core::recovered_log& out) const;
  /// Ends the process: bytes that passed RocksDB's checksums are not what this program writes.
  void damaged(const std::string& what) const;

  const std::shared_ptr<database> disk_;
  const core::log_id log_;
  const family_handle family_;
  std::atomic<space> rows_;
};

}  // namespace atlas::storage
