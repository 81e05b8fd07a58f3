// Thin, checked wrappers of the socket calls; every failure names the address and the system's
// reason.
#include "net/tcp.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace atlas::net {

namespace {

std::string system_reason(int code) {
  return std::generic_category().message(code);
}

core::failure unreachable(const std::string& what, const std::string& why) {
  return {core::errc::unreachable, what + ": " + why};
}

std::string without_brackets(const std::string& host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

core::result<owned_fd> listen_at(const tcp_address& address) {
  auto made = new_tcp_socket(address);
  if (!made) return made.error();
  owned_fd fd = std::move(made).value();
  const int on = 1;
  const int off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) {
    // The wildcard serves IPv4, too; a specific IPv6 address is not touched by this.
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(fd.get(), raw, address.length) != 0 || listen(fd.get(), SOMAXCONN) != 0) {
    return unreachable("cannot listen on " + to_string(address), system_reason(errno));
  }
  return fd;
}

}  // namespace

void owned_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

core::result<std::vector<tcp_address>> resolve_tcp(const std::string& host, std::uint16_t port,
                                                   bool passive) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  const std::string name = without_brackets(host);
  const std::string service = std::to_string(port);
  addrinfo* raw = nullptr;
  const int code =
      getaddrinfo(name.empty() ? nullptr : name.c_str(), service.c_str(), &hints, &raw);
  if (code != 0) {
    return unreachable("cannot resolve '" + host + "'",
                       code == EAI_SYSTEM ? system_reason(errno) : gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list{raw, &freeaddrinfo};
  std::vector<tcp_address> out;
  for (const addrinfo* at = raw; at != nullptr; at = at->ai_next) {
    tcp_address address;
    if (at->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
    out.push_back(address);
  }
  if (out.empty()) return unreachable("cannot resolve '" + host + "'", "no address");
  return out;
}

core::result<owned_fd> listen_tcp(const std::string& host, std::uint16_t port) {
  auto found = resolve_tcp(host, port, true);
  if (!found) return found.error();
  std::vector<tcp_address>& addresses = found.value();
  if (host.empty()) {
    // The IPv6 wildcard takes IPv4 connections as well; the resolver often names IPv4 first.
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const tcp_address& a) { return a.storage.ss_family == AF_INET6; });
  }
  core::failure last;
  for (const tcp_address& address : addresses) {
    auto listening = listen_at(address);
    if (listening) return listening;
    last = listening.error();
  }
  return last;
}

core::result<owned_fd> new_tcp_socket(const tcp_address& address) {
  owned_fd fd{socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.valid()) {
    return unreachable("cannot create a socket for " + to_string(address), system_reason(errno));
  }
  return fd;
}

void tune_tcp(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

std::pair<std::string, std::uint16_t> split_address(const tcp_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4->sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
    return {text.data(), ntohs(v6->sin6_port)};
  }
  return {};
}

std::string join_host_port(const std::string& host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string::npos && host.front() != '[';
  return (bare_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string to_string(const tcp_address& address) {
  const auto [host, port] = split_address(address);
  return join_host_port(host, port);
}

std::string peer_of(int fd) {
  tcp_address address;
  address.length = sizeof address.storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    return "unknown peer";
  }
  return to_string(address);
}

tcp_address local_address(int fd) {
  tcp_address address;
  address.length = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    return {};
  }
  return address;
}

}  // namespace atlas::net
