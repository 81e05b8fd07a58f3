// RocksDB's settings, and why each differs from its default: one writer with large batches,
// hundreds of mostly idle families, memory inside one budget, and no silent loss.
#pragma once

#include <rocksdb/options.h>

#include <cstdint>
#include <memory>

namespace atlas::storage {

/// Settings for the whole database within `cache_bytes` of block cache and write buffers together.
[[nodiscard]] rocksdb::Options tuned_options(std::uint64_t cache_bytes);

}  // namespace atlas::storage
