#include "net/command_line.hpp"

#include <array>
#include <charconv>

namespace atlas::net {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\n';
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool is_word(std::string_view token, std::string_view word) {
  if (token.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (upper(token[i]) != word[i]) return false;
  return true;
}

std::string uppered(std::string_view token) {
  std::string out(token);
  for (auto& c : out) c = upper(c);
  return out;
}

/// The first tokens of a line and how many there are in all; most commands have at most six.
struct tokens {
  static constexpr std::size_t kept = 8;
  std::array<std::string_view, kept> list;
  std::size_t count = 0;

  explicit tokens(std::string_view line, std::size_t count_max) {
    std::size_t i = 0;
    while (count < count_max) {
      while (i < line.size() && is_blank(line[i])) ++i;
      if (i == line.size()) return;
      const std::size_t begin = i;
      while (i < line.size() && !is_blank(line[i])) ++i;
      if (count < kept) list[count] = line.substr(begin, i - begin);
      ++count;
    }
  }
  std::string_view operator[](std::size_t i) const { return list[i]; }
};

/// Walks over a line token by token and knows what is left behind the last one.
class cursor {
 public:
  explicit cursor(std::string_view line) : rest_(line) {}

  std::string_view next() {
    std::size_t i = 0;
    while (i < rest_.size() && is_blank(rest_[i])) ++i;
    std::size_t end = i;
    while (end < rest_.size() && !is_blank(rest_[end])) ++end;
    const auto token = rest_.substr(i, end - i);
    rest_.remove_prefix(end);
    return token;
  }
  /// What follows the last token and exactly one separator.
  [[nodiscard]] std::string_view value() const { return rest_.empty() ? rest_ : rest_.substr(1); }

 private:
  std::string_view rest_;
};

using kind = command_line::kind;

command_line warn(std::string text) {
  command_line c;
  c.what = kind::warn;
  c.error = std::move(text);
  return c;
}

command_line arity(std::string_view line, unsigned count, bool exactly = false) {
  return warn(std::string(line.substr(0, 256)) + " expects " + (exactly ? "exactly " : "") +
              std::to_string(count) + " arguments");
}

command_line not_implemented() { return warn("command not implemented:"); }

command_line request(verb action, std::string_view key = {}, std::string_view value = {}) {
  command_line c;
  c.what = kind::request;
  c.action = action;
  c.key = key;
  c.value = value;
  return c;
}

command_line parse_put(std::string_view line, std::string_view key) {
  cursor at(line);
  for (int i = 0; i < 3; ++i) at.next();
  // Modifiers in front of the value; the first token that is no complete modifier begins it.
  for (;;) {
    cursor ahead = at;
    const auto word = ahead.next();
    if (is_word(word, "PRINCIPAL")) {
      if (ahead.next().empty()) break;
      at = ahead;  // the original only logs it: PRINCIPAL ASSUME decides who acts
      continue;
    }
    if (is_word(word, "WORM")) {
      const auto how = ahead.next();
      if ((is_word(how, "TTL") || is_word(how, "EXPIRES")) && !ahead.next().empty())
        return warn("command not implemented: WORM");  // never store what looks protected
    }
    break;
  }
  if (at.value().empty()) return arity(line, 4);
  return request(verb::key_put, key, at.value());
}

command_line parse_blob(std::string_view line, const tokens& t, const line_limits& limits) {
  if (t.count < 3) return not_implemented();
  if (is_word(t[2], "GET")) return t.count < 4 ? arity(line, 4) : request(verb::blob_get, t[3]);
  if (!is_word(t[2], "SET")) return not_implemented();
  if (t.count < 5) return arity(line, 5);
  auto digits = t[4];
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::uint64_t length = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, length);
  command_line c;
  if (digits.empty() || parsed.ec != std::errc{} || parsed.ptr != end ||
      length > limits.blob_bytes_max) {
    // The bytes that follow can not be told from commands any more.
    c.what = kind::fatal;
    c.error = "invalid length " + std::string(t[4].substr(0, 64)) + ": 0 to " +
              std::to_string(limits.blob_bytes_max) + " bytes";
    return c;
  }
  c.what = kind::blob_upload;
  c.action = verb::blob_set;
  c.key = t[3];
  c.blob_bytes = length;
  return c;
}

command_line parse_key(std::string_view line, const tokens& t, const line_limits& limits) {
  if (t.count < 2) return not_implemented();
  command_line c;
  if (is_word(t[1], "PUT") || is_word(t[1], "SET")) {
    if (t.count < 3) return arity(line, 4);
    c = parse_put(line, t[2]);
  } else if (is_word(t[1], "GET")) {
    c = t.count < 3 ? arity(line, 3) : request(verb::key_get, t[2]);
  } else if (is_word(t[1], "DEL")) {
    c = t.count < 3 ? arity(line, 3) : request(verb::key_del, t[2]);
  } else if (is_word(t[1], "BLOB")) {
    c = parse_blob(line, t, limits);
  } else {
    return not_implemented();
  }
  const bool has_key = c.what == kind::request || c.what == kind::blob_upload;
  if (has_key && c.key.size() > limits.key_bytes_max) {
    const bool upload = c.what == kind::blob_upload;
    c.error = "key too long: " + std::to_string(c.key.size()) + " bytes, at most " +
              std::to_string(limits.key_bytes_max);
    c.what = upload ? kind::fatal : kind::warn;
  }
  return c;
}

command_line parse_node(std::string_view line, const tokens& t) {
  if (t.count < 2) return not_implemented();
  if (is_word(t[1], "LIST"))
    return t.count == 2 ? request(verb::node_list) : arity(line, 2, true);
  const bool info = is_word(t[1], "INFO");
  if (!info && !is_word(t[1], "PING")) return not_implemented();
  if (t.count != 3) return arity(line, 3, true);
  return request(info ? verb::node_info : verb::node_ping, t[2]);
}

command_line parse_table(std::string_view line, const tokens& t) {
  if (t.count < 2) return not_implemented();
  if (is_word(t[1], "LIST"))
    return t.count == 2 ? request(verb::table_list) : arity(line, 2, true);
  if (!is_word(t[1], "INFO")) return not_implemented();
  return t.count == 3 ? request(verb::table_info, t[2]) : arity(line, 3, true);
}

command_line parse_principal(const tokens& t) {
  if (t.count < 2) return warn("invalid PRINCIPAL command");
  command_line c;
  if (is_word(t[1], "WHOAMI")) {
    c.what = kind::principal_whoami;
    return c;
  }
  if (!is_word(t[1], "ASSUME")) return warn("unknown PRINCIPAL action");
  const auto name = t.count < 3 ? std::string_view() : t[2];
  if (name.empty() || name.size() > 256 || sanitised(name) != name)
    return warn("usage: PRINCIPAL ASSUME <name>");
  c.what = kind::principal_assume;
  c.key = name;
  return c;
}

command_line parse_acl(const tokens& t) {
  if (t.count < 2) return warn("ACL command requires GRANT or REVOKE");
  if (!is_word(t[1], "GRANT") && !is_word(t[1], "REVOKE"))
    return warn("ACL command expected GRANT or REVOKE, got " + uppered(t[1]));
  return not_implemented();
}

command_line parse_untagged(std::string_view line, const line_limits& limits) {
  const tokens t(line, 6);
  if (t.count == 0) return {};
  const auto word = t[0];
  if (is_word(word, "KEY")) return parse_key(line, t, limits);
  if (is_word(word, "SCAN")) return t.count < 2 ? arity(line, 2) : request(verb::scan, t[1]);
  if (is_word(word, "PRINCIPAL")) return parse_principal(t);
  if (is_word(word, "NODE")) return parse_node(line, t);
  if (is_word(word, "TABLE")) return parse_table(line, t);
  if (is_word(word, "QUORUM")) {
    if (t.count < 2 || !is_word(t[1], "INFO")) return warn("unknown QUORUM subcommand");
    return t.count == 3 ? request(verb::quorum_info, t[2]) : arity(line, 3, true);
  }
  if (is_word(word, "ACL")) return parse_acl(t);
  if (is_word(word, "COUNT") || is_word(word, "SAMPLE"))
    return warn(uppered(word) + " not implemented");
  return warn("command expected, got " + uppered(word.substr(0, 256)));
}

}  // namespace

