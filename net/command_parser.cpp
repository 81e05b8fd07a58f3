// One function per command family. Arity counts tokens as the original does: words included, extra
// tokens ignored unless a command takes exactly so many.
#include "net/command_parser.hpp"

#include <algorithm>
#include <utility>

#include "net/command_parts.hpp"
#include "net/help_text.hpp"
#include "net/tokens.hpp"

namespace atlas::net {
namespace {

constexpr std::size_t settings_bytes_max = 1024;

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

parsed_command parse_help(token_reader& line) {
  auto topic = line.has(2) ? line.body().substr(line.end_of(0)) : std::string_view();
  while (const auto blank = space_at(topic, 0)) topic.remove_prefix(blank);
  auto text = help_text(topic);
  if (text.empty()) return warn("no help for " + quote(topic));
  parsed_command out;
  out.kind = parsed_kind::text;
  out.text = std::move(text);
  return out;
}

/// The session keeps the transaction; here it is only told what is asked of it.
parsed_command parse_txn(token_reader& line, bool tagged) {
  if (tagged) return warn("TXN commands can not be tagged");
  parsed_command out;
  if (is_word(line.at(1), "BEGIN"))
    out.kind = parsed_kind::txn_begin;
  else if (is_word(line.at(1), "COMMIT"))
    out.kind = parsed_kind::txn_commit;
  else if (is_word(line.at(1), "ABORT"))
    out.kind = parsed_kind::txn_abort;
  else
    return warn("TXN command requires BEGIN, COMMIT or ABORT");
  return out;
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

bool is_principal_name(std::string_view name) {
  // Line and paragraph separators are white space and never inside a token.
  return !name.empty() && name.size() <= 256 && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

parsed_command parse_command(std::string_view body, bool tagged, std::size_t blob_bytes_max) {
  token_reader line(body);
  // A tagged client waits for an answer, so its empty command gets one.
  if (!line.has(1)) return tagged ? not_implemented() : parsed_command{};

  const auto word = line.at(0);
  if (is_word(word, "KEY")) return parse_key(line, tagged, blob_bytes_max);
  if (is_word(word, "SCAN")) return parse_scan(line);
  if (is_word(word, "PRINCIPAL")) return parse_principal(line);
  if (is_word(word, "NODE")) return parse_node(line, tagged);
  if (is_word(word, "TABLE")) return parse_table(line, tagged);
  if (is_word(word, "GROUP")) return parse_group(line, tagged);
  if (is_word(word, "QUORUM")) {
    if (is_word(line.at(1), "INFO")) return exact_request(line, tagged, verb::quorum_info, 3);
    return warn("unknown QUORUM subcommand");
  }
  if (is_word(word, "ACL")) return parse_acl(line, tagged);
  if (is_word(word, "COUNT")) return parse_count(line);
  if (is_word(word, "SAMPLE")) return parse_sample(line);
  if (is_word(word, "INFO")) return request(verb::info);
  if (is_word(word, "HELP")) return parse_help(line);
  if (is_word(word, "TXN")) return parse_txn(line, tagged);
  if (is_word(word, "WATCH")) return parse_watch(line, tagged);
  if (is_word(word, "UNWATCH")) return parse_unwatch(line);
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
    case verb::blob_part:
    case verb::blob_commit:
    case verb::blob_chunk:
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
    case verb::watch:
    case verb::info:
      return false;
  }
  return false;
}

bool makes_table(verb what) {
  switch (what) {
    case verb::key_put:
    case verb::blob_set:
    case verb::blob_part:
    case verb::blob_commit:
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
         what == verb::sample || what == verb::key_mget || what == verb::txn_commit ||
         what == verb::watch;
}

bool has_rule(const client_request& r) {
  switch (r.what) {
    case verb::key_put:
      return !r.terms.empty();
    case verb::key_get:
    case verb::key_del:
    case verb::blob_set:
      return false;
    default:
      return true;
  }
}

std::string command_words(verb what) {
  switch (what) {
    case verb::key_put:
      return "KEY PUT";
    case verb::key_del:
      return "KEY DEL";
    case verb::blob_set:
    case verb::blob_part:
    case verb::blob_commit:
      return "KEY BLOB SET";
    case verb::key_cas:
      return "KEY CAS";
    case verb::key_incr:
      return "KEY INCR";
    case verb::key_expire:
      return "KEY EXPIRE";
    case verb::key_persist:
      return "KEY PERSIST";
    case verb::key_worm:
      return "KEY WORM";
    case verb::acl_grant:
      return "ACL GRANT";
    case verb::acl_revoke:
      return "ACL REVOKE";
    case verb::txn_commit:
      return "TXN COMMIT";
    default:
      return {};
  }
}

}  // namespace atlas::net
