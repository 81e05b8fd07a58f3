// `fsync` and `fdatasync` of this program are defined here, and the dynamic linker lets RocksDB's
// calls end here, too. Names of files count as durable at once.
#include "tests/storage/synced_sizes.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

namespace atlas::storage::tests {
namespace {

namespace fs = std::filesystem;

std::atomic<synced_sizes*> noted = nullptr;

struct stat stat_of(const fs::path& path) {
  struct stat file {};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  return file;
}

/// What was written while the call ran may be lost, so the size counts that was there before it.
int sync_and_note(int fd, long call) {
  auto* const sizes = noted.load();
  struct stat file {};
  const bool is_known = sizes != nullptr && ::fstat(fd, &file) == 0;
  const auto result = static_cast<int>(::syscall(call, fd));
  if (result == 0 && is_known) sizes->note(file);
  return result;
}

}  // namespace

synced_sizes::synced_sizes(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(::ftruncate(fd, entries * sizeof(entry)) == 0);
  void* const at =
      ::mmap(nullptr, entries * sizeof(entry), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  REQUIRE(at != MAP_FAILED);
  all_ = static_cast<entry*>(at);  // all zero
}

synced_sizes::~synced_sizes() {
  ::munmap(all_, entries * sizeof(entry));
}

synced_sizes::entry& synced_sizes::place_of(std::uint64_t inode) const {
  for (std::size_t i = inode;; ++i) {
    auto& e = all_[i % entries];
    std::uint64_t free = 0;
    if (e.inode.compare_exchange_strong(free, inode) || free == inode) return e;
  }
}

void synced_sizes::note(const struct stat& file) {
  place_of(file.st_ino).size = static_cast<std::uint64_t>(file.st_size);
}

std::uint64_t synced_sizes::of(const struct stat& file) const {
  return place_of(file.st_ino).size;
}

void note_syncs_in(const std::string& path) {
  noted = new synced_sizes(path);  // NOLINT: as long as the process
}

void note_all(const std::string& directory, synced_sizes& sizes) {
  if (!fs::exists(directory)) return;
  for (const auto& e : fs::recursive_directory_iterator(directory))
    if (e.is_regular_file()) sizes.note(stat_of(e.path()));
}

void copy_what_is_synced(const std::string& from, const std::string& to,
                         const synced_sizes& sizes) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
  for (const auto& e : fs::recursive_directory_iterator(from)) {
    if (!e.is_regular_file()) continue;
    const auto copy = fs::path(to) / fs::relative(e.path(), from);
    const auto synced = sizes.of(stat_of(e.path()));
    if (synced < fs::file_size(copy)) fs::resize_file(copy, synced);
  }
}

}  // namespace atlas::storage::tests

extern "C" {

[[gnu::visibility("default")]] int fsync(int fd) {
  return atlas::storage::tests::sync_and_note(fd, SYS_fsync);
}

[[gnu::visibility("default")]] int fdatasync(int fd) {
  return atlas::storage::tests::sync_and_note(fd, SYS_fdatasync);
}
}
