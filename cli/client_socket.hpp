// The connecting side of a client: a Unix socket or host:port, and the greeting of the line
// protocol. Shared by the console and the load generator; everything here blocks.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace atlas::cli {

/// Owns a file descriptor; -1 = none.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  unique_fd(const unique_fd&) = delete;
  unique_fd& operator=(const unique_fd&) = delete;
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// Connects to `target`: `host:port` if it has a colon and no slash, otherwise a Unix socket's
/// path. Fails with `unreachable`, also when a local server does not take the connection within
/// `wait` (0: however long that takes).
core::result<unique_fd> connect_client(const std::string& target,
                                       std::chrono::milliseconds wait = {});

/// Sends all of `bytes` or fails with `unreachable`; never raises SIGPIPE.
core::result<core::done> send_all(int fd, std::string_view bytes);

/// Waits for `WELCOME 1.0`, says `HELLO 1.0 clientId=<name>` and waits for `READY`, at most
/// `timeout_ms` for both. Reads not one byte beyond READY. Fails with `unreachable` or `refused`.
core::result<core::done> greet(int fd, const std::string& name, int timeout_ms);

}  // namespace atlas::cli
