// Named round-trip times between regions, for emulated WAN clusters. Numbers only; the delay_line
// makes them felt.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"

namespace atlas::net {

/// Round-trip milliseconds between two regions; both orders of a pair are present.
using rtt_table = std::map<std::pair<std::string, std::string>, double>;

/// The table of a preset: local, single-continent, global or high-latency. Pairs that are not
/// listed are the caller's to choose (by custom 1 ms within a region, 50 ms between two). Error:
/// bad_config for any other name.
core::result<rtt_table> wan_preset(std::string_view name);

}  // namespace atlas::net
