// One node's copy of one log: acceptor (promises and votes, consensus.md §3), learner (watermark,
// catch-up, §7) and applied table. Every input returns its consequences as data; nothing here does
// I/O. The order that makes it safe is part of the type: `held` may only leave after `persist`, and
// everything persisted before it, is durable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ballot.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/ids.hpp"
#include "core/log_retention.hpp"
#include "core/messages.hpp"
#include "core/planted_bug.hpp"
#include "core/ports.hpp"
#include "core/replica_limits.hpp"
#include "core/snapshot_intake.hpp"
#include "core/snapshot_source.hpp"
#include "core/stale_reads.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {

/// What the owner on the same node must know about its copy.
struct replica_progress {
  slot watermark;                        ///< applied up to here
  stamp last_stamp;                      ///< of the last batch applied
  std::optional<configuration> changed;  ///< a configuration that became active
  /// The newest of these slots were learned from another copy, not from votes; by slot.
  std::vector<std::pair<slot, entry>> learned = {};
  stamp next_due = {};  ///< log time at which a row ends; 0: none will
};

/// A hand-off that this process took, and where its copy stood then.
struct taken_log {
  hand_off what;
  node_id giver;
  slot watermark;
  stamp last_stamp;
};

/// Consequences of one input of a replica.
struct replica_effects {
  std::vector<record_write> persist;    ///< one atomic group, in order
  bool sync = false;                    ///< `persist` must be fsynced before `held` leaves
  std::uint64_t group = 0;              ///< number of this group, for `replica::on_written`
  std::vector<outgoing> held;           ///< leave after this and all earlier groups are durable
  std::vector<outgoing> now;            ///< depend on nothing that is not durable
  std::vector<command_result> results;  ///< of commands that the local owner had proposed
  std::optional<replica_progress> progress;  ///< for the local owner
  bool catalogue_changed = false;            ///< meta log: read the catalogue again
  slot installed{};                          ///< a snapshot of this slot was put in place
  std::optional<taken_log> taken;            ///< an owner must begin here, unless a candidate runs
  struct stale_answer {
    std::uint64_t ticket = 0;
    table_id table;
    outcome result;
  };
  std::vector<stale_answer> stale;  ///< answers to `on_stale`
};

class replica {
 public:
  /// `first` is the configuration the log began with; it counts until the log holds a newer one.
  /// `disk` and `leases` outlive the replica; without `leases` no owner is protected.
  replica(log_id log, process self, configuration first, const log_store& disk,
          lease_guard* leases = nullptr, const replica_limits& limits = {});

  void on_prepare(process from, const prepare& m, replica_effects& out);
  void on_accept(process from, const accept& m, replica_effects& out);
  void on_commit(process from, const commit& m, replica_effects& out);
  void on_fetch(process from, const fetch& m, replica_effects& out);
  void on_chosen(process from, const chosen& m, replica_effects& out);
  void on_release(process from, const release& m, replica_effects& out);
  /// The local owner needs every slot up to `upto`, which `source` holds.
  void on_chase(node_id source, slot upto, replica_effects& out);
  void on_snapshot_offer(process from, const snapshot_offer& m, replica_effects& out);
  void on_snapshot_request(process from, const snapshot_request& m, replica_effects& out);
  void on_snapshot_chunk(process from, const snapshot_chunk& m, replica_effects& out);
  /// The store has written group `group` and all before it; with `durable` they are synced.
  void on_written(std::uint64_t group, bool durable, replica_effects& out);
  // replica_move.cpp: the receiving side of a move (§6).
  void on_move_offer(process from, const move_offer& m, replica_effects& out);
  void on_hand_off(process from, const hand_off& m, replica_effects& out);
  /// What time it is, until the first tick tells.
  void set_clock(tick now) { now_ = now; }
  /// Call every 50-100 ms: asks again for what is missing.
  void on_tick(tick now, replica_effects& out);

  /// Answers a read from the applied rows. Linearizable only when the owner has confirmed its
  /// ballot after the read arrived and `can_answer` its watermark at that time. `wall`: as in
  /// `state_machine::answer`.
  [[nodiscard]] outcome answer(const read& r, stamp wall = {}) const;
  [[nodiscard]] std::uint64_t small_commands() const { return table_.small_commands(); }
  /// As `state_machine::list`: for reads that `answer` would need long for.
  [[nodiscard]] std::unique_ptr<listing> list(const read& r) const { return table_.list(r); }
  /// While somebody watches, changes are written as soon as they are applied.
  void set_watched(bool on) { watched_ = on; }
  /// When the next row ends, in log time; 0: none will.
  [[nodiscard]] stamp next_due() const { return table_.next_due(); }
  /// Answers a read from this copy, whoever owns the log, as soon as the copy holds `least`; not at
  /// all if that is after the deadline.
  void on_stale(stale_ask&& ask, replica_effects& out);
  /// False while a snapshot is put in place, or if the copy is behind `least`.
  [[nodiscard]] bool can_answer(slot least) const { return !installing_ && watermark_ >= least; }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> rows(
      const std::string& prefix) const {
    return table_.rows(prefix);
  }

