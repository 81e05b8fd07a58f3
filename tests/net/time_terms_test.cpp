#include "net/time_terms.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using atlas::net::read_duration;
using atlas::net::read_timestamp;

namespace {

std::string duration_error(std::string_view text) {
  std::int64_t ns = 0;
  return read_duration(text, ns);
}

std::string timestamp_error(std::string_view text) {
  std::int64_t us = 0;
  return read_timestamp(text, us);
}

}  // namespace

TEST_SUITE("net/time_terms") {
  TEST_CASE("durations are numbers with units, signed, fractions allowed") {
    for (const auto* good :
         {"300ms", "1h30m", "-5s", "+1.5h", "0", ".5s", "1.s", "2us", "2\xC2\xB5s", "2\xCE\xBCs",
          "9223372036854775807ns", "-9223372036854775808ns"})
      CHECK_MESSAGE(duration_error(good) == "", good);
  }

  TEST_CASE("a bad duration is named with the reason") {
    CHECK(duration_error("abc") == "time: invalid duration \"abc\"");
    CHECK(duration_error("") == "time: invalid duration \"\"");
    CHECK(duration_error("-") == "time: invalid duration \"-\"");
    CHECK(duration_error(".s") == "time: invalid duration \".s\"");
    CHECK(duration_error("5") == "time: missing unit in duration \"5\"");
    CHECK(duration_error("1h5") == "time: missing unit in duration \"1h5\"");
    CHECK(duration_error("5d") == "time: unknown unit \"d\" in duration \"5d\"");
    CHECK(duration_error("9223372036854775808ns") ==
          "time: invalid duration \"9223372036854775808ns\"");
    CHECK(duration_error("99999999999999999999h") ==
          "time: invalid duration \"99999999999999999999h\"");
    CHECK(duration_error("\"\x01\xFF") == "time: invalid duration \"\\\"\\x01\\xff\"");
  }

  TEST_CASE("timestamps follow RFC 3339") {
    for (const auto* good : {"2030-01-02T03:04:05Z", "2030-01-02T03:04:05.123456789Z",
                             "2030-12-31T23:59:59+14:00", "2028-02-29T00:00:00-00:30"})
      CHECK_MESSAGE(timestamp_error(good) == "", good);
  }

  TEST_CASE("a bad timestamp is named with the first element that does not fit") {
    const std::string head = "parsing time ";
    const std::string as = " as \"2006-01-02T15:04:05Z07:00\": cannot parse ";
    CHECK(timestamp_error("bad") == head + "\"bad\"" + as + "\"bad\" as \"2006\"");
    CHECK(timestamp_error("2030/01") == head + "\"2030/01\"" + as + "\"/01\" as \"-\"");
    CHECK(timestamp_error("2030-01-02") == head + "\"2030-01-02\"" + as + "\"\" as \"T\"");
    CHECK(timestamp_error("2030-01-02T03:04:05") ==
          head + "\"2030-01-02T03:04:05\"" + as + "\"\" as \"Z07:00\"");
    CHECK(timestamp_error("2030-13-02T03:04:05Z") ==
          head + "\"2030-13-02T03:04:05Z\": month out of range");
    CHECK(timestamp_error("2030-02-29T03:04:05Z") ==
          head + "\"2030-02-29T03:04:05Z\": day out of range");
    CHECK(timestamp_error("2030-01-02T24:04:05Z") ==
          head + "\"2030-01-02T24:04:05Z\": hour out of range");
    CHECK(timestamp_error("2030-01-02T03:04:05Zx") ==
          head + "\"2030-01-02T03:04:05Zx\": extra text: \"x\"");
  }

  TEST_CASE("values: nanoseconds, and microseconds since the epoch") {
    std::int64_t n = 0;
    CHECK(read_duration("1h30m", n).empty());
    CHECK(n == 5'400'000'000'000);
    CHECK(read_duration("-1.5s", n).empty());
    CHECK(n == -1'500'000'000);
    CHECK(read_duration("-9223372036854775808ns", n).empty());
    CHECK(n == std::numeric_limits<std::int64_t>::min());
    CHECK(read_timestamp("1970-01-01T00:00:00Z", n).empty());
    CHECK(n == 0);
    CHECK(read_timestamp("2030-01-02T03:04:05.25Z", n).empty());
    CHECK(n == 1'893'553'445'250'000);
    CHECK(read_timestamp("2030-01-02T05:04:05.25+02:00", n).empty());
    CHECK(n == 1'893'553'445'250'000);
    CHECK(read_timestamp("1969-12-31T23:59:59Z", n).empty());
    CHECK(n == -1'000'000);
  }
}
