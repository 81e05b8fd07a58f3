// The console's connection: one request out, its reply in. A typed line becomes a request here,
// with the bytes that BLOB SET announces fetched from a file or left to the caller.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/client_socket.hpp"
#include "cli/console_frames.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// A typed line, understood as far as the console must.
struct console_request {
  std::string line;     ///< as sent, without line end
  std::string payload;  ///< sent right behind the line
  bool tagged = false;
  std::string tag;
  /// The line announces so many bytes that are not in `payload` yet (`KEY BLOB SET k 5`).
  std::size_t payload_missing = 0;
};

/// Understands `line`. `KEY BLOB SET <key> @file` becomes the file's length and content; fails with
/// `bad_config` when the file cannot be read or is above 128 MiB.
core::result<console_request> make_request(std::string_view line);

/// A greeted connection. Blocks; for one thread.
class console_client {
 public:
  /// Connects to the Unix socket `path` and greets.
  static core::result<console_client> connect(const std::string& path);

  /// Sends `request` and reads until its reply is complete, giving every frame that arrives to
  /// `on_frame`, those of other tags included. Returns the last frame of the reply. Fails with
  /// `unreachable` when the connection is lost.
  core::result<console_frame> ask(const console_request& request,
                                  const std::function<void(const console_frame&)>& on_frame);

 private:
  console_client(unique_fd fd, std::string path);

  core::result<console_frame> read_frame();
  [[nodiscard]] core::failure lost(const std::string& how) const;

  unique_fd fd_;
  std::string path_;
  frame_reader frames_;
};

}  // namespace atlas::cli
