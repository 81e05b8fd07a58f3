// Watches the write-ahead log while RocksDB replays it at start. RocksDB checks each record, but
// not that none is missing between two files: after a power cut an older file may have lost its
// unsynced tail while a newer one survived. Replay must then stop at the hole, because what follows
// builds on what is lost.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <string>

namespace atlas::storage {

/// Lets a record pass only if its sequence numbers continue those of the record before it.
class wal_guard final : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& file,
                                     const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override;
  [[nodiscard]] const char* Name() const override { return "atlas.wal_guard"; }

  [[nodiscard]] bool saw_records() const { return saw_records_; }
  /// Sequence number of the last write that passed; meaningful after `saw_records`.
  [[nodiscard]] std::uint64_t last_sequence() const { return next_ - 1; }

 private:
  bool saw_records_ = false;
  std::uint64_t next_ = 0;
};

}  // namespace atlas::storage
