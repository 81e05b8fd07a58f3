// Both readers walk the text once and report the first element that does not fit. Messages quote
// the client's text; they are bounded because the parser bounds what it hands in.
#include "net/time_terms.hpp"

#include <array>
#include <chrono>

namespace atlas::net {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

struct unit {
  std::string_view name;
  std::uint64_t ns;
};
constexpr std::array<unit, 8> units{{{"ns", 1},
                                     {"us", 1'000},
                                     {"\xC2\xB5s", 1'000},  // micro sign
                                     {"\xCE\xBCs", 1'000},  // Greek mu
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000}}};

std::uint64_t ns_of(std::string_view name) {
  for (const auto& u : units)
    if (u.name == name) return u.ns;
  return 0;
}

constexpr std::string_view layout = "2006-01-02T15:04:05Z07:00";

/// Reads a timestamp element by element; `error` is empty as long as all fitted.
struct timestamp_reader {
  std::string_view whole;
  std::string_view rest;
  std::string error;

  void mismatch(std::string_view element) {
    error = "parsing time " + quoted(whole) + " as " + quoted(layout) + ": cannot parse " +
            quoted(rest) + " as " + quoted(element);
  }
  void out_of_range(const char* what) {
    error = "parsing time " + quoted(whole) + ": " + what + " out of range";
  }
  void literal(std::string_view expected) {
    if (!error.empty()) return;
    if (rest.substr(0, expected.size()) != expected) return mismatch(expected);
    rest.remove_prefix(expected.size());
  }
  int number(std::size_t digits, std::string_view element) {
    if (!error.empty()) return 0;
    int n = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (i >= rest.size() || !is_digit(rest[i])) {
        mismatch(element);
        return 0;
      }
      n = n * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(digits);
    return n;
  }
  int number_in(std::string_view element, int low, int high, const char* what) {
    const int n = number(2, element);
    if (error.empty() && (n < low || n > high)) out_of_range(what);
    return n;
  }
  /// In microseconds.
  int fraction() {
    if (!error.empty() || rest.size() < 2 || (rest[0] != '.' && rest[0] != ',')) return 0;
    int us = 0;
    int scale = 100'000;
    std::size_t n = 1;
    for (; n < rest.size() && is_digit(rest[n]); ++n, scale /= 10) us += (rest[n] - '0') * scale;
    if (n > 1) rest.remove_prefix(n);
    return us;
  }
  /// Minutes east of Greenwich.
  int zone() {
    if (!error.empty()) return 0;
    if (!rest.empty() && rest[0] == 'Z') {
      rest.remove_prefix(1);
      return 0;
    }
    const bool shaped = rest.size() >= 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':' &&
                        is_digit(rest[1]) && is_digit(rest[2]) && is_digit(rest[4]) &&
                        is_digit(rest[5]);
    if (!shaped) {
      mismatch("Z07:00");
      return 0;
    }
    const int hours = (rest[1] - '0') * 10 + (rest[2] - '0');
    const int minutes = (rest[4] - '0') * 10 + (rest[5] - '0');
    const int sign = rest[0] == '-' ? -1 : 1;
    if (hours > 24) out_of_range("time zone offset hour");
    if (error.empty() && minutes > 59) out_of_range("time zone offset minute");
    if (error.empty()) rest.remove_prefix(6);
    return sign * (hours * 60 + minutes);
  }
};

int days_in(int year, int month) {
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

/// Adds `digits` (with an optional fraction) times `unit_ns` to `total`; false if it overflows.
bool add_term(std::string_view digits, std::uint64_t unit_ns, std::uint64_t& total) {
  constexpr std::uint64_t most = std::uint64_t{1} << 63;
  const auto dot = digits.find('.');
  std::uint64_t whole = 0;
  for (const char c : digits.substr(0, dot)) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (whole > (most - digit) / 10) return false;
    whole = whole * 10 + digit;
  }
  if (whole > most / unit_ns) return false;
  std::uint64_t ns = whole * unit_ns;
  double scale = static_cast<double>(unit_ns);
  if (dot != std::string_view::npos)
    for (const char c : digits.substr(dot + 1)) {
      scale /= 10;
      ns += static_cast<std::uint64_t>(scale * (c - '0'));
    }
  if (ns > most || total > most - ns) return false;
  total += ns;
  return true;
}

}  // namespace

std::string read_duration(std::string_view text, std::int64_t& ns_out) {
  ns_out = 0;
  const auto invalid = [text] { return "time: invalid duration " + quoted(text); };
  auto rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return {};
  if (rest.empty()) return invalid();

  std::uint64_t total = 0;
  while (!rest.empty()) {
    std::size_t n = 0;
    std::size_t dots = 0;
    while (n < rest.size() && (is_digit(rest[n]) || (rest[n] == '.' && dots == 0)))
      dots += rest[n++] == '.' ? 1 : 0;
    if (n == dots) return invalid();  // no digit at all
    const auto digits = rest.substr(0, n);
    rest.remove_prefix(n);

    n = 0;
    while (n < rest.size() && rest[n] != '.' && !is_digit(rest[n])) ++n;
    const auto name = rest.substr(0, n);
    rest.remove_prefix(n);
    if (name.empty()) return "time: missing unit in duration " + quoted(text);
    const auto ns = ns_of(name);
    if (ns == 0) return "time: unknown unit " + quoted(name) + " in duration " + quoted(text);
    if (!add_term(digits, ns, total)) return invalid();
  }
  // One more fits on the negative side, as in every two's complement number.
  if (total == std::uint64_t{1} << 63 && !negative) return invalid();
  ns_out = static_cast<std::int64_t>(negative ? 0 - total : total);
  return {};
}

std::string read_timestamp(std::string_view text, std::int64_t& us) {
  timestamp_reader in{text, text, {}};
  const int year = in.number(4, "2006");
  in.literal("-");
  const int month = in.number_in("01", 1, 12, "month");
  in.literal("-");
  const int day = in.number(2, "02");
  in.literal("T");
  const int hour = in.number_in("15", 0, 23, "hour");
  in.literal(":");
  const int minute = in.number_in("04", 0, 59, "minute");
  in.literal(":");
  const int second = in.number_in("05", 0, 59, "second");
  const int fraction = in.fraction();
  const int east = in.zone();
  if (in.error.empty() && !in.rest.empty())
    return "parsing time " + quoted(text) + ": extra text: " + quoted(in.rest);
  if (in.error.empty() && (day < 1 || day > days_in(year, month))) in.out_of_range("day");
  if (!in.error.empty()) return in.error;
  const std::chrono::sys_days date{std::chrono::year(year) /
                                   std::chrono::month(static_cast<unsigned>(month)) /
                                   std::chrono::day(static_cast<unsigned>(day))};
  const std::int64_t minutes = std::int64_t{date.time_since_epoch().count()} * 1440 +
                               std::int64_t{hour} * 60 + minute - east;
  us = (minutes * 60 + second) * 1'000'000 + fraction;
  return {};
}

}  // namespace atlas::net
