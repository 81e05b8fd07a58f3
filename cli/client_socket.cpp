// Blocking connect and greeting. The greeting is read byte by byte: it happens once per connection,
// and so whatever follows READY is left for the reader that comes after.
#include "cli/client_socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;

// The longest greeting line that is believed; a server of another kind may send anything.
constexpr std::size_t greeting_bytes_max = 1024;

failure system_failure(const std::string& target, int error) {
  return {errc::unreachable, "cannot connect to " + target + ": " + std::strerror(error)};
}

using clock = std::chrono::steady_clock;

result<unique_fd> connect_unix(const std::string& path, std::chrono::milliseconds wait) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return failure{errc::unreachable,
                   "cannot connect to \"" + path + "\": a Unix socket path has 1 to 107 bytes"};
  std::memcpy(address.sun_path, path.data(), path.size());
  unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return system_failure(path, errno);
  // Linux bounds connect() by the time-out for sending: a server whose backlog is full blocks it.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  timeval limit{seconds.count(), std::chrono::microseconds(wait - seconds).count()};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return system_failure(path, errno);
  limit = {};  // a large request may take as long as it takes
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return fd;
}

result<unique_fd> connect_tcp(const std::string& target) {
  const auto colon = target.rfind(':');
  const auto host = target.substr(0, colon);
  const auto port = target.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    return failure{errc::unreachable, "cannot connect to " + target + ": " + ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, ::freeaddrinfo);
  int error = 0;
  for (const auto* at = found; at != nullptr; at = at->ai_next) {
    unique_fd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    if (fd.get() >= 0 && ::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) {
      const int on = 1;  // requests are small and each waits for its answer
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return fd;
    }
    error = errno;
  }
  return system_failure(target, error);
}

result<std::string> read_greeting_line(int fd, clock::time_point until) {
  std::string line;
  while (line.size() < greeting_bytes_max) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return failure{errc::unreachable, "the server did not greet in time"};
    char c = 0;
    const auto got = ::recv(fd, &c, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return failure{errc::unreachable, "the server closed the connection during the greeting"};
    if (c == '\n') {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    line += c;
  }
  return failure{errc::refused, "the server sent an endless greeting; is this an Atlas socket?"};
}

}  // namespace

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

result<unique_fd> connect_client(const std::string& target, std::chrono::milliseconds wait) {
  const bool tcp = target.find('/') == std::string::npos && target.find(':') != std::string::npos;
  return tcp ? connect_tcp(target) : connect_unix(target, wait);
}

result<core::done> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return failure{errc::unreachable, std::strerror(errno)};
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return core::done{};
}

result<core::done> greet(int fd, const std::string& name, int timeout_ms) {
  const auto until = clock::now() + std::chrono::milliseconds(timeout_ms);
  const auto welcome = read_greeting_line(fd, until);
  if (!welcome) return welcome.error();
  if (welcome.value().rfind("WELCOME 1.0", 0) != 0)
    return failure{errc::refused, "unexpected welcome message: " + welcome.value()};
  if (auto sent = send_all(fd, "HELLO 1.0 clientId=" + name + "\r\n"); !sent) return sent;
  const auto ready = read_greeting_line(fd, until);
  if (!ready) return ready.error();
  if (ready.value() != "READY")
    return failure{errc::refused, "unexpected ready message: " + ready.value()};
  return core::done{};
}

}  // namespace atlas::cli
