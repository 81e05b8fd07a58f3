// A YAML file as a plain tree in which every value remembers where it stands, so that a refusal can
// point at file, line and column. `--set` overrides are laid over the same tree and say `--set` in
// place of a position. yaml-cpp and its exceptions stay inside yaml_source.cpp.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"

namespace atlas::cli {

/// Where a value was written: `node.yaml:3:9`, or `--set quorum.fn` with line 0.
struct yaml_place {
  std::string source;
  int line = 0;  ///< from 1; 0 = the source has no lines
  int column = 0;
  [[nodiscard]] std::string to_string() const;
};

/// One value of the tree. A map keeps the order of the file; its keys are unique.
struct yaml_value {
  enum class type { nothing, text, list, map };

  type what = type::nothing;
  yaml_place place;                  ///< of the value
  std::string text;                  ///< scalars only, quotes removed
  std::string key;                   ///< name under the parent map; empty in lists and at the root
  yaml_place key_place;              ///< of the key; the value's own place when there is no key
  std::vector<yaml_value> children;  ///< members of a map, or items of a list

  /// The member named `name`, or null.
  [[nodiscard]] const yaml_value* find(const std::string& name) const;
};

/// How a value is shown in a refusal: text in double quotes, `nothing`, `a list`, `a mapping`.
std::string describe(const yaml_value& v);

/// Reads `path`, which holds one YAML document with a mapping (or nothing) at its root. Refused
/// with `bad_config`: unreadable files, broken YAML, several documents, a key given twice, nesting
/// deeper than any setting needs (which also stops anchors that contain themselves).
core::result<yaml_value> read_yaml_file(const std::string& path);

/// Lays `key=value` over `root`; dots in the key descend and create the maps they need. The value
/// is taken as text, except that one starting with `[`, `{` or a quote is read as YAML. Later calls
/// win.
core::result<core::done> set_yaml_value(yaml_value& root, const std::string& assignment);

}  // namespace atlas::cli
