// How the monitor names things in what it says about a broken rule. Private to its source files.
#pragma once

#include <string>

#include "core/ballot.hpp"
#include "core/ids.hpp"

namespace atlas::sim {

inline std::string name(core::ballot b) {
  return std::to_string(b.round) + "." + std::to_string(b.node.value);
}
inline std::string name(core::log_id log, core::slot s) {
  return "log " + std::to_string(log.value) + " slot " + std::to_string(s.value);
}
inline std::string name(core::node_id node) {
  return "node " + std::to_string(node.value);
}

}  // namespace atlas::sim
