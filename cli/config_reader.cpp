// Collects refusals and guesses what an unknown key was meant to be.
#include "cli/config_reader.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace atlas::cli {

namespace {

// Levenshtein distance with one row; names are a dozen letters.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string remedy_for_unknown(const std::string& name, const std::vector<std::string>& known) {
  const auto nearer = [&name](const auto& a, const auto& b) {
    return distance(name, a) < distance(name, b);
  };
  const auto best = std::min_element(known.begin(), known.end(), nearer);
  if (best != known.end() && distance(name, *best) <= 2) return "did you mean " + *best + "?";
  std::string list;
  for (const auto& k : known) list += (list.empty() ? "" : ", ") + k;
  return "keys here are " + list;
}

}  // namespace

void problem_list::add(const yaml_place& at, const std::string& key, const std::string& found,
                       const std::string& remedy) {
  entries_.push_back({at, at.to_string() + ": " + key + ": found " + found + "; " + remedy});
}

core::failure problem_list::to_failure() const {
  ATLAS_CHECK(!empty(), "a refusal needs a problem");
  auto sorted = entries_;
  const auto rank = [](const entry& e) {
    return std::make_tuple(e.at.line == 0, e.at.line, e.at.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&rank](const entry& a, const entry& b) { return rank(a) < rank(b); });
  std::string text;
  for (const auto& e : sorted) text += (text.empty() ? "" : "\n") + e.text;
  return {core::errc::bad_config, std::move(text)};
}

config_section::config_section(const yaml_value& map, std::string path, problem_list& problems)
    : map_(map), path_(std::move(path)), problems_(problems) {}

const yaml_value* config_section::take(const std::string& name) {
  known_.push_back(name);
  return map_.find(name);
}

void config_section::refuse_later(const std::string& name, const std::string& missing,
                                  const std::string& remedy) {
  later_.push_back(name);
  const auto* v = map_.find(name);
  if (v == nullptr) return;
  refuse(*v, describe(*v), "this version does not have " + missing + " yet, " + remedy);
}

void config_section::refuse(const yaml_value& v, const std::string& found,
                            const std::string& remedy) {
  problems_.add(v.place, v.key.empty() ? path_ : path_of(v.key), found, remedy);
}

void config_section::refuse_unknown() {
  const auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& child : map_.children)
    if (!among(known_, child.key) && !among(later_, child.key))
      problems_.add(child.key_place, path_of(child.key), "unknown key",
                    remedy_for_unknown(child.key, known_));
}

std::string config_section::path_of(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

}  // namespace atlas::cli
