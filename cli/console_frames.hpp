// Cutting the server's bytes into frames, as docs/protocol.md defines them: lines, values that may
// hold line feeds, listings, blobs and events. Pure: bytes in, frames out, however the bytes were
// split. What a line cannot tell by itself (are keys followed by their values?) the request tells.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace atlas::cli {

/// A key with its value, of `SCAN ... VALUES`.
struct console_row {
  std::string key;
  std::string value;
  std::optional<std::size_t> large = {};  ///< size of a value that is too large to be listed
};

/// One frame of a reply.
struct console_frame {
  enum class shape {
    line,       ///< text alone
    keys,       ///< `KEYS:<n>` and n lines, joined by line feeds in `payload`
    rows,       ///< `KEYS:<n>` and n keys with values, in `rows`
    blob,       ///< `BLOB <n>` and n bytes in `payload`
    blob_head,  ///< `BLOB <n>`; its n bytes are fetched by frame_reader::take_part()
    event,      ///< `EVENT ... length=<n>` and n bytes in `payload`
  };
  shape what = shape::line;
  bool tagged = false;
  std::string tag;   ///< the request's ID
  std::string text;  ///< the first line without tag and line end
  std::string payload;
  std::vector<console_row> rows;
  std::size_t size = 0;  ///< of a blob_head: how many bytes follow

  /// `OK`, or an ERROR other than INFO: the reply ends here.
  [[nodiscard]] bool is_final() const;
  [[nodiscard]] bool is_error() const;  ///< ERROR WARN or ERROR FATAL
  [[nodiscard]] bool is_fatal() const;  ///< the server closes after it
  [[nodiscard]] bool is_event() const;  ///< EVENT or GAP: of a watch, belongs to no reply
};

/// What the request says about the shape of its reply. Frames of other tags are read by the
/// defaults.
struct reply_shape {
  bool tagged = false;
  std::string tag;
  bool rows = false;          ///< the listing has values
  bool text = false;          ///< lines only, whatever they look like (HELP, INFO)
  bool stream_blobs = false;  ///< a blob comes as a blob_head and parts
};

/// Collects bytes and hands out whole frames.
class frame_reader {
 public:
  void feed(std::string_view bytes);

  /// How to read frames from here on.
  void expect(reply_shape shape) { shape_ = std::move(shape); }

  /// The next frame, or nothing until more bytes are fed, or taken behind a blob_head.
  std::optional<console_frame> next();

  /// The bytes behind a blob_head that are here, and not more than belong to it.
  std::string take_part();
  /// How many bytes of the blob are still to be taken.
  [[nodiscard]] std::size_t missing() const { return blob_missing_; }

  /// Whether bytes are here that no frame has taken yet.
  [[nodiscard]] bool holds_bytes() const { return !buffer_.empty(); }

 private:
  [[nodiscard]] std::size_t line_end(std::size_t first) const;
  [[nodiscard]] bool expected(const console_frame& frame) const;
  bool take_head(console_frame& frame, std::size_t& used);
  bool take_body(console_frame& frame, std::size_t& used);
  bool take_keys(console_frame& frame, std::size_t count, std::size_t& used);
  bool take_rows(console_frame& frame, std::size_t count, std::size_t& used);
  bool take_blob(console_frame& frame, std::size_t count, std::size_t& used);
  bool take_event(console_frame& frame, std::size_t count, std::size_t& used);
  [[nodiscard]] std::optional<std::size_t> row_end(std::size_t first) const;
  [[nodiscard]] std::optional<std::size_t> bytes_end(std::size_t first, std::size_t count) const;

  reply_shape shape_;
  std::string buffer_;
  std::size_t blob_missing_ = 0;
  // How far the first frame was looked at, so that a long one is not searched again and again: no
  // end of its head before scanned_; listed_ entries of its listing, which end at listed_end_.
  std::size_t scanned_ = 0;
  std::size_t listed_ = 0;
  std::size_t listed_end_ = 0;
};

}  // namespace atlas::cli
