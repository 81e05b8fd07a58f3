// See block_file.hpp. What is written directly must begin at a block in memory, too, so bytes are
// gathered in a buffer of whole blocks: one copy in place of the kernel's.
#include "storage/block_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "core/check.hpp"
#include "storage/open_file.hpp"

namespace atlas::storage {
namespace {

/// A disk writes this at its full speed.
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
static_assert(buffer_bytes % block_bytes == 0);

bool set_direct(int fd, bool on) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

}  // namespace

block_file::~block_file() {
  if (fd_ >= 0) ::close(fd_);
}

rocksdb::Status block_file::create(const std::string& folder, const std::string& path) {
  path_ = path;
  fd_ = open_patiently(path, O_WRONLY | O_CREAT | O_EXCL);
  if (fd_ < 0) return system_failure(path);
  // Asked for afterwards: an open that refuses it leaves the file behind.
  is_direct_ = set_direct(fd_, true);
  buffer_.reset(static_cast<char*>(std::aligned_alloc(block_bytes, buffer_bytes)));
  if (!buffer_) throw std::bad_alloc();
  const open_file in(folder, O_RDONLY | O_DIRECTORY);
  if (in.fd() < 0 || ::fsync(in.fd()) != 0) return system_failure(folder);
  return rocksdb::Status::OK();
}

rocksdb::Status block_file::append(std::string_view bytes) {
  ATLAS_CHECK(buffer_ != nullptr, "a file is created before it is written");
  while (!bytes.empty()) {
    const auto part = std::min(bytes.size(), buffer_bytes - held_);
    std::memcpy(buffer_.get() + held_, bytes.data(), part);
    held_ += part;
    bytes.remove_prefix(part);
    if (held_ < buffer_bytes) continue;
    if (auto status = write_held(); !status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

rocksdb::Status block_file::end_block() {
  static constexpr char zeros[block_bytes] = {};
  return append({zeros, block_end(size()) - size()});
}

rocksdb::Status block_file::write_held() {
  ATLAS_CHECK(held_ % block_bytes == 0, "a file of blocks is written in whole ones");
  for (std::size_t from = 0; from < held_;) {
    const auto moved =
        ::pwrite(fd_, buffer_.get() + from, held_ - from, static_cast<::off_t>(written_ + from));
    if (moved < 0 && errno == EINTR) continue;
    // Some file systems refuse only now, or after a part that is no whole block.
    if (moved < 0 && errno == EINVAL && is_direct_ && set_direct(fd_, false)) {
      is_direct_ = false;
      continue;
    }
    if (moved == 0) errno = EIO;
    if (moved <= 0) return system_failure(path_);
    from += static_cast<std::size_t>(moved);
  }
  unsynced_ = unsynced_ || held_ > 0;
  written_ += held_;
  held_ = 0;
  return rocksdb::Status::OK();
}

rocksdb::Status block_file::sync() {
  if (auto status = write_held(); !status.ok()) return status;
  if (!unsynced_) return rocksdb::Status::OK();
  if (::fdatasync(fd_) != 0) return system_failure(path_);
  unsynced_ = false;
  return rocksdb::Status::OK();
}

}  // namespace atlas::storage
