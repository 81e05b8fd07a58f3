#include "net/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace atlas::net {
namespace {

core::failure failed(const std::string& path, const std::string& what) {
  return {core::errc::refused, "client socket " + path + ": " + what};
}

std::string reason() { return std::strerror(errno); }

/// Removes a stale socket file; a live one or another kind of file is an error.
core::result<core::done> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) return core::done{};
  if (!S_ISSOCK(there.st_mode))
    return failed(path, "a file that is not a socket is in the way; remove it or set 'socket'");
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return failed(path, reason());
  const int live = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int why = errno;
  close(probe);
  if (live == 0 || why == EAGAIN)
    return failed(path, "another process listens there; stop it or set 'socket' to another path");
  if (unlink(path.c_str()) != 0) return failed(path, "can not remove the stale file: " + reason());
  return core::done{};
}

}  // namespace

core::result<int> listen_unix(const std::string& path, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return failed(path, "the path must have 1 to " +
                            std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !std::filesystem::exists(folder, error)) {
    std::filesystem::create_directories(folder, error);
    if (error) return failed(path, "can not create its directory: " + error.message());
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (auto clear = clear_path(path, address); !clear) return clear.error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(path, reason());
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), mode) != 0 || listen(fd, 1024) != 0) {
    const auto why = reason();
    close(fd);
    return failed(path, why);
  }
  return fd;
}

}  // namespace atlas::net
