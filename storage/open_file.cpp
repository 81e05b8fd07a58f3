#include "storage/open_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace atlas::storage {

rocksdb::Status system_failure(const std::string& path) {
  const int why = errno;
  if (why == ENOSPC) return rocksdb::Status::NoSpace(path, std::strerror(why));
  return rocksdb::Status::IOError(path, std::strerror(why));
}

int open_patiently(const std::string& path, int flags) {
  for (int tries = 500;; --tries) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || tries == 0) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

open_file::~open_file() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace atlas::storage
