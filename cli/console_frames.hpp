// Cutting the server's bytes into frames, as docs/protocol.md defines them: lines, values that may
// hold line feeds, key listings and blobs. Pure: bytes in, frames out, however the bytes were
// split.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace atlas::cli {

/// One frame of a reply.
struct console_frame {
  enum class shape {
    line,  ///< text alone
    keys,  ///< `KEYS:<n>` and n lines, joined by line feeds in `payload`
    blob,  ///< `BLOB <n>` and n bytes in `payload`
  };
  shape what = shape::line;
  bool tagged = false;
  std::string tag;   ///< the request's ID
  std::string text;  ///< the first line without tag and line end
  std::string payload;

  /// `OK`, or an ERROR other than INFO: the reply ends here.
  [[nodiscard]] bool is_final() const;
  [[nodiscard]] bool is_error() const;  ///< ERROR WARN or ERROR FATAL
  [[nodiscard]] bool is_fatal() const;  ///< the server closes after it
};

/// Collects bytes and hands out whole frames.
class frame_reader {
 public:
  void feed(std::string_view bytes);

  /// The next frame, or nothing until more bytes are fed.
  std::optional<console_frame> next();

 private:
  [[nodiscard]] std::size_t line_end(std::size_t first) const;
  bool take_head(console_frame& frame, std::size_t& used);
  bool take_keys(console_frame& frame, std::size_t& used);
  bool take_blob(console_frame& frame, std::size_t& used) const;

  std::string buffer_;
  // How far the first frame was looked at, so that a long one is not searched again and again: no
  // end of its head before scanned_; listed_ lines of its key listing, which end at listed_end_.
  std::size_t scanned_ = 0;
  std::size_t listed_ = 0;
  std::size_t listed_end_ = 0;
};

/// The frame as people and scripts read it: the whole first line, then the payload, then a line
/// feed.
std::string printed(const console_frame& frame);

}  // namespace atlas::cli
