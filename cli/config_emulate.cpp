// A delay is a property of a pair of regions, not of a direction: each is entered once and stored
// in both orders, and two different figures for one pair are refused.
#include "cli/config_emulate.hpp"

#include <optional>
#include <utility>

#include "cli/config_values.hpp"
#include "net/wan_presets.hpp"

namespace atlas::cli {

namespace {

// A minute: longer than any request may sensibly wait, so surely a slip of units.
constexpr double rtt_ms_max = 60'000;

const char* const rtt_remedy = "write the round trip in milliseconds, from 0 to 60000";
const char* const preset_remedy = "write local, single-continent, global or high-latency";
const char* const matrix_remedy = "write regions, such as {us-east-1: {eu-west-1: 85}}";

std::optional<double> parse_rtt(std::string_view text) {
  const auto ms = parse_decimal(text);
  return ms && *ms <= rtt_ms_max ? ms : std::nullopt;
}

void read_preset(config_section& section, emulated_wan& out) {
  const auto* v = section.take("preset");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::text) {
    section.refuse(*v, describe(*v), preset_remedy);
    return;
  }
  auto preset = net::wan_preset(v->text);
  if (preset)
    out.rtt_ms = std::move(preset).value();
  else
    section.refuse(*v, describe(*v), preset_remedy);
}

// One row of the matrix: the delays from region `from.key`.
void read_row(const yaml_value& from, const std::string& path, problem_list& problems,
              emulated_wan& out) {
  config_section row(from, path, problems);
  for (const auto& to : from.children) {
    if (!is_region_name(to.key)) {
      row.refuse(to, "an impossible region name", "use letters, digits, - and _");
      continue;
    }
    double ms = 0;
    if (!row.read(to.key, ms, parse_rtt, rtt_remedy)) continue;
    const auto [known, fresh] = out.rtt_ms.emplace(std::make_pair(from.key, to.key), ms);
    if (!fresh && known->second != ms)
      row.refuse(to, describe(to) + " beside another figure for the same two regions",
                 "write each pair once");
    out.rtt_ms.emplace(std::make_pair(to.key, from.key), ms);
  }
}

void read_matrix(config_section& section, emulated_wan& out) {
  const auto* v = section.take("matrix");
  if (v == nullptr) return;
  if (v->what != yaml_value::type::map || v->children.empty()) {
    section.refuse(*v, describe(*v), matrix_remedy);
    return;
  }
  config_section matrix(*v, section.path_of("matrix"), section.problems());
  for (const auto& from : v->children) {
    if (!is_region_name(from.key))
      matrix.refuse(from, "an impossible region name", "use letters, digits, - and _");
    else if (from.what != yaml_value::type::map || from.children.empty())
      matrix.refuse(from, describe(from), matrix_remedy);
    else
      read_row(from, matrix.path_of(from.key), section.problems(), out);
  }
}

}  // namespace

void read_emulate(config_section& root, emulated_wan& out) {
  const auto* v = root.take("emulate");
  if (v == nullptr) return;
  const std::string remedy = "write {preset: global} or {matrix: {us-east-1: {eu-west-1: 85}}}";
  if (v->what != yaml_value::type::map || v->children.empty()) {
    root.refuse(*v, describe(*v), remedy);
    return;
  }
  out.enabled = true;
  config_section section(*v, "emulate", root.problems());
  if (v->find("preset") != nullptr && v->find("matrix") != nullptr)
    section.refuse(*v->find("matrix"), "a matrix beside a preset", "keep one of the two");
  else if (v->find("preset") == nullptr && v->find("matrix") == nullptr)
    root.refuse(*v, "neither preset nor matrix", remedy);
  read_preset(section, out);
  read_matrix(section, out);
  section.read("same_region", out.same_region_ms, parse_rtt, rtt_remedy);
  section.read("other_region", out.other_region_ms, parse_rtt, rtt_remedy);
  section.refuse_unknown();
}

}  // namespace atlas::cli
