// What the composition root tells the store: where, how much memory, and what to do when the disk
// can no longer be trusted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace atlas::storage {

struct store_options {
  /// Data directory; created with mode 0700 (parents too) if it is missing.
  std::string path;
  /// Bytes for block cache and write buffers together; small values are raised to 8 MB.
  std::uint64_t cache_bytes = std::uint64_t{512} << 20;
  /// A file of payloads (payload_file.hpp) is left for another at this size.
  std::uint64_t payload_file_bytes = std::uint64_t{64} << 20;
  /// What is left of a file of payloads that is half empty for so long moves to another.
  std::chrono::milliseconds payload_rest = std::chrono::seconds{5};
  /// Called with a whole sentence (what, where, remedy) when a write, an fsync or a read failed.
  /// Must not return in production; empty means: log it as critical and abort. May be called from
  /// any thread. A test may let it return or throw: what the store answers afterwards is void.
  std::function<void(const std::string& message)> fail_stop;
};

}  // namespace atlas::storage