  [[nodiscard]] log_id log() const { return log_; }
  [[nodiscard]] ballot promised() const { return promised_; }
  [[nodiscard]] slot watermark() const { return watermark_; }
  [[nodiscard]] stamp last_stamp() const { return last_stamp_; }
  [[nodiscard]] std::uint64_t applied_hash() const { return applied_hash_; }
  [[nodiscard]] const configuration& active() const { return active_; }
  /// A Q2 of the active configuration has durably applied the slot that brought it: only now may
  /// who lost its seat go away, and only now may the next change begin (§9).
  [[nodiscard]] bool settled() const {
    return settled_ || active_at_ == slot{} || planted(bug::settled_at_once);
  }
  /// Entries up to here are not in the log any more.
  [[nodiscard]] slot truncated() const { return truncated_; }
  /// Whom this node follows: who last spoke as owner under `promised` or a higher ballot (a member
  /// without a seat hears of the owner by commit notices alone); node 0 = nobody.
  [[nodiscard]] process holder() const { return heard_by_ >= promised_ ? heard_ : process{}; }

 private:
  /// Where the next entries are to be had; says nothing about this acceptor's own votes.
  struct wanted_entries {
    slot upto;
    node_id source;
  };
  /// What the disk shows once a group is written.
  struct written_state {
    ballot promised;
    slot watermark;  ///< entries up to here are the chosen ones
    slot applied;    ///< the rows are as after this slot
  };
  replica(log_id log, process self, configuration first, const log_store& disk, lease_guard* leases,
          const replica_limits& limits, const recovered_log& past);

  /// 0, or for how many ms a lease forbids phase 1 of `candidate`.
  [[nodiscard]] std::uint64_t lease_wait(node_id candidate);
  void follow(process from, generation gen, replica_effects& out);
  /// False if the vote must be withheld because too much is buffered above the watermark.
  bool store_entries(const accept& m, replica_effects& out);
  void drop_vote(std::map<slot, accepted_entry>::iterator at) {
    tail_bytes_ -= at->second.value.size();
    tail_.erase(at);
  }
  void hear(process from, ballot by, generation gen);
  void learn(process from, ballot by, slot upto, replica_effects& out);
  void apply_known(bool answer, replica_effects& out);
  void apply_entry(slot at, const entry& value, bool answer, replica_effects& out);
  void note_applied(replica_effects& out);
  void answer_shelf(replica_effects& out);
  void save(replica_effects& out);
  void want(node_id source, slot upto, replica_effects& out);
  void ask_for_missing(replica_effects& out);
  [[nodiscard]] node_id another_source();
  void open_group(replica_effects& out);
  /// Every slot up to here is applied, or will be when the snapshot on its way is in place.
  [[nodiscard]] slot held_slot() const { return std::max(watermark_, installing_); }
  // replica_snapshot.cpp: truncation and snapshots.
  void truncate(replica_effects& out);
  void drop_staged(replica_effects& out);
  void abandon_snapshot(replica_effects& out);
  void install(replica_effects& out);
  void finish_install(replica_effects& out);
  void tick_snapshots(replica_effects& out);

  log_id log_;
  process self_;
  const log_store* disk_;
  lease_guard* leases_;
  configuration active_;    ///< chosen last at or below the watermark; epochs only rise
  slot active_at_;          ///< where it was chosen; 0 for the first
  bool settled_ = false;    ///< an owner said so, who counted under this very configuration
  ballot promised_;         ///< only rises
  ballot durable_promise_;  ///< the part of `promised_` that is on disk
  process holder_;          ///< last accept or confirm answered under `promised_`
  generation holder_generation_;
  ballot handed_on_;                   ///< this one may be held on another node than it names
  std::uint64_t handed_on_group_ = 0;  ///< the group that says so, until it is durable
  process heard_;                      ///< who spoke as owner under the highest ballot heard of
  ballot heard_by_;
  generation heard_generation_;
  std::pair<ballot, generation> taken_;  ///< last hand-off taken by this process
  slot watermark_;                       ///< applied up to here; only rises
  slot written_watermark_;               ///< the part of it that the disk shows
  slot saved_watermark_;                 ///< the part of it that was handed to the store
  config_epoch saved_epoch_;
  stamp last_stamp_;
  std::uint64_t applied_hash_ = 0;
  std::map<slot, accepted_entry> tail_;  ///< accepted above the watermark
  std::size_t tail_bytes_ = 0;           ///< of the entries in it
  /// Per ballot, the highest watermark heard above the own one: votes of that very ballot up to it
  /// are chosen. All of them stay true, so a newer ballot does not make an older one forgotten.
  std::map<ballot, slot> known_;
  wanted_entries wanted_;
  node_id told_by_;           ///< another node that said it holds as much
  unsigned rotation_ = 0;     ///< which seat to ask when the source does not answer
  std::uint64_t groups_ = 0;  ///< groups handed out so far
  std::map<std::uint64_t, written_state> unwritten_;  ///< by group
  tick now_;
  std::optional<tick> asked_at_;  ///< when the last fetch left
  fetch_pace pace_;
  std::uint64_t fetch_after_ = 0;  ///< the disk must have taken this group before more may come
  bool watched_ = false;
  std::vector<stale_ask> shelf_;  ///< wait for the copy; bound: the gateway's requests in flight
  state_machine table_;

  replica_limits limits_;
  slot stable_;           ///< a Q2 has durably applied every slot up to here, says an owner
  slot written_applied_;  ///< the applied slot that the disk shows
  slot durable_applied_;  ///< the part of it that was synced
  slot truncated_;        ///< entries up to here are gone; in flight to the disk, maybe
  log_retention retention_;
  snapshot_source source_;
  snapshot_intake intake_;
  bool staged_ = false;                 ///< the disk holds rows beside those of the table
  slot installing_;                     ///< of a snapshot on its way to the disk; 0: none
  std::uint64_t installing_group_ = 0;  ///< the write group that it is
};

}  // namespace atlas::core
