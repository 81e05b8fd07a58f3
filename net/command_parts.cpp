#include "net/command_parts.hpp"

#include <charconv>
#include <utility>

#include "net/time_terms.hpp"

namespace atlas::net {
namespace {

constexpr std::size_t quote_bytes_max = 8192;

}  // namespace

parsed_command warn(std::string text) {
  parsed_command out;
  out.kind = parsed_kind::warn;
  out.text = std::move(text);
  return out;
}

std::string quote(std::string_view text) {
  if (text.size() <= quote_bytes_max) return std::string(text);
  return std::string(text.substr(0, quote_bytes_max)) + "...";
}

parsed_command not_implemented(std::string_view what) {
  return warn("command not implemented: " + std::string(what));
}

parsed_command wrong_arity(const token_reader& line, std::size_t expected, bool exactly) {
  return warn(quote(line.body()) + (exactly ? " expects exactly " : " expects ") +
              std::to_string(expected) + " arguments");
}

parsed_command request(verb what, std::string_view key) {
  if (key.size() > key_bytes_max)
    return warn("key too long: " + std::to_string(key.size()) + " bytes, at most " +
                std::to_string(key_bytes_max));
  parsed_command out;
  out.kind = parsed_kind::request;
  out.what = what;
  out.key = key;
  return out;
}

parsed_command exact_request(token_reader& line, bool tagged, verb what, std::size_t n) {
  const bool extra = line.has(n + 1) || (line.blank_tail() && !tagged);
  if (!line.has(n) || extra) return wrong_arity(line, n, true);
  return request(what, n > 2 ? line.at(2) : std::string_view());
}

parsed_command least_request(token_reader& line, verb what, std::size_t n) {
  return line.has(n) ? request(what, line.at(n - 1)) : wrong_arity(line, n);
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, n);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return n;
}

std::optional<std::int64_t> signed_in(std::string_view text) {
  const bool plus = !text.empty() && text.front() == '+';
  if (plus) text.remove_prefix(1);
  if (plus && !text.empty() && text.front() == '-') return std::nullopt;
  std::int64_t n = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, n);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return n;
}

std::optional<std::uint64_t> some_time(std::string_view text, std::string& error) {
  std::int64_t ns = 0;
  error = read_duration(quote(text), ns);
  if (error.empty() && ns < 1'000)
    error = "duration " + quote(text) + " is too short: 1us or more expected";
  if (!error.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(ns) / 1'000;
}

std::string period_text(std::string_view how, std::string_view operand, std::string& error) {
  if (is_word(how, "TTL")) {
    const auto us = some_time(operand, error);
    return us ? "for " + std::to_string(*us) : std::string();
  }
  std::int64_t us = 0;
  error = read_timestamp(quote(operand), us);
  if (error.empty() && us <= 0) error = "timestamp " + quote(operand) + " is over already";
  return error.empty() ? "until " + std::to_string(us) : std::string();
}

}  // namespace atlas::net
