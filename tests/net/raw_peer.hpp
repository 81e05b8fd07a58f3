// Test helpers without CAF: a blocking raw TCP peer that may misbehave, and a log of refusals that
// can be waited for.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/tcp.hpp"
#include "net/transport_options.hpp"

namespace atlas::net::test {

/// Long enough that only a broken program reaches it.
inline constexpr std::chrono::seconds patience{30};

inline tcp_address loopback(std::uint16_t port) {
  return resolve_tcp("127.0.0.1", port, false).value().front();
}

/// A client of the node port that may say anything.
class raw_peer {
 public:
  /// `from`: which of the loopback's addresses (127.x.y.z) it comes from.
  explicit raw_peer(std::uint16_t port, const std::string& from = "127.0.0.1")
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const tcp_address own = resolve_tcp(from, 0, false).value().front();
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own.storage), own.length) != 0) return;
    const tcp_address to = loopback(port);
    connected_ = connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0;
  }
  explicit raw_peer(owned_fd fd) : fd_(std::move(fd)), connected_(true) {}

  [[nodiscard]] bool connected() const { return connected_; }

  void say(std::string_view bytes) const {
    [[maybe_unused]] const auto sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Up to `count` bytes; fewer if the stream ends (or patience does).
  [[nodiscard]] std::string hear(std::size_t count) const {
    std::string out;
    while (out.size() < count) {
      std::array<char, 512> buffer{};
      pollfd watched{fd_.get(), POLLIN, 0};
      if (poll(&watched, 1, 30'000) <= 0) break;
      const auto got =
          recv(fd_.get(), buffer.data(), std::min(buffer.size(), count - out.size()), 0);
      if (got <= 0) break;
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return out;
  }
  [[nodiscard]] bool hears_within(std::chrono::milliseconds wait) const {
    pollfd watched{fd_.get(), POLLIN, 0};
    return poll(&watched, 1, static_cast<int>(wait.count())) > 0;
  }
  /// True once the other side has closed or reset, without another byte.
  [[nodiscard]] bool turned_away() const {
    pollfd watched{fd_.get(), POLLIN, 0};
    char byte = 0;
    return poll(&watched, 1, 30'000) > 0 && recv(fd_.get(), &byte, 1, 0) <= 0;
  }
  [[nodiscard]] std::string own_name() const { return to_string(local_address(fd_.get())); }

 private:
  owned_fd fd_;
  bool connected_ = false;
};

/// Collects what `transport_options::refused` is told.
class refusals {
 public:
  refusal_log sink() {
    return [this](const std::string& peer, const std::string& why) {
      {
        const std::lock_guard guard{mutex_};
        seen_.emplace_back(peer, why);
      }
      changed_.notify_all();
    };
  }
  /// Waits for an entry whose sentence has `text`.
  bool wait_for(std::string_view text) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [&] {
      for (const auto& [peer, why] : seen_) {
        if (why.find(text) != std::string::npos) return true;
      }
      return false;
    });
  }
  /// Waits until there are `count` entries; a log line may follow the closed socket.
  bool wait_for_count(std::size_t count) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, patience, [&] { return seen_.size() >= count; });
  }
  std::size_t count() {
    const std::lock_guard guard{mutex_};
    return seen_.size();
  }
  std::pair<std::string, std::string> first() {
    const std::lock_guard guard{mutex_};
    return seen_.empty() ? std::pair<std::string, std::string>{} : seen_.front();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::string, std::string>> seen_;
};

}  // namespace atlas::net::test