command_line parse_command_line(std::string_view line, const line_limits& limits) {
  std::string_view tag;
  if (line.starts_with("[ID:")) {
    const auto end = line.find(']');
    if (end != std::string_view::npos && end >= 5) {
      tag = line.substr(4, end - 4);
      line.remove_prefix(end + 1);
      while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    }
  }
  auto c = parse_untagged(line, limits);
  c.tag = tag;
  return c;
}

std::string check_hello(std::string_view line) {
  if (line.starts_with("[ID:"))
    if (const auto end = line.find(']'); end != std::string_view::npos && end >= 5)
      line.remove_prefix(end + 1);
  const tokens t(line, 4);
  if (t.count != 3 || !is_word(t[0], "HELLO")) return "invalid handshake";
  if (t[1] != "1.0") return "invalid protocol version";
  return {};
}

std::string sanitised(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto at = text.substr(i);
    if (c < 0x20 || c == 0x7f) {
      out.push_back(' ');
    } else if (at.starts_with("\xC2\x85")) {  // U+0085
      out.push_back(' ');
      i += 1;
    } else if (at.starts_with("\xE2\x80\xA8") || at.starts_with("\xE2\x80\xA9")) {  // U+2028, U+2029
      out.push_back(' ');
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  const auto first = out.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

}  // namespace atlas::net
