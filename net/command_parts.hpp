// What the parsers of the command families share: errors that clients match on, and requests whose
// operands are counted as the original counts them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "net/command_parser.hpp"
#include "net/tokens.hpp"

namespace atlas::net {

[[nodiscard]] parsed_command warn(std::string text);
/// `text`, cut after 8 KiB.
[[nodiscard]] std::string quote(std::string_view text);
[[nodiscard]] parsed_command not_implemented(std::string_view what = {});
[[nodiscard]] parsed_command wrong_arity(const token_reader& line, std::size_t expected,
                                         bool exactly = false);
/// A request, or a warning if the key is too long.
[[nodiscard]] parsed_command request(verb what, std::string_view key = {});
/// A request of exactly `n` tokens; the last is the operand if n is 3.
[[nodiscard]] parsed_command exact_request(token_reader& line, bool tagged, verb what,
                                           std::size_t n);
/// A request of at least `n` tokens; token `n - 1` is the operand.
[[nodiscard]] parsed_command least_request(token_reader& line, verb what, std::size_t n);

/// A whole decimal number without sign; empty if `text` is anything else.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view text);
/// The same with a sign, 64 bits; one `+` in front is allowed.
[[nodiscard]] std::optional<std::int64_t> signed_in(std::string_view text);
/// Microseconds of a duration; on failure `error` says what is wrong. More than nothing.
[[nodiscard]] std::optional<std::uint64_t> some_time(std::string_view text, std::string& error);
/// `TTL <duration>` or `EXPIRES <timestamp>` as the <period> of net/gateway.hpp; empty and `error`
/// if it is none.
[[nodiscard]] std::string period_text(std::string_view how, std::string_view operand,
                                      std::string& error);

// One function per command family; each gets the whole line.
[[nodiscard]] parsed_command parse_key(token_reader& line, bool tagged, std::size_t blob_bytes_max);
[[nodiscard]] parsed_command parse_acl(token_reader& line, bool tagged);
[[nodiscard]] parsed_command parse_scan(token_reader& line);
[[nodiscard]] parsed_command parse_count(token_reader& line);
[[nodiscard]] parsed_command parse_sample(token_reader& line);
[[nodiscard]] parsed_command parse_watch(token_reader& line, bool tagged);
[[nodiscard]] parsed_command parse_unwatch(token_reader& line);

}  // namespace atlas::net
