// KEY: everything about single keys, and MGET.
#include <limits>
#include <utility>

#include "net/command_parts.hpp"
#include "net/key_put.hpp"
#include "net/time_terms.hpp"

namespace atlas::net {
namespace {

constexpr std::size_t many_keys_max = 256;

/// The length of a blob: decimal, leading `+` and zeros allowed; false if it is anything else.
bool read_length(std::string_view text, std::size_t& length) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto n = number_in(text);
  if (n) length = *n;
  return n.has_value();
}

parsed_command parse_blob_set(token_reader& line, bool tagged, std::size_t blob_bytes_max) {
  // Without a tag, two trailing blanks count as a token, and so become the length.
  const bool blank_length = line.has(4) && !line.has(5) && line.blank_tail() && !tagged;
  if (!line.has(5) && !blank_length) return wrong_arity(line, 5);
  std::size_t length = 0;
  if (!read_length(line.at(4), length) || length > blob_bytes_max) {
    parsed_command out;
    out.kind = parsed_kind::fatal;
    out.text = "invalid length " + quote(line.at(4)) + ": 0 to " + std::to_string(blob_bytes_max) +
               " bytes expected";
    return out;
  }
  // A refused key still has its payload behind it, which must not be read as commands.
  auto out = request(verb::blob_set, line.at(3));
  out.kind = parsed_kind::upload;
  out.length = length;
  return out;
}

/// `KEY BLOB GET <key>`, or with `RANGE <from> <length>`.
parsed_command parse_blob_get(token_reader& line) {
  auto out = least_request(line, verb::blob_get, 4);
  if (out.kind != parsed_kind::request || !is_word(line.at(4), "RANGE")) return out;
  if (!line.has(7)) return wrong_arity(line, 7);
  for (const std::size_t i : {5, 6})
    if (!number_in(line.at(i)))
      return warn("invalid range " + quote(line.at(i)) + ": a number of bytes expected");
  out.terms = std::string(line.at(5)) + " " + std::string(line.at(6));
  return out;
}

parsed_command parse_blob(token_reader& line, bool tagged, std::size_t blob_bytes_max) {
  const auto word = line.at(2);
  if (is_word(word, "SET")) return parse_blob_set(line, tagged, blob_bytes_max);
  if (is_word(word, "GET")) return parse_blob_get(line);
  if (is_word(word, "STAT")) return least_request(line, verb::blob_stat, 4);
  return not_implemented();
}

parsed_command parse_put(token_reader& line) {
  auto found = read_key_put(line);
  if (!found.complete) return wrong_arity(line, 4);
  auto out = request(verb::key_put, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  if (!found.error.empty()) return warn(std::move(found.error));
  out.terms = std::move(found.period);
  out.value = found.value;
  return out;
}

/// `KEY GET <key>`, or `KEY GET <key> STALE [duration]` of this node's own copy.
parsed_command parse_get(token_reader& line) {
  if (!is_word(line.at(3), "STALE")) return least_request(line, verb::key_get, 3);
  auto out = request(verb::key_get_stale, line.at(2));
  if (out.kind != parsed_kind::request || !line.has(5)) return out;
  std::int64_t ns = 0;
  auto error = read_duration(quote(line.at(4)), ns);
  if (error.empty() && ns < 0)
    error = "negative age " + quote(line.at(4)) + ": 0s or more expected";
  if (!error.empty()) return warn(std::move(error));
  out.value = std::to_string(ns / 1'000'000);
  return out;
}

/// `KEY CAS <key> <version>|ABSENT <value>`: the value begins one byte behind the version.
parsed_command parse_cas(token_reader& line) {
  const auto text = line.body();
  if (!line.has(4) || line.end_of(3) + 1 > text.size()) return wrong_arity(line, 5);
  const auto value = text.substr(line.end_of(3) + 1);
  const bool blank = !line.has(5) && value.empty();
  if (blank) return wrong_arity(line, 5);
  auto out = request(verb::key_cas, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  const auto version = line.at(3);
  const bool absent = is_word(version, "ABSENT");
  const auto number = absent ? std::optional<std::uint64_t>() : number_in(version);
  if (!absent && (!number || *number == 0))
    return warn("invalid version " + quote(version) + ": a number from 1, or ABSENT, expected");
  out.terms = absent ? "absent" : std::to_string(*number);
  out.value = value;
  return out;
}

parsed_command parse_incr(token_reader& line) {
  auto out = least_request(line, verb::key_incr, 3);
  if (out.kind != parsed_kind::request) return out;
  const auto by = line.has(4) ? signed_in(line.at(3)) : 1;
  if (!by)
    return warn("invalid number " + quote(line.at(3)) +
                ": a whole number from -9223372036854775808 to 9223372036854775807 expected");
  out.value = std::to_string(*by);
  return out;
}

parsed_command parse_mget(token_reader& line) {
  auto out = least_request(line, verb::key_mget, 3);
  if (out.kind != parsed_kind::request) return out;
  out.terms = out.key;
  std::size_t count = 1;
  const auto text = line.body();
  std::size_t at = line.end_of(2);
  for (auto key = next_token(text, at); !key.empty(); key = next_token(text, at)) {
    if (key.size() > key_bytes_max) return request(verb::key_mget, key);
    if (++count > many_keys_max)
      return warn("too many keys: at most " + std::to_string(many_keys_max) + " at once");
    out.terms.append(1, ' ').append(key);
  }
  return out;
}

parsed_command parse_expire(token_reader& line) {
  auto out = least_request(line, verb::key_expire, 3);
  if (out.kind != parsed_kind::request) return out;
  if (!line.has(4)) return wrong_arity(line, 4);
  std::string error;
  const auto us = some_time(line.at(3), error);
  if (!us) return warn(std::move(error));
  out.value = std::to_string(*us);
  return out;
}

/// `KEY WORM <key> TTL <duration>|EXPIRES <timestamp>`.
parsed_command parse_worm(token_reader& line) {
  if (!line.has(5)) return wrong_arity(line, 5);
  if (!is_word(line.at(3), "TTL") && !is_word(line.at(3), "EXPIRES"))
    return warn("KEY WORM requires format: KEY WORM <key> TTL <duration> or EXPIRES <timestamp>");
  auto out = request(verb::key_worm, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  std::string error;
  out.value = period_text(line.at(3), line.at(4), error);
  return error.empty() ? out : warn(std::move(error));
}

}  // namespace

parsed_command parse_key(token_reader& line, bool tagged, std::size_t blob_bytes_max) {
  const auto word = line.at(1);
  if (is_word(word, "PUT") || is_word(word, "SET")) return parse_put(line);
  if (is_word(word, "GET")) return parse_get(line);
  if (is_word(word, "DEL")) return least_request(line, verb::key_del, 3);
  if (is_word(word, "BLOB")) return parse_blob(line, tagged, blob_bytes_max);
  if (is_word(word, "CAS")) return parse_cas(line);
  if (is_word(word, "INCR")) return parse_incr(line);
  if (is_word(word, "MGET")) return parse_mget(line);
  if (is_word(word, "EXPIRE")) return parse_expire(line);
  if (is_word(word, "PERSIST")) return least_request(line, verb::key_persist, 3);
  if (is_word(word, "TTL")) return least_request(line, verb::key_ttl, 3);
  if (is_word(word, "META")) return least_request(line, verb::key_meta, 3);
  if (is_word(word, "WORM")) return parse_worm(line);
  return not_implemented();
}

}  // namespace atlas::net
