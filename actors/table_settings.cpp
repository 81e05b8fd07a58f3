#include "actors/table_settings.hpp"

#include <charconv>

namespace atlas::actors {
namespace {

constexpr std::uint32_t tolerance_max = 1'000'000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

core::failure wrong(const std::string& text) {
  return {core::errc::refused, text};
}

/// The tolerance that `text` names; false if it is none.
bool read_tolerance(const std::string& text, std::optional<std::uint32_t>& out) {
  if (text == "auto") return true;
  std::uint32_t n = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, n);
  if (parsed.ec != std::errc{} || parsed.ptr != end || n > tolerance_max) return false;
  out = n;
  return true;
}

}  // namespace

core::result<core::policy_change> read_table_settings(std::string_view words) {
  core::policy_change change;
  while (true) {
    const auto begin = words.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return change;
    words.remove_prefix(begin);
    const auto word = lower(words.substr(0, words.find_first_of(" \t")));
    words.remove_prefix(word.size());
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    auto* const setting = name == "fn" ? &change.fn : name == "fz" ? &change.fz : nullptr;
    if (!setting || equals == std::string::npos)
      return wrong("unknown setting " + word + ": fn=<number>|auto and fz=<number>|auto are known");
    if (*setting) return wrong("setting " + name + " is given twice");
    if (!read_tolerance(word.substr(equals + 1), setting->emplace()))
      return wrong("invalid setting " + word + ": a number or auto is expected");
  }
}

std::string settings_text(const core::tolerance_policy& p) {
  const auto text = [](const std::optional<std::uint32_t>& n) {
    return n ? std::to_string(*n) : std::string("auto");
  };
  return "fn=" + text(p.fn) + " fz=" + text(p.fz);
}

std::string table_name_error(const std::string& name) {
  if (name.empty()) return "a table needs a name";
  if (name.find('.') != std::string::npos && name != core::meta_table)
    return "invalid table name " + name + ": the name ends before the first dot of a key";
  if (name == "atlas" || name == "ATLAS" || name == core::meta_table)
    return "table " + name + " is kept by the cluster itself; choose another name";
  return {};
}

}  // namespace atlas::actors
