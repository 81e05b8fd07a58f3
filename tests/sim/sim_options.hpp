// One run's shape: topology, workload and fault rates, all drawn from the seed, so that a thousand
// seeds visit a thousand different clusters.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/configuration.hpp"
#include "core/lease.hpp"
#include "core/replica_limits.hpp"

namespace atlas::sim {

/// What a user fixes for all runs; the seed draws the rest.
struct sim_shape {
  std::vector<std::string> zones;    ///< of node 1, 2, ...; empty: drawn
  core::tolerance_policy tolerance;  ///< of the first configuration; empty: drawn
  std::set<std::string> off;         ///< kinds of fault that never strike, see `fault_kinds`
};
/// Names of all kinds of fault that can be switched off.
[[nodiscard]] std::vector<std::string> fault_kinds();

struct sim_options {
  std::uint64_t seed = 0;
  std::vector<std::string> zones;  ///< of node 1, 2, ...
  core::configuration first;       ///< of every log; may leave some nodes out
  unsigned logs = 1;    ///< numbered from 2; the first `tables` of them begin with a table
  unsigned tables = 1;  ///< that clients use
  unsigned clients = 3;
  unsigned keys = 3;
  std::uint64_t think_us = 40'000;     ///< mean pause of a client between operations
  std::uint64_t fault_us = 5'000'000;  ///< the faults stop at this time
  std::uint64_t fault_every_us = 0;    ///< mean time between faults; 0 = none
  std::uint64_t reconfigure_every_us = 0;
  std::uint64_t siege_every_us = 0;  ///< mean time between sieges that come for sure; 0 = none
  // Weights of the kinds of fault.
  unsigned crash = 0;
  unsigned partition = 0;
  unsigned cut = 0;
  unsigned pause = 0;
  unsigned slow_disk = 0;
  unsigned usurp = 0;  ///< a node bids for a log that has a healthy owner
  unsigned siege = 0;  ///< an owner is cut off until its leases end, see cluster_siege.cpp
  // What a wide area does, see cluster_wide.cpp.
  unsigned isolate = 0;    ///< one node is cut off from all
  unsigned bridge = 0;     ///< two halves that only one node joins
  unsigned flap = 0;       ///< a cut that opens and closes
  unsigned slow_link = 0;  ///< messages between two nodes take up to a hundred times as long
  unsigned disk_full = 0;  ///< a process ends at its next write, and comes back when there is space
  unsigned duel = 0;       ///< two nodes bid in turns; somebody may restart at once meanwhile
  // Per message, in 1/1000.
  unsigned loss = 0;
  unsigned duplicate = 0;
  unsigned straggler = 0;  ///< delayed by up to a second
  unsigned echo = 0;       ///< repeated after up to three seconds, when the world has moved on
  std::uint64_t delay_us = 500;         ///< one way within a zone
  std::uint64_t zone_delay_us = 5'000;  ///< more between zones
  std::uint64_t fsync_us = 1'000;       ///< mean
  unsigned drift_permille = 10;         ///< clocks of nodes differ by up to this
  bool leases = false;                  ///< `reads: lease`, else every read is confirmed
  core::lease_terms lease;
  core::node_id slow_clock;  ///< its clock is as slow as may be, all others as fast; 0: none
  bool thrifty = false;      ///< owners ask the nearest quorum first
  unsigned stale = 0;        ///< of 100 operations, how many read a node's own copy
  unsigned rules = 0;        ///< of 100 operations, how many use ends, versions, sums ...
  unsigned blobs = 0;        ///< of 100 of those, how many deal with values in chunks
  bool hints = true;         ///< requests also go to whom others follow
  /// Changes of configuration come in pairs, and the owner that makes one is struck meanwhile.
  bool ambush = false;
  bool removals = false;           ///< nodes lose their seats for good and come back on the wire
  core::node_id slow_node;         ///< one disk is slow all the time; 0: none
  std::uint64_t slow_node_us = 0;  ///< by this
  /// Nodes that stay down in the liveness phase, as long as both quorums stay possible.
  bool some_stay_down = false;
  /// And those stay broken some other way: deaf, mute or slow; as many as both quorums can do
  /// without.
  bool many_stay_broken = false;
  core::replica_limits limits;      ///< in most seeds so tight that snapshots happen all the time
  std::uint64_t move_every_us = 0;  ///< mean time between live moves of a log; 0 = none
  std::uint64_t regroup_every_us = 0;  ///< mean time between moves of a table; 0 = none
  std::uint64_t part_bytes = 100;      ///< of a table on its way to another log
  std::uint64_t close_at_us = 0;       ///< a log is closed for good about then; 0 = none

  /// Every second seed is a harsh one: the mild storm of the same seed, and more on top.
  [[nodiscard]] static sim_options from_seed(std::uint64_t seed, const sim_shape& shape = {});
  [[nodiscard]] static sim_options mild(std::uint64_t seed, const sim_shape& shape = {});
  [[nodiscard]] std::string describe() const;
};

}  // namespace atlas::sim
