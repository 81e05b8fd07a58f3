#include "actors/border.hpp"

#include <algorithm>

namespace atlas::actors {
namespace {

bool is_whole(const core::entry& e) {
  return e.bytes && core::is_well_formed(*e.bytes);
}

bool are_whole(const std::vector<core::entry>& list) {
  return std::all_of(list.begin(), list.end(), is_whole);
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
    return r.from == from && r.what >= core::read_kind::get &&
           r.what <= core::read_kind::configuration;
  };
  return std::all_of(m.commands.begin(), m.commands.end(),
                     [&](const auto& c) { return c.from == from && core::is_well_formed(c); }) &&
         std::all_of(m.reads.begin(), m.reads.end(), knows_read);
}

bool well_formed(core::process, const answers& m) {
  return std::all_of(m.list.begin(), m.list.end(), [](const core::answer& a) {
    return a.result.code <= core::outcome_code::unknown;
  });
}

}  // namespace atlas::actors
