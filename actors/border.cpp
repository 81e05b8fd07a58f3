#include "actors/border.hpp"

#include <algorithm>

#include "core/access_list.hpp"
#include "core/grid_quorum.hpp"
#include "core/result_window.hpp"

namespace atlas::actors {
namespace {

bool is_whole(const core::entry& e) {
  return e.bytes && core::is_well_formed(*e.bytes);
}

bool are_whole(const std::vector<core::entry>& list) {
  return std::all_of(list.begin(), list.end(), is_whole);
}

/// As only `core::configuration` entries that were chosen are.
bool is_legal(const core::configuration& c) {
  auto seats = c.seats;
  core::sort_seats(seats);
  return seats == c.seats && core::grid_quorum::make(c).ok();
}

}  // namespace

bool well_formed(core::process, const core::prepare& m) {
  return m.by.round > 0;
}

bool well_formed(core::process, const core::promise& m) {
  return m.by.round > 0 && std::all_of(m.entries.begin(), m.entries.end(), [&](const auto& e) {
           return e.by <= m.by && is_whole(e.value);
         });
}

bool well_formed(core::process, const core::accept& m) {
  return m.by.round > 0 && m.first.value > 0 && are_whole(m.entries);
}

bool well_formed(core::process, const core::chosen& m) {
  return m.first.value > 0 && are_whole(m.entries);
}

bool well_formed(core::process from, const forward& m) {
  const auto knows_read = [&](const core::read& r) {
    return r.from == from && r.what >= core::read_kind::get && r.what <= core::read_kind::chunk;
  };
  return std::all_of(m.commands.begin(), m.commands.end(),
                     [&](const auto& c) { return c.from == from && core::is_well_formed(c); }) &&
         std::all_of(m.reads.begin(), m.reads.end(), knows_read);
}

bool well_formed(core::process, const core::snapshot_chunk& m) {
  if (m.at.value == 0 || m.configuration_at > m.at) return false;
  if (m.active.epoch.value > 0 && !is_legal(m.active)) return false;
  return core::result_window().replay(m.results) &&
         std::all_of(m.rows.begin(), m.rows.end(),
                     [](const auto& row) { return core::is_whole_row(row.second); });
}

bool well_formed(core::process, const answers& m) {
  return std::all_of(m.list.begin(), m.list.end(), [](const core::answer& a) {
    return a.result.code <= core::outcome_code::chunked;
  });
}

bool well_formed(core::process, const core::move_offer& m) {
  return m.by.round > 0;
}

bool well_formed(core::process, const core::hand_off& m) {
  const auto is_change = [](const core::entry& e) {
    return e.kind() == core::entry_kind::configuration;
  };
  // Generation 0 is the winner's own; an heir counts quorums of the configuration as it is.
  return m.by.round > 0 && m.gen.value > 0 && core::grid_quorum::make(m.active).ok() &&
         m.unfinished.size() <=
             std::min<std::uint64_t>(core::hand_off::unfinished_max, m.last_slot.value) &&
         are_whole(m.unfinished) &&
         std::none_of(m.unfinished.begin(), m.unfinished.end(), is_change);
}

}  // namespace atlas::actors
