// Up to which byte each file of a process was synced: what a power cut would leave of it. Kept in a
// file that both the process and the one who cuts its power map.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace atlas::storage::tests {

class synced_sizes {
 public:
  /// Maps the file, which is made if it is missing.
  explicit synced_sizes(const std::string& path);
  ~synced_sizes();
  synced_sizes(const synced_sizes&) = delete;
  synced_sizes& operator=(const synced_sizes&) = delete;

  void note(const struct stat& file);
  /// 0 if it was never synced.
  [[nodiscard]] std::uint64_t of(const struct stat& file) const;

 private:
  struct entry {
    std::atomic<std::uint64_t> inode, size;
  };
  static constexpr std::size_t entries = 1 << 14;
  [[nodiscard]] entry& place_of(std::uint64_t inode) const;

  entry* all_ = nullptr;
};

/// From now on this process notes there what it syncs.
void note_syncs_in(const std::string& path);

/// Copies a directory of a process that stands still as its power's end would leave it.
void copy_what_is_synced(const std::string& from, const std::string& to, const synced_sizes& sizes);
/// Notes all files of a directory as synced.
void note_all(const std::string& directory, synced_sizes& sizes);

}  // namespace atlas::storage::tests
