// The presets as data; each pair is written once and mirrored.
#include "net/wan_presets.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace atlas::net {

namespace {

struct link {
  std::string_view one;
  std::string_view other;
  double rtt_ms;
};

struct preset {
  std::string_view name;
  std::span<const link> links;
};

constexpr std::string_view us_east_1 = "us-east-1";
constexpr std::string_view us_east_2 = "us-east-2";
constexpr std::string_view us_west_2 = "us-west-2";
constexpr std::string_view eu_west_1 = "eu-west-1";
constexpr std::string_view ap_south_1 = "ap-south-1";

constexpr std::array local_links{
    link{us_east_1, us_east_1, 1},
    link{us_west_2, us_west_2, 1},
    link{eu_west_1, eu_west_1, 1},
    link{us_east_1, us_east_2, 2},
};

constexpr std::array single_continent_links{
    link{us_east_1, us_east_1, 1},
    link{us_west_2, us_west_2, 1},
    link{us_east_1, us_west_2, 65},
};

constexpr std::array global_links{
    link{us_east_1, us_east_1, 1},    link{us_west_2, us_west_2, 1},
    link{eu_west_1, eu_west_1, 1},    link{ap_south_1, ap_south_1, 1},
    link{us_east_1, us_west_2, 65},   link{us_east_1, eu_west_1, 85},
    link{us_west_2, eu_west_1, 140},  link{us_east_1, ap_south_1, 180},
    link{us_west_2, ap_south_1, 200}, link{eu_west_1, ap_south_1, 130},
};

constexpr std::array high_latency_links{
    link{us_east_1, us_east_1, 5},
    link{us_east_1, eu_west_1, 200},
    link{us_east_1, ap_south_1, 350},
    link{eu_west_1, ap_south_1, 280},
};

constexpr std::array presets{
    preset{"local", local_links},
    preset{"single-continent", single_continent_links},
    preset{"global", global_links},
    preset{"high-latency", high_latency_links},
};

}  // namespace

core::result<rtt_table> wan_preset(std::string_view name) {
  const auto found =
      std::find_if(presets.begin(), presets.end(), [&](const preset& p) { return p.name == name; });
  if (found == presets.end()) {
    std::string known;
    for (const preset& p : presets) known += (known.empty() ? "" : ", ") + std::string{p.name};
    return core::failure{core::errc::bad_config,
                         "unknown latency preset '" + std::string{name} + "'; known are " + known};
  }
  rtt_table table;
  for (const link& at : found->links) {
    table[{std::string{at.one}, std::string{at.other}}] = at.rtt_ms;
    table[{std::string{at.other}, std::string{at.one}}] = at.rtt_ms;
  }
  return table;
}

}  // namespace atlas::net
