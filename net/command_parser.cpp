// One function per command family. Arity counts tokens as the original does: words included, extra
// tokens ignored unless a command takes exactly so many.
#include "net/command_parser.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "net/key_put.hpp"
#include "net/time_terms.hpp"
#include "net/tokens.hpp"

namespace atlas::net {
namespace {

constexpr std::size_t quote_bytes_max = 8192;
constexpr std::size_t settings_bytes_max = 1024;

parsed_command warn(std::string text) {
  parsed_command out;
  out.kind = parsed_kind::warn;
  out.text = std::move(text);
  return out;
}

std::string quote(std::string_view text) {
  if (text.size() <= quote_bytes_max) return std::string(text);
  return std::string(text.substr(0, quote_bytes_max)) + "...";
}

parsed_command not_implemented(std::string_view what = {}) {
  return warn("command not implemented: " + std::string(what));
}

parsed_command wrong_arity(const token_reader& line, std::size_t expected, bool exactly = false) {
  return warn(quote(line.body()) + (exactly ? " expects exactly " : " expects ") +
              std::to_string(expected) + " arguments");
}

parsed_command request(verb what, std::string_view key = {}) {
  if (key.size() > key_bytes_max)
    return warn("key too long: " + std::to_string(key.size()) + " bytes, at most " +
                std::to_string(key_bytes_max));
  parsed_command out;
  out.kind = parsed_kind::request;
  out.what = what;
  out.key = key;
  return out;
}

/// A request of exactly `n` tokens; the last is the operand if n is 3.
parsed_command exact_request(token_reader& line, bool tagged, verb what, std::size_t n) {
  const bool extra = line.has(n + 1) || (line.blank_tail() && !tagged);
  if (!line.has(n) || extra) return wrong_arity(line, n, true);
  return request(what, n > 2 ? line.at(2) : std::string_view());
}

/// A request whose operand is token `i`. `later`: words that a future version gives a meaning
/// behind the operand; ignoring them would answer another question than the one asked.
parsed_command least_request(token_reader& line, verb what, std::size_t i,
                             std::initializer_list<std::string_view> later) {
  if (!line.has(i + 1)) return wrong_arity(line, i + 1);
  for (const auto word : later)
    if (is_word(line.at(i + 1), word)) return not_implemented(word);
  return request(what, line.at(i));
}

/// The length of a blob: decimal, leading `+` and zeros allowed; false if it is anything else.
bool read_length(std::string_view text, std::size_t& length) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc() && end == text.data() + text.size();
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

parsed_command parse_blob(token_reader& line, bool tagged, std::size_t blob_bytes_max) {
  if (is_word(line.at(2), "SET")) return parse_blob_set(line, tagged, blob_bytes_max);
  if (is_word(line.at(2), "GET")) return least_request(line, verb::blob_get, 3, {"RANGE"});
  return not_implemented();
}

parsed_command parse_put(token_reader& line) {
  const auto found = read_key_put(line);
  if (!found.complete) return wrong_arity(line, 4);
  auto out = request(verb::key_put, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  if (!found.error.empty()) return warn(found.error);
  // The value would be stored without the protection asked for: worse than an error.
  if (found.write_once) return not_implemented("WORM");
  out.value = found.value;
  return out;
}

/// `KEY GET <key>`, or `KEY GET <key> STALE [duration]` of this node's own copy.
parsed_command parse_get(token_reader& line) {
  if (!is_word(line.at(3), "STALE")) return least_request(line, verb::key_get, 2, {});
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

parsed_command parse_key(token_reader& line, bool tagged, std::size_t blob_bytes_max) {
  const auto word = line.at(1);
  if (is_word(word, "PUT") || is_word(word, "SET")) return parse_put(line);
  if (is_word(word, "GET")) return parse_get(line);
  if (is_word(word, "DEL")) return least_request(line, verb::key_del, 2, {});
  if (is_word(word, "BLOB")) return parse_blob(line, tagged, blob_bytes_max);
  return not_implemented();
}

bool is_principal_name(std::string_view name) {
  // Line and paragraph separators are white space and never inside a token.
  return !name.empty() && name.size() <= 256 && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

parsed_command parse_principal(token_reader& line) {
  if (!line.has(2)) return warn("invalid PRINCIPAL command");
  parsed_command out;
  if (is_word(line.at(1), "WHOAMI")) {
    out.kind = parsed_kind::whoami;
    return out;
  }
  if (!is_word(line.at(1), "ASSUME")) return warn("unknown PRINCIPAL action");
  if (!is_principal_name(line.at(2))) return warn("usage: PRINCIPAL ASSUME <name>");
  out.kind = parsed_kind::assume;
  out.key = line.at(2);
  return out;
}

parsed_command parse_acl(token_reader& line) {
  if (!line.has(2)) return warn("ACL command requires GRANT or REVOKE");
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
  return not_implemented("ACL " + action);
}

parsed_command parse_node(token_reader& line, bool tagged) {
  if (is_word(line.at(1), "LIST")) return exact_request(line, tagged, verb::node_list, 2);
  if (is_word(line.at(1), "INFO")) return exact_request(line, tagged, verb::node_info, 3);
  if (is_word(line.at(1), "PING")) return exact_request(line, tagged, verb::node_ping, 3);
  if (is_word(line.at(1), "REMOVE")) return exact_request(line, tagged, verb::node_remove, 3);
  return not_implemented();
}

parsed_command parse_table_move(token_reader& line, bool tagged) {
  const bool extra = line.has(6) || (line.blank_tail() && !tagged);
  if (!line.has(5) || extra) return wrong_arity(line, 5, true);
  if (!is_word(line.at(3), "TO"))
    return warn("TABLE MOVE requires format: TABLE MOVE <table> TO <node id or region>");
  auto out = request(verb::table_move, line.at(2));
  if (out.kind != parsed_kind::request) return out;
  if (line.at(4).size() > key_bytes_max) return request(verb::table_move, line.at(4));
  out.value = line.at(4);
  return out;
}

/// TABLE CREATE and ALTER: a name and settings, which the backend understands.
parsed_command parse_table_change(token_reader& line, verb what) {
  const std::size_t least = what == verb::table_alter ? 4 : 3;
  if (!line.has(least)) return wrong_arity(line, least);
  auto out = request(what, line.at(2));
  out.value = line.body().substr(line.end_of(2));
  if (out.value.size() <= settings_bytes_max) return out;
  return warn("settings too long: " + std::to_string(out.value.size()) + " bytes, at most " +
              std::to_string(settings_bytes_max));
}

/// GROUP ADD and REMOVE: the group, then the table.
parsed_command parse_member(token_reader& line, bool tagged, verb what) {
  const bool extra = line.has(5) || (line.blank_tail() && !tagged);
  if (!line.has(4) || extra) return wrong_arity(line, 4, true);
  auto out = request(what, line.at(3));
  if (out.kind != parsed_kind::request) return out;
  if (line.at(2).size() > key_bytes_max) return request(what, line.at(2));
  out.value = line.at(2);
  return out;
}

parsed_command parse_group(token_reader& line, bool tagged) {
  if (is_word(line.at(1), "CREATE")) return parse_table_change(line, verb::group_create);
  if (is_word(line.at(1), "ADD")) return parse_member(line, tagged, verb::group_add);
  if (is_word(line.at(1), "REMOVE")) return parse_member(line, tagged, verb::group_remove);
  if (is_word(line.at(1), "LIST")) return exact_request(line, tagged, verb::group_list, 2);
  if (is_word(line.at(1), "INFO")) return exact_request(line, tagged, verb::group_info, 3);
  return not_implemented();
}

parsed_command parse_table(token_reader& line, bool tagged) {
  if (is_word(line.at(1), "LIST")) return exact_request(line, tagged, verb::table_list, 2);
  if (is_word(line.at(1), "INFO")) return exact_request(line, tagged, verb::table_info, 3);
  if (is_word(line.at(1), "MOVE")) return parse_table_move(line, tagged);
  if (is_word(line.at(1), "CREATE")) return parse_table_change(line, verb::table_create);
  if (is_word(line.at(1), "ALTER")) return parse_table_change(line, verb::table_alter);
  if (is_word(line.at(1), "DROP")) return exact_request(line, tagged, verb::table_drop, 3);
  return not_implemented();
}

}  // namespace

parsed_command parse_command(std::string_view body, bool tagged, std::size_t blob_bytes_max) {
  token_reader line(body);
  // A tagged client waits for an answer, so its empty command gets one.
  if (!line.has(1)) return tagged ? not_implemented() : parsed_command{};

  const auto word = line.at(0);
  if (is_word(word, "KEY")) return parse_key(line, tagged, blob_bytes_max);
  if (is_word(word, "SCAN"))
    return least_request(line, verb::scan, 1, {"LIMIT", "AFTER", "VALUES"});
  if (is_word(word, "PRINCIPAL")) return parse_principal(line);
  if (is_word(word, "NODE")) return parse_node(line, tagged);
  if (is_word(word, "TABLE")) return parse_table(line, tagged);
  if (is_word(word, "GROUP")) return parse_group(line, tagged);
  if (is_word(word, "QUORUM")) {
    if (is_word(line.at(1), "INFO")) return exact_request(line, tagged, verb::quorum_info, 3);
    return warn("unknown QUORUM subcommand");
  }
  if (is_word(word, "ACL")) return parse_acl(line);
  for (const std::string_view known : {"COUNT", "SAMPLE"})
    if (is_word(word, known)) return warn(std::string(known) + " not implemented");
  for (const std::string_view planned : {"TXN", "WATCH", "UNWATCH", "HELP", "INFO"})
    if (is_word(word, planned)) return not_implemented(planned);
  return warn("command expected, got " + upper(quote(word)));
}

std::string_view handshake_error(std::string_view line) {
  const auto split = peel_tag(line);
  token_reader hello(split.body);
  const bool extra = hello.has(4) || (hello.blank_tail() && !split.tagged);
  if (!hello.has(3) || extra || !is_word(hello.at(0), "HELLO")) return "invalid handshake";
  return hello.at(1) == "1.0" ? std::string_view() : "invalid protocol version";
}

bool is_key_operation(verb what) {
  switch (what) {
    case verb::key_put:
    case verb::key_get:
    case verb::key_get_stale:
    case verb::key_del:
    case verb::blob_set:
    case verb::blob_get:
    case verb::blob_stat:
    case verb::key_cas:
    case verb::key_incr:
    case verb::key_expire:
    case verb::key_persist:
    case verb::key_ttl:
    case verb::key_meta:
    case verb::key_worm:
    case verb::acl_grant:
    case verb::acl_revoke:
    case verb::acl_list:
      return true;
    case verb::scan:
    case verb::node_list:
    case verb::node_info:
    case verb::node_ping:
    case verb::table_list:
    case verb::table_info:
    case verb::quorum_info:
    case verb::table_move:
    case verb::table_create:
    case verb::table_alter:
    case verb::table_drop:
    case verb::node_remove:
    case verb::group_create:
    case verb::group_add:
    case verb::group_remove:
    case verb::group_list:
    case verb::group_info:
    case verb::key_mget:
    case verb::txn_commit:
    case verb::count:
    case verb::sample:
    case verb::info:
      return false;
  }
  return false;
}

bool makes_table(verb what) {
  switch (what) {
    case verb::key_put:
    case verb::blob_set:
    case verb::key_del:
    case verb::key_cas:
    case verb::key_incr:
    case verb::acl_grant:
    case verb::txn_commit:
      return true;
    default:
      return false;
  }
}

bool asks_for_data(verb what) {
  return is_key_operation(what) || what == verb::scan || what == verb::count ||
         what == verb::sample || what == verb::key_mget || what == verb::txn_commit;
}

bool has_rule(const client_request& r) {
  switch (r.what) {
    case verb::key_put:
    case verb::blob_get:
      return !r.terms.empty();
    case verb::key_get:
    case verb::key_del:
    case verb::blob_set:
      return false;
    default:
      return true;
  }
}

}  // namespace atlas::net
