// One step of a replica or an owner on a simulated node: run it, let the monitor look, do what it
// wants done. Private to sim_node's two source files.
#pragma once

#include "tests/sim/sim_node.hpp"

namespace atlas::sim {

template <class Step>
void sim_node::step_copy(held_log& h, Step step) {
  core::replica_effects out;
  step(h.copy, out);
  world_.watch.on_replica(self_.node, h.copy);
  emit(h, out);
}

template <class Step>
void sim_node::step_owner(held_log& h, Step step) {
  if (!h.owner) return;
  core::proposer_effects out;
  step(*h.owner, out);
  emit(h, out);
}

}  // namespace atlas::sim
