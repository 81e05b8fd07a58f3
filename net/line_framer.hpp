// Cuts a byte stream into lines and blobs, however the bytes arrive. Works on the reader's shared
// buffer where it can and copies only what is left over, so an idle connection holds no memory and
// a small request is never copied before it is parsed. Each byte is looked at once: a line of 128
// MiB that arrives in small pieces costs linear time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace atlas::net {

enum class frame_kind : std::uint8_t {
  none,       ///< more input is needed
  line,       ///< one line, terminator (LF or CRLF) removed
  blob,       ///< the bytes asked for by `expect_blob` are there: `take_blob`
  skipped,    ///< the bytes named by `expect_skip` have gone by
  too_long,   ///< a line passes the limit; the stream cannot be understood any further
  truncated,  ///< the input ended inside a blob
  end,        ///< the input ended and everything was handed out
};

struct frame {
  frame_kind what = frame_kind::none;
  std::string_view bytes;  ///< of a line; valid until the next call of a non-const method
};

class line_framer {
 public:
  /// `line_bytes_max` counts a line without its terminator.
  explicit line_framer(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// Hands in the next bytes, borrowed: call `settle` before their buffer is used again.
  void feed(std::string_view bytes);
  /// No more input comes; an unterminated last line is handed out as a line.
  void end() { ended_ = true; }
  /// The next frame. After `none` all fed bytes have been taken over.
  [[nodiscard]] frame next();

  /// The `n` bytes behind the line just handed out are a blob.
  void expect_blob(std::size_t n);
  /// As `expect_blob`, but the bytes are thrown away as they come.
  void expect_skip(std::size_t n);
  /// The complete blob, after `frame_kind::blob`.
  [[nodiscard]] std::string take_blob();

  /// Frees the memory of the lines handed out so far, whose bytes are over with this.
  void shed();
  /// Takes over what is left of the fed bytes.
  void settle();
  /// Forgets all input and frees its memory.
  void clear();
  /// Memory held for input that is not handed out yet.
  [[nodiscard]] std::size_t held_bytes() const;

 private:
  enum class mode : std::uint8_t { lines, blob, skip };

  frame next_line();
  frame next_raw();
  frame last_line();
  frame cut(std::string_view with_terminator);
  [[nodiscard]] bool passes_limit(std::string_view unfinished) const;
  void absorb(std::size_t n);
  void release_carry();
  [[nodiscard]] std::string_view carried() const {
    return std::string_view(carry_).substr(carry_at_);
  }

  std::size_t line_bytes_max_;
  std::string_view fresh_;  // fed and not consumed; borrowed
  std::string carry_;       // older than fresh_; consumed up to carry_at_
  std::size_t carry_at_ = 0;
  std::size_t scanned_ = 0;  // no LF in carry_ between carry_at_ and here
  std::string blob_;         // only in mode::blob: what came so far
  std::size_t missing_ = 0;  // only in mode::blob and mode::skip: bytes still to come
  mode mode_ = mode::lines;
  bool ended_ = false;
};

}  // namespace atlas::net
