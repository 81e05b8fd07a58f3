// Parsers for single configuration values. `from_chars` throughout: no locale, no exceptions, and
// no silent acceptance of signs, blanks or trailing text.
#include "cli/config_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace atlas::cli {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Splits "512MB" into 512 and "MB".
struct quantity {
  std::uint64_t number;
  std::string_view unit;
};

std::optional<quantity> split_quantity(std::string_view text) {
  const auto digits =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  return quantity{*number, text.substr(digits)};
}

std::optional<std::uint64_t> times(std::uint64_t number, std::uint64_t factor) {
  if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

// A name or address without a port. Blanks and slashes mean that a URL was pasted.
bool is_host(std::string_view host, bool in_brackets) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [in_brackets](char c) {
    const bool plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '-' || c == '_';
    return plain || (in_brackets && (c == ':' || c == '%'));
  });
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<double> parse_decimal(std::string_view text) {
  // from_chars would take "inf", "nan" and "1e9"; a delay is written with digits.
  if (text.empty() ||
      !std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; }))
    return std::nullopt;
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(out))
    return std::nullopt;
  return out;
}

std::optional<std::uint64_t> parse_duration_ms(std::string_view text) {
  const auto split = split_quantity(text);
  if (!split) return std::nullopt;
  if (split->unit == "ms") return split->number;
  if (split->unit == "s") return times(split->number, 1000);
  if (split->unit == "m") return times(split->number, 60'000);
  if (split->unit == "h") return times(split->number, 3'600'000);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto split = split_quantity(text);
  if (!split) return std::nullopt;
  auto unit = lower(split->unit);
  if (!unit.empty() && unit.back() == 'b') unit.pop_back();
  if (unit.empty()) return split->number;
  const auto power = std::string_view("kmgt").find(unit);
  if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
  return times(split->number, std::uint64_t{1} << (10 * (power + 1)));
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (!is_host(host, brackets)) return std::nullopt;
  return endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::optional<bool> parse_switch(std::string_view text) {
  const auto word = lower(text);
  if (word == "true" || word == "on" || word == "yes") return true;
  if (word == "false" || word == "off" || word == "no") return false;
  return std::nullopt;
}

std::optional<unsigned> parse_mode(std::string_view text) {
  if (text.size() == 4 && text.front() == '0') text.remove_prefix(1);
  if (text.size() != 3) return std::nullopt;
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 8);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool is_region_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

}  // namespace atlas::cli
