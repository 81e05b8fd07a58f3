// Start-up order matters here: bind, chmod, listen. Before `listen` nobody can connect, so there is
// no moment at which the socket answers with the wrong permissions.
#include "net/socket_file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

namespace atlas::net {
namespace {

std::string why(int code) {
  return std::generic_category().message(code);
}

core::failure unusable(const std::string& path, const std::string& reason) {
  return {core::errc::bad_config, "client socket " + path + ": " + reason};
}

owned_fd new_socket() {
  return owned_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

owned_fd new_spare() {
  return owned_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // One byte stays for the terminating NUL.
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// Creates every missing directory above `path`; 0 or the errno of the first refusal.
int make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const auto directory = path.substr(0, at);
    if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) continue;
    // A read-only or foreign parent may be reported before the fact that the directory exists.
    struct stat found {};
    const int refused = errno;
    if (::stat(directory.c_str(), &found) != 0) return refused;
  }
  return 0;
}

/// Removes a socket file that nobody listens on; a failure if somebody does, or if it is no socket.
std::optional<core::failure> clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return unusable(path, why(errno));
  }
  if (!S_ISSOCK(found.st_mode))
    return unusable(path,
                    "a file that is no socket stands there; remove it or choose another path");

  const auto probe = new_socket();
  if (!probe.valid()) return unusable(path, "cannot probe it: " + why(errno));
  const bool connected =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  // EAGAIN: its queue of waiting clients is full, so somebody listens.
  if (connected || errno == EAGAIN)
    return core::failure{core::errc::refused,
                         "client socket " + path +
                             ": another process listens there; stop it or choose another path"};
  if (errno == ENOENT) return std::nullopt;
  if (errno != ECONNREFUSED) return unusable(path, "cannot probe it: " + why(errno));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return unusable(path, "cannot remove the stale file: " + why(errno));
  return std::nullopt;
}

}  // namespace

core::result<client_door> client_door::open(const std::string& path, unsigned mode) {
  const auto address = address_of(path);
  if (!address)
    return unusable(path, "the path must have 1 to " +
                              std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                              " bytes, this one has " + std::to_string(path.size()));
  if (const int refused = make_directories(path); refused != 0)
    return unusable(path, "cannot create its directory: " + why(refused));
  if (auto refused = clear_stale(path, *address)) return *std::move(refused);

  auto listener = new_socket();
  if (!listener.valid()) return unusable(path, "cannot create a socket: " + why(errno));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
    return unusable(path, "cannot bind: " + why(errno));

  struct stat made {};
  const bool is_listening = ::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0 &&
                            ::lstat(path.c_str(), &made) == 0 &&
                            ::listen(listener.get(), SOMAXCONN) == 0;
  if (!is_listening) {
    const int refused = errno;
    ::unlink(path.c_str());
    return unusable(path, "cannot listen: " + why(refused));
  }
  client_door door;
  door.listener_ = std::move(listener);
  door.spare_ = new_spare();
  door.path_ = path;
  door.device_ = made.st_dev;
  door.inode_ = made.st_ino;
  return door;
}

owned_fd client_door::accept() {
  exhausted_ = false;
  for (;;) {
    owned_fd client(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.valid() || errno == EAGAIN) return client;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    const bool no_descriptor = errno == EMFILE || errno == ENFILE;
    if (no_descriptor && refuse_one()) continue;
    exhausted_ = true;
    return {};
  }
}

bool client_door::refuse_one() {
  if (!spare_.valid()) spare_ = new_spare();
  if (!spare_.valid()) return false;
  spare_.reset();
  owned_fd client(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool accepted = client.valid();
  if (accepted) refuse(client);
  client.reset();  // before the spare comes back: it holds the only free descriptor
  spare_ = new_spare();
  return accepted;
}

void client_door::refuse(const owned_fd& client) {
  constexpr std::string_view text = "ERROR FATAL too many connections\r\n";
  // A fresh socket has room for this; if the client is gone already, nothing is lost.
  if (::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

void client_door::shut() {
  if (!listener_.valid()) return;
  struct stat found {};
  if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_)
    ::unlink(path_.c_str());
  listener_.reset();
}

}  // namespace atlas::net
