// The preset tables against the published numbers.
#include "net/wan_presets.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace {

using atlas::net::wan_preset;
using pair = std::pair<std::string, std::string>;

TEST_SUITE("net/wan_presets") {
  TEST_CASE("the presets have the round-trip times of the original") {
    const auto local = wan_preset("local").value();
    CHECK(local.at({"us-east-1", "us-east-1"}) == 1);
    CHECK(local.at({"us-west-2", "us-west-2"}) == 1);
    CHECK(local.at({"eu-west-1", "eu-west-1"}) == 1);
    CHECK(local.at({"us-east-1", "us-east-2"}) == 2);
    CHECK(local.size() == 5);

    const auto continent = wan_preset("single-continent").value();
    CHECK(continent.at({"us-east-1", "us-west-2"}) == 65);
    CHECK(continent.size() == 4);

    const auto global = wan_preset("global").value();
    CHECK(global.at({"us-east-1", "us-west-2"}) == 65);
    CHECK(global.at({"us-east-1", "eu-west-1"}) == 85);
    CHECK(global.at({"us-west-2", "eu-west-1"}) == 140);
    CHECK(global.at({"us-east-1", "ap-south-1"}) == 180);
    CHECK(global.at({"us-west-2", "ap-south-1"}) == 200);
    CHECK(global.at({"eu-west-1", "ap-south-1"}) == 130);
    CHECK(global.at({"ap-south-1", "ap-south-1"}) == 1);
    CHECK(global.size() == 16);

    const auto high = wan_preset("high-latency").value();
    CHECK(high.at({"us-east-1", "us-east-1"}) == 5);
    CHECK(high.at({"us-east-1", "eu-west-1"}) == 200);
    CHECK(high.at({"us-east-1", "ap-south-1"}) == 350);
    CHECK(high.at({"eu-west-1", "ap-south-1"}) == 280);
    CHECK(high.size() == 7);
  }

  TEST_CASE("both orders of a pair are listed, with the same time") {
    for (const char* name : {"local", "single-continent", "global", "high-latency"}) {
      const auto table = wan_preset(name).value();
      for (const auto& [regions, rtt] : table) {
        CHECK(table.at(pair{regions.second, regions.first}) == rtt);
      }
    }
  }

  TEST_CASE("an unknown preset is a bad configuration that names the known ones") {
    const auto unknown = wan_preset("lunar");
    REQUIRE_FALSE(unknown.ok());
    CHECK(unknown.error().code == atlas::core::errc::bad_config);
    CHECK(
        unknown.error().detail ==
        "unknown latency preset 'lunar'; known are local, single-continent, global, high-latency");
  }
}

}  // namespace
