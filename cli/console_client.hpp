// The console's connection: one request out, its reply in.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/client_socket.hpp"
#include "cli/console_frames.hpp"
#include "cli/console_request.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// How asking ended.
struct ask_result {
  enum class how {
    answered,        ///< `last` is the final frame
    not_sent,        ///< the connection was gone before the first byte went out
    payload_failed,  ///< the payload's file broke off, so nothing was stored; the connection is
                     ///< lost
    lost,            ///< sent at least in part, and not answered
  };
  how ended = how::lost;
  console_frame last;
  std::string detail;  ///< what happened, unless answered
};

/// Whom to tell meanwhile. Empty functions are not called.
struct ask_hooks {
  std::function<void(const console_frame&)> on_frame;  ///< every frame, also of other tags
  std::function<void(std::string_view)> on_part;       ///< the bytes behind a blob_head
  std::function<void(std::size_t)> on_sent;  ///< so many bytes of the payload's file are out
};

/// When to stop waiting.
struct ask_limits {
  std::optional<std::chrono::steady_clock::time_point> until;
  std::size_t bytes_max = SIZE_MAX;  ///< of the reply
};

/// A greeted connection. Blocks; for one thread. After anything but `answered` it is of no more
/// use.
class console_client {
 public:
  static constexpr std::chrono::milliseconds greeting_max{10'000};

  /// Connects to the Unix socket `path` and greets, within `wait`.
  static core::result<console_client> connect(const std::string& path,
                                              std::chrono::milliseconds wait = greeting_max);

  /// Sends `request` and reads until its reply is complete.
  ask_result ask(const console_request& request, const ask_hooks& hooks = {},
                 const ask_limits& limits = {});

  /// Whether the server has said something, or closed, since the last reply.
  [[nodiscard]] bool pending() const;

  /// Takes what has come without being asked for. Fails with `unreachable` when the connection is
  /// lost.
  core::result<core::done> drain(const std::function<void(const console_frame&)>& on_frame);

  /// Waits for a frame that was not asked for. Fails with `unreachable`.
  core::result<console_frame> wait() { return read_frame({}); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  console_client(unique_fd fd, std::string path);

  struct sending {
    bool any = false;  // at least one byte went out
    std::string trouble;
    bool payload_failed = false;
  };
  sending send(const console_request& request, const ask_hooks& hooks);
  sending send_file(blob_source& file, const ask_hooks& hooks);
  core::result<console_frame> read_frame(const ask_limits& limits);
  core::result<core::done> read_blob(const ask_hooks& hooks, const ask_limits& limits);
  core::result<core::done> receive(const ask_limits& limits);
  [[nodiscard]] core::failure lost(const std::string& how) const;

  unique_fd fd_;
  std::string path_;
  frame_reader frames_;
  std::size_t received_ = 0;  // of the current reply
};

}  // namespace atlas::cli
