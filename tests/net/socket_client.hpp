// What tests of the real gateway need: a directory of their own, a blocking client with a deadline
// on every read, and a gateway with a backend in memory.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "memory_backend.hpp"
#include "net/client_gateway.hpp"
#include "net/tcp.hpp"

namespace atlas::net::testing {

/// Reads give up after this; only a broken gateway makes a test wait so long.
inline constexpr int patience_ms = 20'000;

class scratch_directory {
 public:
  scratch_directory() {
    char name[] = "/tmp/atlas-net-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Waits until `done` is true; false after `patience_ms`.
template <class F>
bool eventually(F done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class socket_client {
 public:
  explicit socket_client(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    connected_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }

  /// Sends all bytes; false if the gateway closed the connection.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// Sends what the socket takes without waiting; returns how many bytes.
  std::size_t say_some(std::string_view bytes) {
    const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  /// The next line with its CRLF; shorter if the connection ended or patience did.
  std::string line() {
    while (buffer_.find('\n') == std::string::npos && more()) {
    }
    const auto end = buffer_.find('\n');
    return take(end == std::string::npos ? buffer_.size() : end + 1);
  }
  std::string bytes(std::size_t n) {
    while (buffer_.size() < n && more()) {
    }
    return take(std::min(n, buffer_.size()));
  }
  /// Everything until the gateway closes the connection.
  std::string rest() {
    while (more()) {
    }
    return take(buffer_.size());
  }
  void hello() {
    CHECK(say("HELLO 1.0 test\r\n"));
    CHECK(line() == "WELCOME 1.0 Chronalys/1.0\r\n");
    CHECK(line() == "READY\r\n");
  }
  void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

 private:
  bool more() {
    pollfd wait{fd_.get(), POLLIN, 0};
    if (::poll(&wait, 1, patience_ms) <= 0) return false;
    char some[65536];
    const auto n = ::recv(fd_.get(), some, sizeof some, 0);
    if (n <= 0) return false;
    buffer_.append(some, static_cast<std::size_t>(n));
    return true;
  }
  std::string take(std::size_t n) {
    auto out = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return out;
  }

  owned_fd fd_;
  bool connected_ = false;
  std::string buffer_;
};

/// A running gateway in a directory of its own.
struct running_gateway {
  explicit running_gateway(gateway_options o = {}) {
    o.socket_path = path = directory.file("socket");
    auto opened = open_client_gateway(std::move(o), serve);
    REQUIRE(opened.ok());
    door = std::move(opened).value();
    serve.wake = [this] { door->wake(); };
    door->start();
  }
  ~running_gateway() { door->stop(std::chrono::milliseconds(0)); }

  /// True if a new client is served.
  bool answers() {
    socket_client probe(path);
    return probe.connected() && probe.say("HELLO 1.0 probe\r\nPRINCIPAL WHOAMI\r\n") &&
           probe.bytes(56) == "WELCOME 1.0 Chronalys/1.0\r\nREADY\r\nPRINCIPAL (none)\r\nOK\r\n";
  }

  scratch_directory directory;
  std::string path;
  memory_backend serve;
  std::unique_ptr<gateway> door;
};

}  // namespace atlas::net::testing
