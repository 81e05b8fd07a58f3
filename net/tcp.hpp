// The few socket calls that the porter and the dialler share: an owning descriptor, listening,
// resolving, names of peers. All sockets are non-blocking and close-on-exec.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace atlas::net {

/// Owns a file descriptor; -1 = none.
class owned_fd {
 public:
  owned_fd() = default;
  explicit owned_fd(int fd) : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(other.release()) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~owned_fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// One numeric address to listen on or to connect to.
struct tcp_address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// Numeric addresses of `host` (name, IPv4 or IPv6, brackets allowed); an empty host with `passive`
/// means every interface. May wait for the resolver. Error: unreachable.
core::result<std::vector<tcp_address>> resolve_tcp(const std::string& host, std::uint16_t port,
                                                   bool passive);

/// Binds and listens on `host` (empty = every interface, IPv4 and IPv6) and `port` (0 = any free).
/// SO_REUSEADDR is set: a restarted node must not wait for old connections. Error: unreachable.
core::result<owned_fd> listen_tcp(const std::string& host, std::uint16_t port);

/// A new socket for connections to `address`; error: unreachable.
core::result<owned_fd> new_tcp_socket(const tcp_address& address);

/// No Nagle delay, keep-alive on.
void tune_tcp(int fd);

/// `1.2.3.4:5` or `[::1]:5`; IPv4 in IPv6 is shown as IPv4.
std::string to_string(const tcp_address& address);

/// Where the other end of a connected socket is, or "unknown peer".
std::string peer_of(int fd);

/// Own address of a bound socket; length 0 on error.
tcp_address local_address(int fd);

/// The numeric host and the port of an address.
std::pair<std::string, std::uint16_t> split_address(const tcp_address& address);

/// `host:port` of names as people write them, `[host]:port` if the host has colons.
std::string join_host_port(const std::string& host, std::uint16_t port);

}  // namespace atlas::net
