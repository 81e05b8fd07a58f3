// What a message from another node must hold before core/ sees it. A member may be newer, or
// broken: nothing it says may end this node, so everything that core/ takes for granted is checked
// here.
#pragma once

#include "actors/messages.hpp"
#include "core/messages.hpp"

namespace atlas::actors {

/// False: to be dropped. `from` is the process that sent it.
[[nodiscard]] bool well_formed(core::process from, const core::prepare& m);
[[nodiscard]] bool well_formed(core::process from, const core::promise& m);
[[nodiscard]] bool well_formed(core::process from, const core::accept& m);
[[nodiscard]] bool well_formed(core::process from, const core::chosen& m);
[[nodiscard]] bool well_formed(core::process from, const forward& m);
[[nodiscard]] bool well_formed(core::process from, const answers& m);
[[nodiscard]] bool well_formed(core::process from, const core::snapshot_chunk& m);
[[nodiscard]] bool well_formed(core::process from, const core::move_offer& m);
[[nodiscard]] bool well_formed(core::process from, const core::hand_off& m);
template <class M>
[[nodiscard]] bool well_formed(core::process, const M&) {
  return true;
}

}  // namespace atlas::actors
