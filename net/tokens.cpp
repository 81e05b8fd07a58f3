// White space is decided by a table of first bytes: 0 = ordinary, 1 = a blank, 2 = may begin one of
// the few multi-byte blanks. Ordinary text costs one look-up a byte.
#include "net/tokens.hpp"

#include <algorithm>
#include <cstdint>

#include "core/check.hpp"

namespace atlas::net {
namespace {

constexpr auto first_bytes = [] {
  std::array<std::uint8_t, 256> table{};
  for (const unsigned char blank : {' ', '\t', '\n', '\v', '\f', '\r'}) table[blank] = 1;
  for (const unsigned lead : {0xC2u, 0xE1u, 0xE2u, 0xE3u}) table[lead] = 2;
  return table;
}();

std::uint8_t class_of(char c) {
  return first_bytes[static_cast<unsigned char>(c)];
}

char upper_of(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::size_t wide_space_at(std::string_view s) {
  const auto byte = [s](std::size_t i) {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u;
  };
  const unsigned b1 = byte(1);
  const unsigned b2 = byte(2);
  switch (byte(0)) {
    case 0xC2:  // U+0085, U+00A0
      return b1 == 0x85 || b1 == 0xA0 ? 2 : 0;
    case 0xE1:  // U+1680
      return b1 == 0x9A && b2 == 0x80 ? 3 : 0;
    case 0xE2:  // U+2000-200A, 2028, 2029, 202F, 205F
      if (b1 == 0x81) return b2 == 0x9F ? 3 : 0;
      if (b1 != 0x80) return 0;
      return (b2 >= 0x80 && b2 <= 0x8A) || b2 == 0xA8 || b2 == 0xA9 || b2 == 0xAF ? 3 : 0;
    case 0xE3:  // U+3000
      return b1 == 0x80 && b2 == 0x80 ? 3 : 0;
    default:
      return 0;
  }
}

}  // namespace

tagged_line peel_tag(std::string_view line) {
  constexpr std::string_view open = "[ID:";
  if (line.substr(0, open.size()) != open) return {false, {}, line};
  const auto close = line.find(']', open.size());
  if (close == std::string_view::npos || close == open.size()) return {false, {}, line};
  std::size_t body = close + 1;
  while (const auto blank = space_at(line, body)) body += blank;
  return {true, line.substr(open.size(), close - open.size()), line.substr(body)};
}

std::size_t space_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const auto kind = class_of(text[at]);
  return kind < 2 ? kind : wide_space_at(text.substr(at));
}

bool is_word(std::string_view token, std::string_view word) {
  return token.size() == word.size() && std::equal(token.begin(), token.end(), word.begin(),
                                                   [](char a, char b) { return upper_of(a) == b; });
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper_of);
  return out;
}

std::string_view next_token(std::string_view text, std::size_t& at) {
  while (const auto blank = space_at(text, at)) at += blank;
  const auto first = at;
  while (at < text.size() && space_at(text, at) == 0) ++at;
  return text.substr(first, at - first);
}

bool token_reader::has(std::size_t n) {
  ATLAS_CHECK(n <= tokens_max, "more tokens asked for than any command has");
  while (count_ < n) {
    const auto token = next_token(body_, position_);
    if (token.empty()) return false;
    tokens_[count_] = token;
    ends_[count_] = position_;
    ++count_;
  }
  return true;
}

std::string_view token_reader::at(std::size_t i) {
  return has(i + 1) ? tokens_[i] : std::string_view();
}

bool token_reader::blank_tail() const {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  const auto n = body_.size();
  return n >= 2 && blank(body_[n - 1]) && blank(body_[n - 2]);
}

}  // namespace atlas::net
