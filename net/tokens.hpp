// How a line falls into words: request id, white space, tokens. Works on views into the line and
// only as far as asked, so that a long value behind a short command is never walked over.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace atlas::net {

/// A line with its request id taken off. `tag` is what stands between `[ID:` and `]`, kept as sent;
/// `body` starts at the first byte of the command.
struct tagged_line {
  bool tagged = false;
  std::string_view tag;
  std::string_view body;
};

/// Takes a request id off: `[ID:` at column 0 in this case, at least one byte, `]`. Anything else
/// is no id and stays part of the body.
[[nodiscard]] tagged_line peel_tag(std::string_view line);

/// Length in bytes of the white space character at `at`, 0 if there is none. White space is that of
/// Unicode, as in the original server; bytes that are no UTF-8 are never white space.
[[nodiscard]] std::size_t space_at(std::string_view text, std::size_t at);

/// True if `token` is the upper-case ASCII `word` in any case.
[[nodiscard]] bool is_word(std::string_view token, std::string_view word);

/// `text` with a-z as A-Z.
[[nodiscard]] std::string upper(std::string_view text);

/// The token at or behind `at`, which moves behind it; empty if only white space is left. For lists
/// of any length, where `token_reader` ends.
[[nodiscard]] std::string_view next_token(std::string_view text, std::size_t& at);

/// The tokens of a line, found one by one on demand.
class token_reader {
 public:
  /// No command has more fixed tokens than this.
  static constexpr std::size_t tokens_max = 8;

  explicit token_reader(std::string_view body) : body_(body) {}

  /// True if there are at least `n` tokens, n <= tokens_max.
  [[nodiscard]] bool has(std::size_t n);
  /// Token `i`, empty if there are not so many.
  [[nodiscard]] std::string_view at(std::size_t i);
  /// Offset in the body behind token `i`, which must exist.
  [[nodiscard]] std::size_t end_of(std::size_t i) const { return ends_[i]; }
  [[nodiscard]] std::string_view body() const { return body_; }
  /// The line ends in two or more blanks: without a tag the original counts them as one more token.
  [[nodiscard]] bool blank_tail() const;

 private:
  std::string_view body_;
  std::array<std::string_view, tokens_max> tokens_;
  std::array<std::size_t, tokens_max> ends_{};
  std::size_t count_ = 0;
  std::size_t position_ = 0;
};

}  // namespace atlas::net
