// The invariants of consensus.md §11, checked from outside after every step: what is chosen, what
// acceptors said and what their disks hold, what replicas applied, and that each command was
// executed once. It keeps its own, naive idea of the protocol and shares only plain data types with
// core/.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/messages.hpp"
#include "core/proposer.hpp"
#include "core/replica.hpp"
#include "tests/sim/sim_disk.hpp"

namespace atlas::sim {

/// Every function throws `sim_failure` when a rule is broken.
class monitor {
 public:
  explicit monitor(core::configuration first) : first_(std::move(first)) {}

  /// An owner sends entries: a value once sent under (ballot, slot) never changes.
  void on_proposed(const core::accept& m);
  /// An owner took a step: what it counts as chosen has the votes, and is the only value.
  void on_owner(const core::proposer& owner, core::log_id log);
  /// A replica took a step: it applied only what is chosen, in order, with the same hash as all.
  void on_replica(core::node_id node, const core::replica& copy);
  /// An answer of an acceptor leaves its node: the disk holds what it says (invariant 2).
  void on_leaving(core::node_id node, const core::message& m, const log_image& durable);
  /// A node started again from its disk.
  void on_restart(core::node_id node, const core::replica& copy);
  /// Rows of a copy are what the chosen log up to its watermark makes of an empty table.
  void check_rows(core::node_id node, const core::replica& copy) const;

  /// The same for the rows that a disk shows, versions included: a command executed twice shows.
  void check_disk(core::node_id node, core::log_id log, const log_image& disk) const;

  /// Principals of every command that the chosen log executes; clients use each one once.
  [[nodiscard]] std::set<std::string> executed(core::log_id log) const;
  [[nodiscard]] core::slot last_chosen(core::log_id log) const;
  /// Configuration in force after the last chosen slot.
  [[nodiscard]] const core::configuration& active(core::log_id log) const;
  [[nodiscard]] std::uint64_t chosen_total() const;

 private:
  struct chosen_value {
    core::entry value;
    core::ballot by;
    std::uint64_t hash = 0;  ///< running hash of the log up to here
  };
  /// The naive model of one log: applied in slot order as soon as a slot is chosen.
  struct log_model {
    std::vector<chosen_value> chosen;  ///< [i] is slot i + 1
    std::vector<std::pair<core::slot, core::configuration>> configurations;
    std::map<std::pair<core::ballot, core::slot>, core::entry> proposed;
    std::map<std::pair<core::ballot, core::slot>, std::set<core::node_id>> votes;
  };
  struct model_row {
    std::string value;
    std::uint64_t version = 0;
  };
  struct replayed {
    std::map<std::string, model_row> rows;
    std::set<std::string> executed;
  };
  struct origin {
    core::boot_epoch boot;
    core::sequence floor;
    std::set<core::sequence> done;
  };
  struct acceptor_memory {
    core::ballot told;  ///< highest ballot this acceptor ever promised to anybody
  };

  void choose(core::log_id log, core::slot at, core::ballot by);
  void note_accepted(core::node_id node, const core::accepted& m, const log_image& durable);
  log_model& model(core::log_id log);
  [[nodiscard]] static bool has_q2(const core::configuration& c,
                                   const std::set<core::node_id>& voters);
  /// What slots 1..upto make of an empty table, with a naive rule against repeats.
  [[nodiscard]] replayed replay(core::log_id log, core::slot upto) const;

  core::configuration first_;
  std::map<core::log_id, log_model> logs_;
  std::map<std::pair<core::node_id, core::log_id>, acceptor_memory> acceptors_;
  std::map<std::pair<core::log_id, core::ballot>, core::slot> counted_;  ///< by each owner
  std::map<std::pair<core::node_id, core::log_id>, std::pair<core::ballot, core::slot>> last_seen_;
};

}  // namespace atlas::sim
