// SCAN, COUNT, SAMPLE, WATCH and ACL.
#include <limits>
#include <utility>

#include "net/command_parts.hpp"

namespace atlas::net {
namespace {

constexpr std::uint64_t sample_max = 10'000;

parsed_command twice(std::string_view word) {
  return warn("SCAN names " + std::string(word) + " twice");
}

}  // namespace

/// `SCAN <prefix> [LIMIT n] [AFTER key] [VALUES]`; words it does not know are ignored, as ever.
parsed_command parse_scan(token_reader& line) {
  auto out = least_request(line, verb::scan, 2);
  if (out.kind != parsed_kind::request) return out;
  std::optional<std::uint64_t> limit;
  std::optional<std::string> after;
  bool values = false;
  const auto text = line.body();
  std::size_t at = line.end_of(1);
  for (auto word = next_token(text, at); !word.empty(); word = next_token(text, at)) {
    if (is_word(word, "VALUES")) {
      if (values) return twice("VALUES");
      values = true;
      continue;
    }
    const bool is_limit = is_word(word, "LIMIT");
    if (!is_limit && !is_word(word, "AFTER")) continue;
    if (is_limit ? limit.has_value() : after.has_value())
      return twice(is_limit ? "LIMIT" : "AFTER");
    const auto operand = next_token(text, at);
    if (operand.empty()) return warn("SCAN " + upper(word) + " needs an operand behind it");
    if (is_limit) {
      limit = number_in(operand);
      if (!limit || *limit == 0)
        return warn("invalid limit " + quote(operand) + ": a number from 1 expected");
    } else {
      auto checked = request(verb::scan, operand);
      if (checked.kind != parsed_kind::request) return checked;
      after = std::move(checked.key);
    }
  }
  if (limit || after || values)
    out.terms = std::to_string(limit.value_or(0)) + (values ? " 1 " : " 0 ") +
                after.value_or(std::string());
  return out;
}

parsed_command parse_count(token_reader& line) {
  return least_request(line, verb::count, 2);
}

/// `SAMPLE <prefix> N <n>`.
parsed_command parse_sample(token_reader& line) {
  if (!line.has(4)) return wrong_arity(line, 4);
  if (!is_word(line.at(2), "N")) return warn("SAMPLE requires format: SAMPLE <prefix> N <n>");
  auto out = request(verb::sample, line.at(1));
  if (out.kind != parsed_kind::request) return out;
  const auto n = number_in(line.at(3));
  if (!n || *n == 0 || *n > sample_max)
    return warn("invalid size " + quote(line.at(3)) + ": a number from 1 to " +
                std::to_string(sample_max) + " expected");
  out.value = std::to_string(*n);
  return out;
}

/// `WATCH <prefix> [FROM <position>] [VALUES]`; only under a request id, by which it is ended.
parsed_command parse_watch(token_reader& line, bool tagged) {
  auto out = least_request(line, verb::watch, 2);
  if (out.kind != parsed_kind::request) return out;
  if (!tagged) return warn("WATCH needs a request id: [ID:<id>] WATCH <prefix>");
  std::string from = "-";
  bool values = false;
  const auto text = line.body();
  std::size_t at = line.end_of(1);
  for (auto word = next_token(text, at); !word.empty(); word = next_token(text, at)) {
    if (is_word(word, "VALUES")) {
      values = true;
      continue;
    }
    if (!is_word(word, "FROM"))
      return warn("WATCH does not know " + quote(word) +
                  ": WATCH <prefix> [FROM <position>] [VALUES]");
    const auto operand = next_token(text, at);
    const auto position = number_in(operand);
    // One less than what a number can hold: the next one is looked for.
    if (!position || *position == std::numeric_limits<std::uint64_t>::max())
      return warn("invalid position " + quote(operand) + ": a whole number expected");
    from = std::to_string(*position);
  }
  out.terms = from + (values ? " 1" : " 0");
  return out;
}

/// `UNWATCH <id>`.
parsed_command parse_unwatch(token_reader& line) {
  if (!line.has(2)) return wrong_arity(line, 2);
  parsed_command out;
  out.kind = parsed_kind::unwatch;
  out.key = quote(line.at(1));
  return out;
}

parsed_command parse_acl(token_reader& line, bool tagged) {
  if (!line.has(2)) return warn("ACL command requires GRANT or REVOKE");
  if (is_word(line.at(1), "LIST")) return exact_request(line, tagged, verb::acl_list, 3);
  const auto action = upper(quote(line.at(1)));
  if (action != "GRANT" && action != "REVOKE")
    return warn("ACL command expected GRANT or REVOKE, got " + action);
  if (!line.has(6)) return wrong_arity(line, 6);
  if (!is_word(line.at(4), "PERMS"))
    return warn("ACL " + action + " requires format: ACL " + action +
                " <table> <name> PERMS <permissions>");
  const auto permission = line.at(5);
  if (permission != "READ" && permission != "WRITE" && permission != "OWNER")
    return warn("unknown permissions: " + quote(permission));
  auto out = request(action == "GRANT" ? verb::acl_grant : verb::acl_revoke, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  if (!is_principal_name(line.at(3)))
    return warn("invalid principal " + quote(line.at(3)) + ": 1 to 256 bytes expected");
  out.value = line.at(3);
  out.terms = permission;
  return out;
}

}  // namespace atlas::net
