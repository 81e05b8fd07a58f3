// One step of a replica or an owner on a simulated node: run it, let the monitor look, do what it
// wants done. Private to sim_node's two source files.
#pragma once

#include "tests/sim/sim_node.hpp"

namespace atlas::sim {

template <class Step>
void sim_node::step_copy(held_log& h, Step step) {
  world_.tale.enter(self_.node, h.log);
  core::replica_effects out;
  const auto known = h.copy.active().epoch;
  step(h.copy, out);
  world_.watch.on_replica(self_.node, h.copy);
  world_.watch.on_answering(self_.node, known, out.held);
  world_.watch.on_answering(self_.node, known, out.now);
  emit(h, out);
}

template <class Step>
void sim_node::step_owner(held_log& h, Step step) {
  if (!h.owner) return;
  world_.tale.enter(self_.node, h.log);
  core::proposer_effects out;
  const auto before = h.owner->state();
  step(*h.owner, out);
  look_at(h, before);
  emit(h, out);
}

}  // namespace atlas::sim
