// The door clients come through: a Unix stream socket at a path. Knows directories, stale files,
// permissions and running out of descriptors, so that the loop behind it only ever sees clients.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/result.hpp"
#include "net/tcp.hpp"

namespace atlas::net {

/// A Unix socket that listens at a path. Its file's identity is kept, so that a file somebody else
/// put in its place later is never removed.
class client_door {
 public:
  /// Binds and listens at `path` (non-blocking, close-on-exec). Missing directories are created
  /// with mode 0700; a socket file that nobody listens on is replaced; the file has the permission
  /// bits `mode` before the first client can connect. Errors: refused - another process listens
  /// there; bad_config - anything else, naming the path.
  static core::result<client_door> open(const std::string& path, unsigned mode);

  client_door(client_door&&) noexcept = default;
  client_door& operator=(client_door&&) = delete;
  ~client_door() { shut(); }

  /// The next waiting client, non-blocking; invalid if there is none. Without descriptors left,
  /// waiting clients are told so and closed.
  [[nodiscard]] owned_fd accept();
  /// The last `accept` found no descriptor at all, not even to refuse with. Clients keep waiting,
  /// so the caller must pause: the socket stays readable.
  [[nodiscard]] bool is_exhausted() const { return exhausted_; }
  /// Tells a client that there is no place for it; best effort.
  static void refuse(const owned_fd& client);

  /// Removes the socket file if it is still the one made here, and stops listening. Idempotent.
  void shut();
  [[nodiscard]] int fd() const { return listener_.get(); }

 private:
  client_door() = default;
  bool refuse_one();

  owned_fd listener_;
  owned_fd spare_;  // given up for a moment to refuse a client when all others are taken
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool exhausted_ = false;
};

}  // namespace atlas::net
