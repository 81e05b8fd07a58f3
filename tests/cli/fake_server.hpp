// A server for client tests: listens on a Unix socket of its own and gives every connection to a
// function in a thread. The function speaks whatever protocol, or breaks it, as the test wants.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/client_socket.hpp"
#include "tests/cli/temp_dir.hpp"

namespace atlas::tests {

/// One accepted connection, blocking.
class fake_connection {
 public:
  explicit fake_connection(int fd) : fd_(fd) {}

  /// The next line without its end; nothing when the client is gone.
  std::optional<std::string> line();
  /// Exactly `count` bytes, fewer when the client is gone.
  std::string bytes(std::size_t count);
  void send(std::string_view text);
  /// Sends WELCOME, reads HELLO, sends READY. Returns the HELLO line.
  std::string greet();

 private:
  bool fill();

  int fd_;
  std::string buffer_;
};

/// Serves until destroyed; the destructor cuts all connections and waits for their threads.
class fake_server {
 public:
  using handler = std::function<void(fake_connection&)>;

  explicit fake_server(handler serve);
  /// Listens at `path`, in place of what may be left there.
  fake_server(handler serve, std::string path);
  ~fake_server();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void accept_all();

  temp_dir dir_;
  std::string path_;
  handler serve_;
  cli::unique_fd listener_;
  std::mutex mutex_;  // guards open_, threads_, closing_
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  bool closing_ = false;
  std::thread acceptor_;
};

}  // namespace atlas::tests
