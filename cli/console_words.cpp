// Completion from a flat list of commands: a command whose leading words match what is typed offers
// its next word. A tag in front of the command does not count.
#include "cli/console_words.hpp"

#include <algorithm>
#include <array>

namespace atlas::cli {

namespace {

constexpr std::array<std::string_view, 26> commands = {
    "KEY GET",          "KEY PUT",      "KEY SET",     "KEY DEL",      "KEY BLOB GET",
    "KEY BLOB SET",     "SCAN",         "TABLE LIST",  "TABLE INFO",   "NODE LIST",
    "NODE INFO",        "NODE PING",    "QUORUM INFO", "EXIT",         "PRINCIPAL WHOAMI",
    "PRINCIPAL ASSUME", "TABLE CREATE", "TABLE ALTER", "TABLE DROP",   "NODE REMOVE",
    "TABLE MOVE",       "GROUP CREATE", "GROUP ADD",   "GROUP REMOVE", "GROUP LIST",
    "GROUP INFO"};

std::vector<std::string> upper_words(std::string_view text) {
  std::vector<std::string> out(1);
  for (char c : text) {
    if (c == ' ' || c == '\t') {
      if (!out.back().empty()) out.emplace_back();
    } else {
      out.back() += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> complete_words(std::string_view typed) {
  if (const auto close = typed.find(']'); typed.substr(0, 4) == "[ID:" && close != typed.npos)
    typed.remove_prefix(close + 1);
  // The last element is the word being typed; it is empty behind a blank.
  const auto words = upper_words(typed);
  std::vector<std::string> out;
  for (const auto command : commands) {
    const auto parts = upper_words(command);
    if (parts.size() < words.size()) continue;
    const auto before = static_cast<std::ptrdiff_t>(words.size() - 1);
    const auto& next = parts[words.size() - 1];
    if (std::equal(words.begin(), words.begin() + before, parts.begin()) &&
        next.compare(0, words.back().size(), words.back()) == 0 &&
        std::find(out.begin(), out.end(), next) == out.end())
      out.push_back(next);
  }
  return out;
}

}  // namespace atlas::cli
