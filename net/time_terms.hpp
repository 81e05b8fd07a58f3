// The two ways to say how long something lasts: a duration and a point in time, in the notations
// the original took from its language's library, with the error texts its clients have seen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace atlas::net {

/// Reads a duration such as `300ms`, `1h30m`, `-5s` (units ns, us, ms, s, m, h) into nanoseconds.
/// Returns what is wrong with it, empty if nothing is; it must fit 63 bits.
[[nodiscard]] std::string read_duration(std::string_view text, std::int64_t& ns);

/// Reads an RFC 3339 timestamp such as `2030-01-02T03:04:05Z` into microseconds since the epoch;
/// finer fractions are cut. Returns what is wrong with it, empty if nothing is.
[[nodiscard]] std::string read_timestamp(std::string_view text, std::int64_t& us);

}  // namespace atlas::net
