// Reading one mapping of the configuration: every setting is taken by name and checked, whatever
// was not taken is unknown. Problems are collected, so that one start tells the operator all of
// them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/yaml_source.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// What is wrong with a configuration, in the form `place: key: found VALUE; remedy`.
class problem_list {
 public:
  void add(const yaml_place& at, const std::string& key, const std::string& found,
           const std::string& remedy);

  [[nodiscard]] bool empty() const { return entries_.empty(); }

  /// All problems, one a line, in the order of the file; overrides last. Requires !empty().
  [[nodiscard]] core::failure to_failure() const;

 private:
  struct entry {
    yaml_place at;
    std::string text;
  };
  std::vector<entry> entries_;
};

/// A mapping whose settings are read one after the other. Neither copies nor owns the tree.
class config_section {
 public:
  /// `path` is the dotted name of the mapping, empty for the root.
  config_section(const yaml_value& map, std::string path, problem_list& problems);

  /// Sets `out` to what `parse` makes of the text of `name`. Absent: `out` stays. Another type, or
  /// text that `parse` answers with an empty optional: a problem ending in `remedy`. Returns
  /// whether `out` was set.
  template <class T, class Parser>
  bool read(const std::string& name, T& out, Parser parse, const std::string& remedy) {
    const auto* v = take(name);
    if (v == nullptr) return false;
    if (v->what == yaml_value::type::text)
      if (auto parsed = parse(std::string_view(v->text))) {
        out = std::move(*parsed);
        return true;
      }
    refuse(*v, describe(*v), remedy);
    return false;
  }

  /// The member `name`, or null; marks it as known.
  const yaml_value* take(const std::string& name);

  /// Refuses `name` if it is there: a setting that only later versions have.
  void refuse_later(const std::string& name, const std::string& missing, const std::string& remedy);

  /// Adds a problem about `v`, a member of this section or an item of one.
  void refuse(const yaml_value& v, const std::string& found, const std::string& remedy);

  /// Adds a problem for every member that was never taken, with the nearest known name.
  void refuse_unknown();

  /// Dotted name of member `name`.
  [[nodiscard]] std::string path_of(const std::string& name) const;

  [[nodiscard]] const yaml_place& place() const { return map_.place; }
  [[nodiscard]] problem_list& problems() { return problems_; }

 private:
  const yaml_value& map_;
  std::string path_;
  problem_list& problems_;
  std::vector<std::string> known_;  // in the order of reading, which is that of the documentation
  std::vector<std::string> later_;  // refused already; apart, so that no typo is told to become one
};

}  // namespace atlas::cli
