// Non-blocking sockets under a blocking call: every wait is a poll on the socket and on the stop
// signal until the deadline.
#include "net/dialler.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "core/check.hpp"

namespace atlas::net {

namespace {

core::failure unreachable(const std::string& peer, const std::string& why) {
  return {core::errc::unreachable, "cannot connect to " + peer + ": " + why};
}

std::string reason(int code) {
  return std::generic_category().message(code);
}

}  // namespace

dialler::dialler(const transport_options& options)
    : key_(derive_challenge_key(options.credentials)),
      timeout_(options.handshake_timeout),
      refused_(options.refused),
      stopped_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ATLAS_CHECK(stopped_.valid(), "a process needs descriptors to start");
}

core::result<owned_fd> dialler::dial(const std::string& host, std::uint16_t port) {
  const std::string peer = join_host_port(host, port);
  auto found = resolve_tcp(host, port, false);
  if (!found) return unreachable(peer, found.error().detail);
  const auto end = clock::now() + timeout_;
  const std::vector<tcp_address>& addresses = found.value();
  core::failure last;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // A dead first address must leave time for the others.
    const auto now = clock::now();
    const auto share = (end - now) / static_cast<std::int64_t>(addresses.size() - i);
    auto connected = try_one(addresses[i], peer, now + share);
    if (connected) return connected;
    last = connected.error();
    if (last.code == core::errc::refused && refused_) refused_(peer, last.detail);
  }
  return last;
}

void dialler::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto sent = ::write(stopped_.get(), &one, sizeof one);
}

core::result<owned_fd> dialler::try_one(const tcp_address& address, const std::string& peer,
                                        clock::time_point deadline) const {
  auto made = new_tcp_socket(address);
  if (!made) return unreachable(peer, made.error().detail);
  owned_fd fd = std::move(made).value();
  tune_tcp(fd.get());
  if (auto done = connect_to(fd.get(), address, peer, deadline); !done) return done.error();
  if (auto done = converse(fd.get(), peer, deadline); !done) return done.error();
  if (auto done = await(fd.get(), POLLIN, peer, "did not speak after the handshake", deadline);
      !done) {
    return done.error();
  }
  return fd;
}

core::result<core::done> dialler::connect_to(int fd, const tcp_address& address,
                                             const std::string& peer,
                                             clock::time_point deadline) const {
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd, raw, address.length) == 0) return core::done{};
  if (errno != EINPROGRESS && errno != EINTR) return unreachable(peer, reason(errno));
  if (auto done = await(fd, POLLOUT, peer, "does not answer", deadline); !done) return done;
  int code = 0;
  socklen_t length = sizeof code;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) != 0) code = errno;
  if (code != 0) return unreachable(peer, reason(code));
  return core::done{};
}

core::result<core::done> dialler::converse(int fd, const std::string& peer,
                                           clock::time_point deadline) const {
  challenge talk{challenge_role::dialler, key_, fresh_challenge_nonce()};
  std::array<char, challenge_hello_bytes + challenge_proof_bytes> buffer{};
  for (;;) {
    const std::string out = talk.take_output();
    if (!out.empty()) {
      // A fresh socket buffer takes these few bytes at once, or the connection is broken.
      const auto sent = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(out.size())) {
        return unreachable(peer, "the connection broke during the handshake");
      }
    }
    if (talk.outcome() == challenge_outcome::accepted) return core::done{};
    if (talk.outcome() != challenge_outcome::running) {
      return core::failure{
          core::errc::refused,
          describe_refusal(challenge_role::dialler, talk.outcome(), peer, talk.peer_version())};
    }
    auto done = await(fd, POLLIN, peer, "did not finish the handshake", deadline);
    if (!done) return done;
    const auto got = recv(fd, buffer.data(), std::min(buffer.size(), talk.wanted()), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
    if (got < 0) return unreachable(peer, "handshake broken off: " + reason(errno));
    if (got == 0) {
      return unreachable(peer,
                         "it closed the connection during the handshake; its own log may tell "
                         "why, or it is not an Atlas node");
    }
    talk.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

core::result<core::done> dialler::await(int fd, short events, const std::string& peer,
                                        const char* what, clock::time_point deadline) const {
  switch (wait_for(fd, events, deadline)) {
    case wake::ready:
      return core::done{};
    case wake::late:
      return unreachable(
          peer, "it " + std::string{what} + " within " + std::to_string(timeout_.count()) + " ms");
    case wake::stopped:
      break;
  }
  return unreachable(peer, "this node is shutting down");
}

dialler::wake dialler::wait_for(int fd, short events, clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
    std::array<pollfd, 2> watched{pollfd{fd, events, 0}, pollfd{stopped_.get(), POLLIN, 0}};
    const int wait = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    const int count = ::poll(watched.data(), watched.size(), wait);
    if (count < 0 && errno == EINTR) continue;
    if (watched[1].revents != 0) return wake::stopped;
    if (watched[0].revents != 0) return wake::ready;
    if (left <= 0) return wake::late;
  }
}

}  // namespace atlas::net
