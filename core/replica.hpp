// One node's copy of one log: acceptor (promises and votes, consensus.md §3), learner (watermark,
// catch-up, §7) and applied table. Every input returns its consequences as data; nothing here does
// I/O. The order that makes it safe is part of the type: `held` may only leave after `persist`, and
// everything persisted before it, is durable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ballot.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/ids.hpp"
#include "core/messages.hpp"
#include "core/ports.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {

/// What the owner on the same node must know about its copy.
struct replica_progress {
  slot watermark;                        ///< applied up to here
  stamp last_stamp;                      ///< of the last batch applied
  std::optional<configuration> changed;  ///< a configuration that became active
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
};

class replica {
 public:
  /// `first` is the configuration the log began with; it counts until the log holds a newer one.
  /// `disk` outlives the replica.
  replica(log_id log, process self, configuration first, const log_store& disk);

  void on_prepare(process from, const prepare& m, replica_effects& out);
  void on_accept(process from, const accept& m, replica_effects& out);
  void on_commit(process from, const commit& m, replica_effects& out);
  void on_fetch(process from, const fetch& m, replica_effects& out);
  void on_chosen(process from, const chosen& m, replica_effects& out);
  /// The local owner needs every slot up to `upto`, which `source` holds.
  void on_chase(node_id source, slot upto, replica_effects& out);
  /// The store has written group `group` and all before it; durable if they asked for sync.
  void on_written(std::uint64_t group);
  /// Call every 50-100 ms: asks again for what is missing.
  void on_tick(tick now, replica_effects& out);

  /// Answers a read from the applied rows. Linearizable only when the owner has confirmed its
  /// ballot after the read arrived and `watermark() >=` its watermark at that time.
  [[nodiscard]] outcome answer(const read& r) const;
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
  /// Whom this node follows: who last spoke as owner under `promised` or a higher ballot (a member
  /// without a seat hears of the owner by commit notices alone); node 0 = nobody.
  [[nodiscard]] process holder() const { return heard_by_ >= promised_ ? heard_ : process{}; }

 private:
  /// Where the next entries are to be had; says nothing about this acceptor's own votes.
  struct wanted_entries {
    slot upto;
    node_id source;
  };
  replica(log_id log, process self, configuration first, const log_store& disk,
          const recovered_log& past);

  /// False if the vote must be withheld because too much is buffered above the watermark.
  bool store_entries(const accept& m, replica_effects& out);
  void hear(process from, ballot by);
  void learn(process from, ballot by, slot upto, replica_effects& out);
  void apply_known(bool answer, replica_effects& out);
  void apply_entry(slot at, const entry& value, bool answer, replica_effects& out);
  void note_applied(replica_effects& out);
  void save(replica_effects& out);
  void want(node_id source, slot upto, replica_effects& out);
  void ask_for_missing(replica_effects& out);
  [[nodiscard]] node_id another_source();
  void open_group(replica_effects& out);

  log_id log_;
  process self_;
  const log_store* disk_;
  configuration active_;    ///< chosen last at or below the watermark; epochs only rise
  ballot promised_;         ///< only rises
  ballot durable_promise_;  ///< the part of `promised_` that is on disk
  process holder_;          ///< last accept or confirm answered under `promised_`
  generation holder_generation_;
  process heard_;  ///< who spoke as owner under the highest ballot heard of
  ballot heard_by_;
  slot watermark_;          ///< applied up to here; only rises
  slot written_watermark_;  ///< the part of it that the disk shows
  slot saved_watermark_;    ///< the part of it that was handed to the store
  config_epoch saved_epoch_;
  stamp last_stamp_;
  std::uint64_t applied_hash_ = 0;
  std::map<slot, accepted_entry> tail_;  ///< accepted above the watermark
  /// Per ballot, the highest watermark heard above the own one: votes of that very ballot up to it
  /// are chosen. All of them stay true, so a newer ballot does not make an older one forgotten.
  std::map<ballot, slot> known_;
  wanted_entries wanted_;
  unsigned rotation_ = 0;     ///< which seat to ask when the source does not answer
  std::uint64_t groups_ = 0;  ///< groups handed out so far
  std::map<std::uint64_t, std::pair<ballot, slot>> unwritten_;  ///< group -> promise, watermark
  tick now_;
  std::optional<tick> asked_at_;  ///< when the last fetch left
  state_machine table_;
};

}  // namespace atlas::core
