// Modifiers are looked for word by word from the front; the first thing that is no modifier ends
// the search, so the cost does not depend on the length of the value.
#include "net/key_put.hpp"

#include <algorithm>
#include <optional>

#include "net/command_parts.hpp"

namespace atlas::net {
namespace {

// A duration or timestamp longer than this is wrong whatever it says; it also bounds what is
// quoted.
constexpr std::size_t operand_bytes_max = 256;

struct word_end {
  std::string_view word;
  std::size_t end = 0;  // offset behind it
};

/// The token at or behind `at`; empty if only blanks are left, or if it is longer than `bytes_max`.
word_end word_from(std::string_view line, std::size_t at, std::size_t bytes_max) {
  while (const auto blank = space_at(line, at)) at += blank;
  std::size_t end = at;
  while (end < line.size() && space_at(line, end) == 0) {
    if (end - at == bytes_max) return {};
    ++end;
  }
  return {line.substr(at, end - at), end};
}

enum class modifier_kind { principal, ttl, expires };

struct modifier {
  modifier_kind kind = modifier_kind::principal;
  word_end operand;
};

std::optional<modifier> modifier_from(std::string_view line, std::size_t at) {
  const auto first = word_from(line, at, 9);  // the longest word is PRINCIPAL
  if (is_word(first.word, "PRINCIPAL")) {
    const auto name = word_from(line, first.end, line.size());
    if (name.word.empty()) return std::nullopt;
    return modifier{modifier_kind::principal, name};
  }
  if (!is_word(first.word, "WORM")) return std::nullopt;
  const auto how = word_from(line, first.end, 7);  // EXPIRES
  const bool ttl = is_word(how.word, "TTL");
  if (!ttl && !is_word(how.word, "EXPIRES")) return std::nullopt;
  const auto operand = word_from(line, how.end, line.size());
  if (operand.word.empty()) return std::nullopt;
  return modifier{ttl ? modifier_kind::ttl : modifier_kind::expires, operand};
}

}  // namespace

key_put_tail read_key_put(token_reader& line) {
  key_put_tail out;
  if (!line.has(3)) return out;
  const auto text = line.body();
  std::size_t at = line.end_of(2);
  // Two blanks behind the key are a value of one blank; fewer are no value at all.
  std::size_t first = at;
  while (const auto blank = space_at(text, first)) first += blank;
  out.complete = first < text.size() || line.blank_tail();
  if (!out.complete) return out;

  while (const auto found = modifier_from(text, at)) {
    at = found->operand.end;
    if (found->kind == modifier_kind::principal) continue;
    const auto operand = found->operand.word.substr(0, operand_bytes_max);
    if (!out.error.empty()) continue;
    const bool ttl = found->kind == modifier_kind::ttl;
    out.period = period_text(ttl ? "TTL" : "EXPIRES", operand, out.error);
  }
  out.value = text.substr(std::min(at + 1, text.size()));
  return out;
}

}  // namespace atlas::net
