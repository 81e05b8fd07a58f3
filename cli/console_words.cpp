// Completion from a flat list of commands: a command whose leading words match what is typed offers
// its next word. Words in lower case stand for names; a tag in front of the command does not count.
#include "cli/console_words.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace atlas::cli {

namespace {

constexpr std::array commands = {"KEY GET key STALE",
                                 "KEY PUT key",
                                 "KEY SET key",
                                 "KEY DEL key",
                                 "KEY CAS key ABSENT",
                                 "KEY INCR key",
                                 "KEY MGET key key key key key key key key",
                                 "KEY META key",
                                 "KEY EXPIRE key",
                                 "KEY PERSIST key",
                                 "KEY TTL key",
                                 "KEY WORM key TTL",
                                 "KEY WORM key EXPIRES",
                                 "KEY BLOB GET key > file",
                                 "KEY BLOB GET key RANGE other other > file",
                                 "KEY BLOB SET key upload",
                                 "KEY BLOB STAT key",
                                 "SCAN key LIMIT other AFTER key VALUES",
                                 "SCAN key LIMIT other VALUES",
                                 "SCAN key AFTER key VALUES",
                                 "SCAN key VALUES",
                                 "COUNT key",
                                 "SAMPLE key N",
                                 "TXN BEGIN",
                                 "TXN COMMIT",
                                 "TXN ABORT",
                                 "WATCH key FROM other VALUES",
                                 "WATCH key VALUES",
                                 "UNWATCH",
                                 "TABLE LIST",
                                 "TABLE INFO table",
                                 "TABLE MOVE either TO place",
                                 "TABLE CREATE other fn= fz=",
                                 "TABLE CREATE other fz=",
                                 "TABLE ALTER either fn= fz=",
                                 "TABLE ALTER either fz=",
                                 "TABLE DROP either",
                                 "GROUP LIST",
                                 "GROUP INFO group",
                                 "GROUP CREATE other fn= fz=",
                                 "GROUP CREATE other fz=",
                                 "GROUP ADD group table",
                                 "GROUP REMOVE group table",
                                 "NODE LIST",
                                 "NODE INFO node",
                                 "NODE PING node",
                                 "NODE REMOVE node",
                                 "QUORUM INFO table",
                                 "QUORUM INFO key",
                                 "PRINCIPAL ASSUME",
                                 "PRINCIPAL WHOAMI",
                                 "ACL GRANT key",
                                 "ACL REVOKE key",
                                 "ACL LIST table",
                                 "ACL LIST key",
                                 "INFO",
                                 "HELP KEY",
                                 "HELP SCAN",
                                 "HELP TXN",
                                 "HELP WATCH",
                                 "HELP TABLE",
                                 "HELP GROUP",
                                 "HELP NODE",
                                 "HELP QUORUM",
                                 "HELP PRINCIPAL",
                                 "HELP ACL",
                                 "EXIT",
                                 "\\time on",
                                 "\\time off"};

constexpr std::array in_transactions = {"TXN COMMIT",    "TXN ABORT",    "PUT key",
                                        "DEL key",       "INCR key",     "IF key VERSION",
                                        "IF key ABSENT", "IF key VALUE", "EXIT"};

constexpr std::array<std::pair<std::string_view, operand>, 9> names = {{
    {"key", operand::key},
    {"table", operand::table},
    {"group", operand::group},
    {"either", operand::either},
    {"node", operand::node},
    {"place", operand::place},
    {"upload", operand::upload},
    {"file", operand::file},
    {"other", operand::other},
}};

std::optional<operand> operand_of(std::string_view part) {
  for (const auto& [name, kind] : names)
    if (name == part) return kind;
  return std::nullopt;
}

// The last element is the word being typed; it is empty behind a blank.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c != ' ' && c != '\t')
      out.back() += c;
    else if (!out.back().empty())
      out.emplace_back();
  }
  return out;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

bool begins_with(std::string_view part, std::string_view typed) {
  return typed.size() <= part.size() &&
         std::equal(typed.begin(), typed.end(), part.begin(),
                    [](char a, char b) { return upper(a) == upper(b); });
}

bool matches(const std::vector<std::string>& parts, const std::vector<std::string>& typed) {
  for (std::size_t at = 0; at + 1 < typed.size(); ++at) {
    // `fn=` is the beginning of what was typed there.
    const bool setting = parts[at].back() == '=' && begins_with(typed[at], parts[at]);
    const bool same = parts[at].size() == typed[at].size() && begins_with(parts[at], typed[at]);
    if (!operand_of(parts[at]) && !setting && !same) return false;
  }
  return true;
}

template <class T>
void add_once(std::vector<T>& to, T what) {
  if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(std::move(what));
}

void offer(completion& out, std::string_view command, const std::vector<std::string>& typed) {
  const auto parts = split(command);
  if (parts.size() < typed.size() || !matches(parts, typed)) return;
  const auto& next = parts[typed.size() - 1];
  if (const auto kind = operand_of(next))
    add_once(out.operands, *kind);
  else if (begins_with(next, typed.back()))
    add_once(out.words, next);
}

}  // namespace

completion complete_words(std::string_view typed, bool in_transaction) {
  if (const auto close = typed.find(']'); typed.starts_with("[ID:") && close != typed.npos)
    typed.remove_prefix(close + 1);
  const auto words = split(typed);
  completion out;
  out.word = words.back();
  if (in_transaction)
    for (const auto* command : in_transactions) offer(out, command, words);
  else
    for (const auto* command : commands) offer(out, command, words);
  return out;
}

}  // namespace atlas::cli
