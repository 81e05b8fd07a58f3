// yaml-cpp's tree becomes ours here. It keeps the last of two equal keys without a word and reads
// only the first of several documents, so both are looked for explicitly: a setting that is quietly
// dropped is worse than a refused start.
#include "cli/yaml_source.hpp"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;

// The deepest setting is emulate.matrix.<region>.<region>: four levels, one to spare.
constexpr int depth_max = 5;

failure refuse(const yaml_place& at, const std::string& text) {
  return {errc::bad_config, at.to_string() + ": " + text};
}

yaml_place place_of(const std::string& source, const YAML::Mark& mark) {
  if (mark.is_null()) return {source, 0, 0};
  return {source, mark.line + 1, mark.column + 1};
}

result<yaml_value> convert(const YAML::Node& node, const yaml_place& parent, int depth);

result<core::done> convert_map(const YAML::Node& node, yaml_value& out, int depth) {
  for (const auto& member : node) {
    const auto key_place = place_of(out.place.source, member.first.Mark());
    if (!member.first.IsScalar())
      return refuse(key_place, "found a key that is not a word; write name: value");
    const auto name = member.first.Scalar();
    if (const auto* earlier = out.find(name))
      return refuse(key_place, name + ": found a second time (first at " +
                                   earlier->key_place.to_string() + "); keep one of the two");
    auto child = convert(member.second, key_place, depth + 1);
    if (!child) return child.error();
    child.value().key = name;
    child.value().key_place = key_place;
    out.children.push_back(std::move(child).value());
  }
  return core::done{};
}

result<yaml_value> convert(const YAML::Node& node, const yaml_place& parent, int depth) {
  yaml_value out;
  out.place = place_of(parent.source, node.Mark());
  // yaml-cpp places an absent value at whatever follows it; the key is where to look.
  if (node.IsNull() || out.place.line == 0) out.place = parent;
  out.key_place = out.place;
  if (depth > depth_max)
    return refuse(out.place, "found values nested too deeply; no setting goes that deep");
  if (node.IsScalar()) {
    out.what = yaml_value::type::text;
    out.text = node.Scalar();
  } else if (node.IsSequence()) {
    out.what = yaml_value::type::list;
    for (const auto& item : node) {
      auto child = convert(item, out.place, depth + 1);
      if (!child) return child.error();
      out.children.push_back(std::move(child).value());
    }
  } else if (node.IsMap()) {
    out.what = yaml_value::type::map;
    if (auto done = convert_map(node, out, depth); !done) return done.error();
  }
  return out;
}

// Parses `text`; the root may be anything. Positions are those of `source`.
result<yaml_value> parse(const std::string& text, const yaml_place& source) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      return refuse(place_of(source.source, documents[1].Mark()),
                    "found a second document; keep one, without --- between settings");
    return convert(documents.empty() ? YAML::Node() : documents[0], source, 0);
  } catch (const YAML::Exception& e) {
    auto at = place_of(source.source, e.mark);
    if (at.line == 0) at = source;
    return refuse(at, "found broken YAML (" + e.msg + "); check indentation, colons and quotes");
  }
}

// A `--set` value has no lines of its own; all of its tree stands at the override.
void stand_at(yaml_value& v, const yaml_place& place) {
  v.place = place;
  v.key_place = place;
  for (auto& child : v.children) stand_at(child, place);
}

yaml_value& descend(yaml_value& map, const std::string& name, const yaml_place& place) {
  if (map.what != yaml_value::type::map) {
    // `--set log.level=x` over `log: something`: the override decides that this is a map.
    map.what = yaml_value::type::map;
    map.text.clear();
    map.children.clear();
    map.place = place;
  }
  for (auto& child : map.children)
    if (child.key == name) return child;
  yaml_value fresh;
  fresh.key = name;
  fresh.place = fresh.key_place = place;
  map.children.push_back(std::move(fresh));
  return map.children.back();
}

}  // namespace

std::string yaml_place::to_string() const {
  if (line == 0) return source;
  return source + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const yaml_value* yaml_value::find(const std::string& name) const {
  if (what != type::map) return nullptr;
  for (const auto& child : children)
    if (child.key == name) return &child;
  return nullptr;
}

std::string describe(const yaml_value& v) {
  switch (v.what) {
    case yaml_value::type::nothing:
      return "nothing";
    case yaml_value::type::text:
      return "\"" + v.text + "\"";
    case yaml_value::type::list:
      return v.children.empty() ? "an empty list" : "a list";
    case yaml_value::type::map:
      return v.children.empty() ? "an empty mapping" : "a mapping";
  }
  return "nothing";
}

result<yaml_value> read_yaml_file(const std::string& path) {
  const yaml_place whole{path, 0, 0};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return refuse(whole, "found a directory; name a configuration file");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return refuse(whole, std::string("cannot be read (") + std::strerror(errno) +
                             "); name an existing configuration file");
  std::ostringstream text;
  text << in.rdbuf();
  auto root = parse(text.str(), {path, 1, 1});
  if (!root) return root;
  auto& v = root.value();
  if (v.what == yaml_value::type::nothing) v.what = yaml_value::type::map;  // only comments
  if (v.what != yaml_value::type::map)
    return refuse(v.place, "found " + describe(v) + "; write settings as key: value");
  return root;
}

result<core::done> set_yaml_value(yaml_value& root, const std::string& assignment) {
  const auto equals = assignment.find('=');
  const auto path = assignment.substr(0, equals);
  const yaml_place place{"--set " + path, 0, 0};
  if (equals == std::string::npos) return refuse(place, "found no =; write --set key=value");

  auto text = assignment.substr(equals + 1);
  yaml_value fresh;
  if (!text.empty() && std::strchr("[{\"'", text.front()) != nullptr) {
    auto parsed = parse(text, place);
    if (!parsed) return parsed.error();
    fresh = std::move(parsed).value();
  } else {
    fresh.what = yaml_value::type::text;
    fresh.text = std::move(text);
  }
  stand_at(fresh, place);

  auto* at = &root;
  for (std::size_t first = 0; first <= path.size();) {
    const auto end = std::min(path.find('.', first), path.size());
    const auto name = path.substr(first, end - first);
    if (name.empty()) return refuse(place, "found an empty name; write --set key=value");
    at = &descend(*at, name, place);
    first = end + 1;
  }
  fresh.key = at->key;
  *at = std::move(fresh);
  return core::done{};
}

}  // namespace atlas::cli
