// The two ways to say how long a value is write-once: a duration and a point in time, in the
// notations the original took from its language's library, with the error texts its clients have
// seen.
#pragma once

#include <string>
#include <string_view>

namespace atlas::net {

/// Says what is wrong with a duration such as `300ms`, `1h30m`, `-5s` (units ns, us, ms, s, m, h);
/// empty if it is one that fits 63 bits of nanoseconds.
[[nodiscard]] std::string duration_error(std::string_view text);

/// Says what is wrong with an RFC 3339 timestamp such as `2030-01-02T03:04:05Z`; empty if nothing
/// is.
[[nodiscard]] std::string timestamp_error(std::string_view text);

}  // namespace atlas::net
