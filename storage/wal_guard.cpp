// See wal_guard.hpp. A batch begins with its sequence number, fixed 64-bit little-endian; it uses
// as many numbers as it has updates.
#include "storage/wal_guard.hpp"

#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>

namespace atlas::storage {
namespace {

std::uint64_t sequence_of(const rocksdb::WriteBatch& batch) {
  const std::string& bytes = batch.Data();
  std::uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return v;
}

}  // namespace

rocksdb::WalFilter::WalProcessingOption wal_guard::LogRecordFound(
    unsigned long long /*log_number*/, const std::string& file, const rocksdb::WriteBatch& batch,
    rocksdb::WriteBatch* /*new_batch*/, bool* /*batch_changed*/) {
  const std::uint64_t sequence = sequence_of(batch);
  if (saw_records_ && sequence > next_) {
    spdlog::warn("write-ahead log: writes {} to {} are missing before {}; replay ends there", next_,
                 sequence - 1, file);
    return WalProcessingOption::kStopReplay;
  }
  if (saw_records_ && sequence < next_) return WalProcessingOption::kCorruptedRecord;
  saw_records_ = true;
  next_ = sequence + batch.Count();
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace atlas::storage
