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
#include "tests/sim/event_queue.hpp"
#include "tests/sim/sim_disk.hpp"
#include "tests/sim/sim_options.hpp"
#include "tests/sim/table_model.hpp"

namespace atlas::sim {

/// Every function throws `sim_failure` when a rule is broken.
class monitor {
 public:
  monitor(const sim_options& options, const event_queue& events)
      : first_(options.first),
        keep_slots_(options.limits.keep_slots),
        keep_us_(options.limits.keep_ms * 1'000'000 / (1'000 + options.drift_permille)),
        events_(events) {}

  /// An owner sends entries: a value once sent under (ballot, slot) never changes, and nothing is
  /// sent under a configuration that is not in force there.
  void on_proposed(const core::accept& m);
  /// An owner took a step: what it counts as chosen has the votes, and is the only value.
  void on_owner(const core::proposer& owner, core::log_id log);
  /// A replica took a step: it applied only what is chosen, in order, with the same result as all.
  void on_replica(core::node_id node, const core::replica& copy);
  /// A replica that knew epoch `known` chosen before the step makes these answers.
  void on_answering(core::node_id node, core::config_epoch known,
                    const std::vector<core::outgoing>& answers) const;
  /// A message leaves its node: the disk holds what it says (invariant 2).
  void on_leaving(core::node_id node, const core::outgoing& m, const log_image& durable);
  /// A node started again from its disk.
  void on_restart(core::node_id node, const core::replica& copy);
  // monitor_moves.cpp: one ballot, one speaker at a time (§6).
  /// An owner, the `tenure`th of its process, speaks under its ballot.
  void on_speaking(core::process self, std::uint64_t tenure, const core::accept& m);
  /// The owner with generation `mine` hands its ballot on; the same words each time.
  void on_giving(core::generation mine, const core::hand_off& m);
  /// A replica took a hand-off for its process.
  void on_taken(core::process self, const core::hand_off& m, const core::replica& copy);
  /// An owner begins to serve.
  void on_serving(core::node_id node, const core::proposer& owner, const core::replica& copy) const;
  /// A read came to an owner, and was answered by its copy.
  void on_read_arrived(core::log_id log, const core::read& r);
  void on_read_answered(core::log_id log, const core::read& r, core::slot applied);
  /// Node `by.node` or whom it handed the log to answers a read because of its lease.
  void on_lease_read(core::node_id node, core::log_id log, core::ballot by, core::generation gen);
  /// Rows of a copy are what the chosen log up to its watermark makes of an empty table.
  void check_rows(core::node_id node, const core::replica& copy) const;
  /// The same for the rows that a disk shows, versions included: a command executed twice shows.
  void check_disk(core::node_id node, core::log_id log, const log_image& disk);

  /// Node's medium holds this for sure.
  void on_durable(core::node_id node, core::log_id log, const log_image& durable);
  /// What was cut from the log is durably applied on a Q2, and here, and no node was to keep it.
  void check_truncation(core::node_id node, core::log_id log, const log_image& disk);

  /// The log as every copy must see it; null before anything was chosen.
  [[nodiscard]] const table_model* table(core::log_id log) const;
  [[nodiscard]] core::slot last_chosen(core::log_id log) const;
  /// Configuration in force after the last chosen slot.
  [[nodiscard]] const core::configuration& active(core::log_id log) const;
  [[nodiscard]] std::uint64_t chosen_total() const;
  /// Everything that was executed, in all logs.
  [[nodiscard]] const table_ledger& ledger() const { return ledger_; }
  /// Changes of configuration that were chosen, in all logs.
  struct changes {
    std::uint64_t all = 0;
    std::uint64_t in_row = 0;         ///< in a log that had changed before
    std::uint64_t of_tolerances = 0;  ///< of fn or fz
  };
  [[nodiscard]] changes changes_total() const;
  /// Batches without commands that were chosen.
  [[nodiscard]] std::uint64_t ticks() const { return ticks_; }

 private:
  void check_history(core::node_id node, core::log_id log, const log_image& disk);
  std::uint64_t ticks_ = 0;
  using tenure_name = std::pair<core::ballot, core::generation>;
  struct chosen_value {
    core::entry value;
    core::ballot by;
    std::uint64_t hash = 0;   ///< running hash of the log up to here
    std::uint64_t at_us = 0;  ///< when it was seen to be
  };
  /// The naive model of one log: applied in slot order as soon as a slot is chosen.
  struct log_model {
    std::vector<chosen_value> chosen;  ///< [i] is slot i + 1
    std::vector<std::pair<core::slot, core::configuration>> configurations;
    std::map<std::pair<core::ballot, core::slot>, core::entry> proposed;
    std::map<std::string, core::ballot> authors;  ///< bytes of an entry -> who proposed it first
    std::map<std::pair<core::ballot, core::slot>, std::set<core::node_id>> votes;
    /// Per ballot and epoch, the slot at which it proposed to replace that epoch.
    std::map<std::pair<core::ballot, core::config_epoch>, core::slot> replaced;
    /// Epoch under which an owner sent a numbered accept or confirm.
    std::map<std::tuple<core::ballot, core::generation, std::uint64_t>, core::config_epoch> rounds;
    std::map<tenure_name, std::pair<core::process, std::uint64_t>> speakers;
    std::map<tenure_name, core::hand_off> given;  ///< by the generation that it begins
    std::set<tenure_name> taken;
    std::map<core::ballot, core::slot> asked_from;  ///< highest first slot of a ballot's prepares
    table_model table;
  };
  struct acceptor_memory {
    core::ballot told;  ///< highest ballot this acceptor ever promised to anybody
    /// Slots it said it voted for, with the highest ballot, above the watermark it last told.
    std::map<core::slot, core::ballot> votes;
    core::slot durably_applied;
    core::slot truncated;  ///< seen on its disk
  };

  void choose(core::log_id log, core::slot at, core::ballot by);
  void note_prepare(core::node_id node, const core::prepare& m, bool to_itself,
                    const log_image& durable);
  void note_promise(core::node_id node, const core::promise& m, const log_image& durable);
  void note_votes_told(core::node_id node, const core::promise& m, core::slot from);
  void note_accepted(core::node_id node, const core::accepted& m, const log_image& durable);
  void note_handed_out(core::node_id node, const core::chosen& m) const;
  void check_settled(core::node_id node, const core::replica& copy);
  log_model& model(core::log_id log);
  [[nodiscard]] const model_rows& rows_after(core::log_id log, core::slot upto) const;
  [[nodiscard]] static bool has_q2(const core::configuration& c,
                                   const std::set<core::node_id>& voters);

  core::configuration first_;
  std::uint64_t keep_slots_;
  std::uint64_t keep_us_;  ///< by the fastest clock there is
  const event_queue& events_;
  std::map<core::log_id, log_model> logs_;
  std::map<std::pair<core::node_id, core::log_id>, acceptor_memory> acceptors_;
  std::map<std::pair<core::log_id, core::ballot>, core::slot> counted_;  ///< by each owner
  std::map<std::pair<core::node_id, core::log_id>, std::pair<core::ballot, core::slot>> last_seen_;
  /// Up to where the history on the disk of each copy was compared.
  std::map<std::pair<core::node_id, core::log_id>, core::slot> history_checked_;
  /// Last chosen slot when a read came to an owner.
  std::map<std::tuple<core::log_id, core::table_id, core::process, core::sequence>, core::slot>
      reads_;
  table_ledger ledger_;
};

}  // namespace atlas::sim
