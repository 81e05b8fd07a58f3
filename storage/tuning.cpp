// See tuning.hpp. Everything here can be changed without a new format version.
#include "storage/tuning.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

#include "storage/fast_checksum.hpp"

namespace atlas::storage {
namespace {

constexpr std::uint64_t megabyte = std::uint64_t{1} << 20;

rocksdb::CompressionType best_compression() {
  const auto known = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(known.begin(), known.end(), rocksdb::kLZ4Compression) != known.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

void tune_memory(rocksdb::Options& o, std::uint64_t cache_bytes) {
  const std::uint64_t budget = std::max(cache_bytes, 8 * megabyte);
  const auto cache = rocksdb::NewLRUCache(budget);
  // The write buffers are charged to the cache, so that the budget holds for both together.
  o.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(budget / 3, cache);
  o.write_buffer_size = std::clamp<std::uint64_t>(budget / 8, 2 * megabyte, 64 * megabyte);
  o.max_write_buffer_number = 3;
  // A family that was written once holds one arena block until its next flush.
  o.arena_block_size = 64 << 10;
  // Entries come in slot order and saved rows in row order: each space (first byte of the key) goes
  // on inserting where it stopped, instead of searching from the top. RocksDB shares these hints
  // between entries and range deletions, which are in different lists, and would corrupt memory: so
  // no range deletion may begin with a key that has a prefix of this length.
  o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(2));
  // An idle family must not pin old write-ahead logs for ever: they are read at every start.
  o.max_total_wal_size = std::clamp<std::uint64_t>(budget / 2, 16 * megabyte, 256 * megabyte);

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 << 10;
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.optimize_filters_for_memory = true;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Sockets need file descriptors too, and the usual limit is 1024.
  o.max_open_files = 400;
}

/// Large values, and the entries that bring them, are written once at the flush and not again with
/// every compaction of the keys around them.
void tune_large_values(rocksdb::Options& o) {
  o.enable_blob_files = true;
  o.min_blob_size = 32 << 10;
  o.blob_file_size = 64 * megabyte;
  o.blob_compression_type = rocksdb::kNoCompression;
  o.enable_blob_garbage_collection = false;  // space_keeper.hpp
}

void tune_safety(rocksdb::Options& o) {
  o.paranoid_checks = true;
  // A torn tail is what a crash leaves of unsynced writes; damage before it refuses to open.
  // kPointInTimeRecovery would drop everything behind the damage, acknowledged writes included,
  // and say nothing. The cases this mode lets through are caught by wal_guard and durable_mark.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;
  o.recycle_log_file_num = 0;
  // Recovered data goes to tables at once, so that a torn log is never replayed a second time.
  o.avoid_flush_during_recovery = false;
}

void tune_quiet(rocksdb::Options& o) {
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.keep_log_file_num = 1;
  o.max_log_file_size = megabyte;
  o.max_manifest_file_size = 16 * megabyte;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.skip_stats_update_on_db_open = true;
}

}  // namespace

rocksdb::Options tuned_options(std::uint64_t cache_bytes) {
  use_fast_checksum();
  rocksdb::Options o;
  tune_memory(o, cache_bytes);
  tune_large_values(o);
  tune_safety(o);
  tune_quiet(o);
  o.compression = best_compression();
  o.level_compaction_dynamic_level_bytes = true;
  o.max_background_jobs = 2;
  // No burst of dirty pages in front of the write-ahead log's fsync, and no queue of them either.
  o.bytes_per_sync = megabyte;
  o.strict_bytes_per_sync = true;
  return o;
}

}  // namespace atlas::storage
