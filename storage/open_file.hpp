// Descriptors of files, and what is said when the system refuses.
#pragma once

#include <rocksdb/status.h>

#include <string>

namespace atlas::storage {

/// `errno` of a call on the file, which has just failed.
[[nodiscard]] rocksdb::Status system_failure(const std::string& path);

/// Clients may hold every descriptor there is for a moment; that is no reason to end the process.
/// New files are the user's alone. Negative after a failure, with `errno`.
[[nodiscard]] int open_patiently(const std::string& path, int flags);

/// Closed with its end.
class open_file {
 public:
  open_file(const std::string& path, int flags) : fd_(open_patiently(path, flags)) {}
  ~open_file();
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace atlas::storage
