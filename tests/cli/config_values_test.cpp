// The small grammars: what they take, and the look-alikes they must not take.
#include "cli/config_values.hpp"

#include <doctest/doctest.h>

TEST_SUITE("cli/config_values") {
  using namespace atlas::cli;

  TEST_CASE("durations need a unit and must fit into milliseconds") {
    CHECK(parse_duration_ms("500ms") == 500u);
    CHECK(parse_duration_ms("10s") == 10'000u);
    CHECK(parse_duration_ms("2m") == 120'000u);
    CHECK(parse_duration_ms("1h") == 3'600'000u);
    for (const auto* bad : {"", "10", "s", "1.5s", "-1s", "+1s", " 1s", "1 s", "1d", "1s1",
                            "18446744073709551615s", "99999999999999999999ms"})
      CHECK_MESSAGE(!parse_duration_ms(bad), bad);
  }

  TEST_CASE("sizes are powers of 1024, with or without B, in either case") {
    CHECK(parse_size("2048") == 2048u);
    CHECK(parse_size("1k") == 1024u);
    CHECK(parse_size("512MB") == 512ull << 20);
    CHECK(parse_size("512M") == 512ull << 20);
    CHECK(parse_size("3gb") == 3ull << 30);
    CHECK(parse_size("1T") == 1ull << 40);
    for (const auto* bad : {"", "MB", "1.5GB", "-1", "1PB", "1MBB", "1 MB", "16777216T"})
      CHECK_MESSAGE(!parse_size(bad), bad);
  }

  TEST_CASE("an address has a host and a port that can be dialled") {
    CHECK(parse_endpoint("localhost:4444") == endpoint{"localhost", 4444});
    CHECK(parse_endpoint("10.0.0.1:1") == endpoint{"10.0.0.1", 1});
    CHECK(parse_endpoint("[::1]:65535") == endpoint{"::1", 65535});
    for (const auto* bad : {"", "localhost", "localhost:", ":80", "a:0", "a:65536", "a:b", "::1:80",
                            "https://a:80", "a b:80", "[]:80", "a:80 ", "a:+80"})
      CHECK_MESSAGE(!parse_endpoint(bad), bad);
  }

  TEST_CASE("decimals are digits with at most one point") {
    CHECK(parse_decimal("85") == 85);
    CHECK(parse_decimal("0.5") == 0.5);
    for (const auto* bad : {"", ".", "1.2.3", "-1", "nan", "inf", "1e9", "85ms"})
      CHECK_MESSAGE(!parse_decimal(bad), bad);
  }

  TEST_CASE("switches and modes take their documented spellings only") {
    CHECK(parse_switch("TRUE") == true);
    CHECK(parse_switch("on") == true);
    CHECK(parse_switch("No") == false);
    CHECK_FALSE(parse_switch("1").has_value());
    CHECK(parse_mode("0660") == 0660u);
    CHECK(parse_mode("600") == 0600u);
    for (const auto* bad : {"", "66", "0680", "1660", "00660", "rw-"})
      CHECK_MESSAGE(!parse_mode(bad), bad);
  }
}
