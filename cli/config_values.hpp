// The small grammars of the configuration file: durations, sizes, addresses, switches, modes. Each
// function takes the whole text and answers with nothing when it does not fit; what to tell the
// operator is the caller's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cli/config.hpp"

namespace atlas::cli {

/// Decimal digits only.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// `85`, `0.5`: a decimal number that is not negative.
std::optional<double> parse_decimal(std::string_view text);

/// `500ms`, `10s`, `2m`, `1h` as milliseconds. A unit is required.
std::optional<std::uint64_t> parse_duration_ms(std::string_view text);

/// `512MB`, `512M`, `1GB`, `2048` as bytes. Units are powers of 1024, in either case.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// `host:port`, `1.2.3.4:80` or `[::1]:80`; the port is 1-65535 and required.
std::optional<endpoint> parse_endpoint(std::string_view text);

/// true/on/yes and false/off/no, in any case.
std::optional<bool> parse_switch(std::string_view text);

/// Three octal digits with an optional leading zero: `0660`.
std::optional<unsigned> parse_mode(std::string_view text);

/// `name` can be shown in `region=name` lines and used in `--set a.b`: 1-64 of A-Z a-z 0-9 _ -.
bool is_region_name(std::string_view name);

}  // namespace atlas::cli
