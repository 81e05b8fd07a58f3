#include "tests/sim/topology_file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/yaml_source.hpp"
#include "core/grid_quorum.hpp"

namespace atlas::sim {
namespace {

using cli::yaml_value;
using value_kind = yaml_value::type;

core::failure refuse(const yaml_value& at, const std::string& key, const std::string& remedy) {
  return {core::errc::bad_config,
          at.place.to_string() + ": " + key + ": " + remedy + ", not " + cli::describe(at)};
}

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

std::optional<std::uint32_t> number_in(const yaml_value& v) {
  std::uint32_t n = 0;
  const auto* const end = v.text.data() + v.text.size();
  const auto [at, error] = std::from_chars(v.text.data(), end, n);
  if (v.what != value_kind::text || error != std::errc{} || at != end) return std::nullopt;
  return n;
}

core::result<core::done> read_zones(const yaml_value& v, sim_shape& shape) {
  const std::string remedy = "write a list of 1 to " + std::to_string(nodes_max) +
                             " zone names, one per node, such as [eu, eu, us]";
  if (v.what != value_kind::list || v.children.empty() || v.children.size() > nodes_max)
    return refuse(v, "zones", remedy);
  for (const auto& zone : v.children) {
    if (zone.what != value_kind::text || zone.text.empty()) return refuse(zone, "zones", remedy);
    shape.zones.push_back(zone.text);
  }
  return core::done{};
}

core::result<core::done> read_faults(const yaml_value& v, sim_shape& shape) {
  const auto kinds = fault_kinds();
  const std::string remedy = "write a mapping such as {crash: false}; kinds are " + list_of(kinds);
  if (v.what != value_kind::map) return refuse(v, "faults", remedy);
  for (const auto& kind : v.children) {
    if (std::find(kinds.begin(), kinds.end(), kind.key) == kinds.end())
      return core::failure{core::errc::bad_config, kind.key_place.to_string() + ": faults." +
                                                       kind.key + " is unknown; kinds are " +
                                                       list_of(kinds)};
    if (kind.text != "true" && kind.text != "false")
      return refuse(kind, "faults." + kind.key, "write true or false");
    if (kind.text == "false") shape.off.insert(kind.key);
  }
  return core::done{};
}

/// The tolerances must fit the zones, or no cluster could be drawn.
core::result<core::done> check_tolerance(const std::string& path, const sim_shape& shape) {
  if (shape.zones.empty()) {
    if (!shape.tolerance.fn && !shape.tolerance.fz) return core::done{};
    return core::failure{core::errc::bad_config,
                         path + ": fn and fz need zones; add a list of zones or remove them"};
  }
  core::configuration c;
  for (std::size_t i = 0; i < shape.zones.size(); ++i) c.seats.push_back({{i + 1}, shape.zones[i]});
  core::sort_seats(c.seats);
  const auto quorum =
      core::grid_quorum::make(core::resolve_tolerances(std::move(c), shape.tolerance));
  if (quorum.ok()) return core::done{};
  return core::failure{core::errc::bad_config,
                       path + ": " + quorum.error().detail + "; lower it or add nodes"};
}

core::result<core::done> read_key(const yaml_value& v, sim_shape& shape) {
  if (v.key == "zones") return read_zones(v, shape);
  if (v.key == "faults") return read_faults(v, shape);
  if (v.key == "fn" || v.key == "fz") {
    const auto n = number_in(v);
    if (!n) return refuse(v, v.key, "write a number from 0");
    (v.key == "fn" ? shape.tolerance.fn : shape.tolerance.fz) = n;
    return core::done{};
  }
  return core::failure{core::errc::bad_config, v.key_place.to_string() + ": " + v.key +
                                                   " is unknown; keys are zones, fn, fz, faults"};
}

}  // namespace

core::result<sim_shape> read_topology(const std::string& path) {
  const auto root = cli::read_yaml_file(path);
  if (!root) return root.error();
  sim_shape shape;
  for (const auto& v : root.value().children)
    if (const auto read = read_key(v, shape); !read) return read.error();
  if (const auto fits = check_tolerance(path, shape); !fits) return fits.error();
  return shape;
}

}  // namespace atlas::sim
