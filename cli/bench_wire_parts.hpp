// Small change of both wires: numbers and lines.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace atlas::cli::wire_parts {

inline void append_number(std::string& out, std::uint64_t n) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), n).ptr;
  out.append(digits, end);
}

/// Whether `text` is a number that fits, and nothing else.
template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Takes `head` off the front of `text` if it begins with it.
inline bool take_head(std::string_view& text, std::string_view head) {
  if (text.substr(0, head.size()) != head) return false;
  text.remove_prefix(head.size());
  return true;
}

/// The line at the start of `in` without its end, and the bytes it takes; false if there is none
/// yet.
inline bool take_line(std::string_view in, std::string_view& line, std::size_t& used) {
  const auto* end = static_cast<const char*>(std::memchr(in.data(), '\n', in.size()));
  if (end == nullptr) return false;
  used = static_cast<std::size_t>(end - in.data()) + 1;
  line = in.substr(0, used - 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

}  // namespace atlas::cli::wire_parts
