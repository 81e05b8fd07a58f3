// A file that is written once, from its beginning to its end, in whole blocks; past the page cache
// where the file system allows it. The kernel's copy costs more than the disk's own time, and what
// is written here is seldom read soon.
#pragma once

#include <rocksdb/status.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace atlas::storage {

/// No disk asks for a larger alignment of what is written to it directly.
constexpr std::uint64_t block_bytes = 4096;

/// The first whole block at or behind this byte.
[[nodiscard]] constexpr std::uint64_t block_end(std::uint64_t byte) {
  return (byte + block_bytes - 1) / block_bytes * block_bytes;
}

/// From one thread. After a failure nothing more may be asked of it.
class block_file {
 public:
  block_file() = default;
  ~block_file();
  block_file(const block_file&) = delete;
  block_file& operator=(const block_file&) = delete;

  /// Creates the file, which must not exist, durably. Once, before anything else.
  [[nodiscard]] rocksdb::Status create(const std::string& folder, const std::string& path);
  /// Puts the bytes behind what is there; they may stay in memory until `sync`.
  [[nodiscard]] rocksdb::Status append(std::string_view bytes);
  /// Fills the last block with zeros.
  [[nodiscard]] rocksdb::Status end_block();
  /// All that was appended, up to an `end_block`, is durable when it returns OK.
  [[nodiscard]] rocksdb::Status sync();

  [[nodiscard]] std::uint64_t size() const { return written_ + held_; }

 private:
  [[nodiscard]] rocksdb::Status write_held();

  struct free_it {
    void operator()(char* p) const { std::free(p); }
  };

  std::string path_;
  int fd_ = -1;
  bool is_direct_ = false;
  bool unsynced_ = false;
  std::unique_ptr<char, free_it> buffer_;
  std::size_t held_ = 0;  ///< bytes of the buffer that are not written yet
  std::uint64_t written_ = 0;
};

}  // namespace atlas::storage
