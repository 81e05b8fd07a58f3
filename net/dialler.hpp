// The other end of the porter: connects to a node and goes through the challenge, all within one
// deadline, and tells a refusal of the credentials from a host that cannot be reached.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "net/challenge.hpp"
#include "net/tcp.hpp"
#include "net/transport_options.hpp"

namespace atlas::net {

/// Thread-safe. `dial` blocks its caller for at most `handshake_timeout`, plus what the resolver of
/// host names takes (nothing for numeric addresses).
class dialler {
 public:
  explicit dialler(const transport_options& options);
  dialler(const dialler&) = delete;
  dialler& operator=(const dialler&) = delete;

  /// An authenticated connection: non-blocking, TCP_NODELAY, keep-alive, and the first byte of the
  /// accepting side's BASP is there to read (it speaks first; a node that hangs right after the
  /// handshake would otherwise block CAF's pending request for ever). Addresses of a name are tried
  /// in the resolver's order. Refusals are logged.
  /// Errors: refused (credentials, version, not Atlas), unreachable (all else).
  core::result<owned_fd> dial(const std::string& host, std::uint16_t port);

  /// Ends all `dial`s, running and later ones, with unreachable.
  void stop();

 private:
  using clock = std::chrono::steady_clock;

  /// How waiting for a socket ended.
  enum class wake : std::uint8_t { ready, late, stopped };

  core::result<owned_fd> try_one(const tcp_address& address, const std::string& peer,
                                 clock::time_point deadline) const;
  core::result<core::done> connect_to(int fd, const tcp_address& address, const std::string& peer,
                                      clock::time_point deadline) const;
  core::result<core::done> converse(int fd, const std::string& peer,
                                    clock::time_point deadline) const;
  core::result<core::done> await(int fd, short events, const std::string& peer, const char* what,
                                 clock::time_point deadline) const;
  [[nodiscard]] wake wait_for(int fd, short events, clock::time_point deadline) const;

  const challenge_key key_;
  const std::chrono::milliseconds timeout_;
  const refusal_log refused_;
  owned_fd stopped_;  // an eventfd: readable for ever once stop was called
};

}  // namespace atlas::net
