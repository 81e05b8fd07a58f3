// The owner of a log: wins phase 1, recovers what earlier owners left, then orders batches of
// commands in pipelined phase 2, confirms its ballot for reads, and changes the configuration
// (consensus.md §4, §5 `reads: quorum`, §9). Volatile by design: after a restart a node owns
// nothing. It trusts its own node's replica for persistence: `prepare` reaches the others only
// after the own replica has durably promised the ballot, so no restart can use a ballot twice.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/applied_ledger.hpp"
#include "core/ballot.hpp"
#include "core/chunk_window.hpp"
#include "core/command.hpp"
#include "core/command_queue.hpp"
#include "core/configuration.hpp"
#include "core/grid_quorum.hpp"
#include "core/ids.hpp"
#include "core/lease.hpp"
#include "core/messages.hpp"
#include "core/nearest_quorum.hpp"
#include "core/replica.hpp"

namespace atlas::core {

/// Both clocks, as the shell read them when the input arrived.
struct clock_reading {
  tick now;
  stamp wall;
};

/// Consequences of one input of a proposer. Messages to the own node go to its replica, and reach
/// it before `reads` do (same queue).
struct proposer_effects {
  std::vector<outgoing> send;
  struct confirmed_reads {
    slot applied_min;  ///< answer only when the replica's watermark is at least this
    std::vector<read> reads;
    /// If not 0 the reads rest on a lease: after executing them, and before they are answered, the
    /// clock must show less than this and the tenure must still allow reads. Else give them back.
    tick lease_until;
  };
  std::vector<confirmed_reads> reads;  ///< the own replica answers them now
  std::vector<command> unproposed;     ///< given back: certainly not in the log by this owner
  std::vector<read> unread;            ///< given back
  std::string why;                     ///< why they are given back, for the person who waits
  struct chase {
    node_id source;
    slot upto;
  };
  std::optional<chase> fetch;  ///< the own replica must catch up to `upto`, held by `source`
  bool over = false;           ///< the tenure ended; drop this object
  ballot seen;                 ///< highest ballot that was seen, when over
  /// A move ended, one way or the other.
  struct move_result {
    node_id target;
    bool done = false;  ///< the target serves
    std::string why;    ///< if not
  };
  std::optional<move_result> moved;
};

class proposer {
 public:
  enum class stage : std::uint8_t {
    promising,   ///< the own replica makes the ballot durable
    electing,    ///< collecting Q1 of the configuration in force
    recovering,  ///< proposing again what earlier ballots may have chosen
    serving,
    draining,   ///< reconfiguration: no new proposals until all below are chosen
    switching,  ///< a configuration entry is in flight or being applied
    over,
    handing,  ///< a move: no new proposals until what is in flight fits into the hand-off
    gone,     ///< the ballot was handed on: only repeats that very message, and counts late votes
  };

  /// What the own replica knew when the tenure began.
  struct beginning {
    log_id log;
    process self;
    ballot above;  ///< the ballot will be above this
    slot watermark;
    stamp last_stamp;
    configuration active;
  };

  /// `leases` outlives the proposer; without it every read is confirmed by a round
  /// (`reads: quorum`).
  proposer(beginning b, clock_reading at, proposer_effects& out,
           const lease_source* leases = nullptr);

  /// A hand-off that the own replica took (§6): goes on under the same ballot.
  struct inheritance {
    taken_log from;
    process self;
    std::vector<node_id> reachable;
  };
  proposer(inheritance i, clock_reading at, proposer_effects& out,
           const lease_source* leases = nullptr);

  void on_commands(std::vector<command>&& commands, clock_reading at, proposer_effects& out);
  void on_reads(std::vector<read>&& reads, clock_reading at, proposer_effects& out);
  void on_promise(process from, const promise& m, clock_reading at, proposer_effects& out);
  void on_nack(process from, const nack& m, proposer_effects& out);
  void on_accepted(process from, const accepted& m, clock_reading at, proposer_effects& out);
  /// The own replica applied more, or changed its configuration.
  void on_progress(const replica_progress& p, clock_reading at, proposer_effects& out);
  /// Nodes that answer at present, this one included. They decide whom to ask and whether to start
  /// anything; never how many are enough.
  void on_reachable(const std::vector<node_id>& nodes, clock_reading at, proposer_effects& out);
  /// Measured distances, from time to time. From the first call on the owner is thrifty: it asks
  /// the nearest Q2 first.
  void on_nearness(const round_trips& distance, clock_reading at, proposer_effects& out);
  /// Wants `next` (a successor of the active configuration) in force. Ignored unless serving.
  void on_reconfigure(const configuration& next, proposer_effects& out, clock_reading at);
  /// Give the log to `target`. The answer is in `proposer_effects::moved`, now or later.
  void on_move(node_id target, clock_reading at, proposer_effects& out);
  void on_move_ready(process from, const move_ready& m, clock_reading at, proposer_effects& out);
  /// Asks the seats how far they have applied the log, and tells them what a Q2 has. While serving.
  void ask_applied(clock_reading at, proposer_effects& out) {
    if (stage_ == stage::serving) confirm(at, out);
  }
  /// This node is no member any more: as soon as the log does not need its vote it is handed to a
  /// node with a seat, or just left if none takes it.
  void on_removed(clock_reading at, proposer_effects& out);
  /// Members that follow without a seat; they get commit notices.
  void on_followers(const std::vector<node_id>& nodes) { followers_ = nodes; }
  /// Every 20-50 ms: repeats what got no answer, tells idle followers the watermark.
  void on_tick(clock_reading at, proposer_effects& out);

  [[nodiscard]] stage state() const { return stage_; }
  /// Whether reads that were let go on a lease of this tenure may still be answered.
  [[nodiscard]] bool may_read() const {
    return stage_ == stage::serving || stage_ == stage::draining;
  }
  /// Until when the log is protected by leases of a Q2-sufficient set; tick 0 if it is not.
  [[nodiscard]] tick lease_until() const;
  [[nodiscard]] ballot by() const { return ballot_; }
  [[nodiscard]] generation gen() const { return gen_; }
  /// Whether this tenure may still speak as owner or candidate.
  [[nodiscard]] bool goes_on() const { return !is_done(); }
  [[nodiscard]] slot chosen() const { return chosen_; }
  [[nodiscard]] const configuration& active() const { return config_; }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// Who takes what is given back, because the ballot was handed to it; node 0 = nobody.
  [[nodiscard]] process heir() const { return stage_ == stage::gone ? move_->heir : process{}; }

 private:
  struct proposal {
    entry value;
    vote_set votes;
    tick sent_at;
    bool chosen = false;
    tick first_sent;        ///< `sent_at` is the last time
    bool is_chunk = false;  ///< ends with a chunk of a large value
    bool is_whole = false;  ///< and that is as long as chunks are
  };
  /// A move of the log away from here.
  struct move {
    node_id target;
    tick began;        ///< of the stage it is in: offering, draining, handed over
    tick said_at;      ///< last offer or hand-off
    process heir;      ///< the start of the target that takes it
    hand_off parting;  ///< what is repeated; never another one in this tenure
  };
  struct waiting_reads {
    std::uint64_t round;  ///< a Q2 must have answered this round or a later one
    slot applied_min;
    std::vector<read> reads;
  };

  // proposer_election.cpp: phase 1, recovery, configurations.
  void invite(const configuration& c, clock_reading at, proposer_effects& out);
  void try_election(clock_reading at, proposer_effects& out);
  void recover(clock_reading at, proposer_effects& out);
  void finish_recovery(clock_reading at, proposer_effects& out);
  void adopt(const configuration& c, clock_reading at);
  void try_drain(clock_reading at, proposer_effects& out);
  void try_switch(clock_reading at, proposer_effects& out);
  void withdraw_invitation(clock_reading at);
  // proposer_move.cpp: giving the log away.
  void offer(clock_reading at, proposer_effects& out);
  void try_hand_over(clock_reading at, proposer_effects& out);
  [[nodiscard]] bool fits_hand_off() const;
  void go_on(const hand_off& from, clock_reading at, proposer_effects& out);
  void tick_move(clock_reading at, proposer_effects& out);
  void end_move(bool done, std::string why, proposer_effects& out);
  // proposer_batching.cpp
  void pump(clock_reading at, proposer_effects& out);
  [[nodiscard]] std::size_t chunks_in_flight() const;
  /// Whether a further slot of small commands may be proposed now: few large ones cost less than
  /// many small ones.
  [[nodiscard]] bool has_room(clock_reading at) const;
  void propose_batch(command_batch&& batch, clock_reading at, proposer_effects& out);
  // proposer.cpp: phase 2 and reads.
  [[nodiscard]] bool knows_inherited() const {
    return chosen_ >= inherited_ || planted(bug::heir_reads_early);
  }
  /// `near`: the nearest are enough for now.
  void confirm(clock_reading at, proposer_effects& out, bool near = false);
  void propose(entry value, clock_reading at, proposer_effects& out);
  void send_accept(accept m, proposer_effects& out) const;
  // proposer_thrifty.cpp
  void choose_near(clock_reading at, proposer_effects& out);
  [[nodiscard]] bool is_thrifty(clock_reading at) const;
  [[nodiscard]] bool is_near(node_id node) const;
  void send_near(accept m, proposer_effects& out) const;
  void keep_outside(slot at_slot, const entry& value, clock_reading at);
  void send_outside(proposer_effects& out);
  void ask_all(clock_reading at, proposer_effects& out);
  void tick_thrifty(clock_reading at, proposer_effects& out);
  void advance(clock_reading at, proposer_effects& out);
  void release_reads(proposer_effects& out);
  void renew_lease(clock_reading at, proposer_effects& out);
  void give_back(proposer_effects& out, std::string why);
  void end(proposer_effects& out, ballot seen);
  void repeat_unanswered(clock_reading at, proposer_effects& out);
  void notice(clock_reading at, proposer_effects& out);
  void tick_time(clock_reading at, proposer_effects& out);
  bool count_learned(const replica_progress& p, clock_reading at, proposer_effects& out);
  [[nodiscard]] bool can_commit() const { return quorum_.has_q2(quorum_.votes_of(reachable_)); }
  [[nodiscard]] bool is_reachable(node_id node) const;
  /// This tenure proposes and reads no more.
  [[nodiscard]] bool is_done() const { return stage_ == stage::over || stage_ == stage::gone; }

  log_id log_;
  process self_;
  ballot ballot_;
  generation gen_;  ///< how often the ballot was handed on
  stage stage_ = stage::promising;
  configuration config_;  ///< in force for the next slot to propose
  grid_quorum quorum_;    ///< of `config_`
  /// The next one: while serving, its acceptors are invited; then draining, switching.
  std::optional<configuration> wanted_;
  std::uint64_t invitations_failed_ = 0;  ///< in a row; each failure doubles the pause
  tick no_invitation_before_;
  std::vector<node_id> reachable_;
  std::vector<node_id> followers_;
  std::optional<move> move_;
  std::size_t farewells_ = 0;  ///< moves begun because this node was removed

  // Phase 1. Valid through the whole tenure: a promise once given counts for later configurations.
  std::set<node_id> promises_;
  std::map<slot, accepted_entry> reported_;  ///< highest ballot per slot, not yet proposed again
  slot reported_watermark_;                  ///< highest of any promise
  node_id watermark_source_;
  slot chased_;  ///< the own replica was sent after everything up to here
  tick invite_again_at_;
  std::uint64_t lease_wait_ms_ = 0;  ///< shortest that refused this ballot since the last tick
  ballot above_;                     ///< highest that was known when the tenure began
  std::map<node_id, std::uint64_t> lease_waits_;  ///< that each acceptor named last, in ms
  std::uint64_t lease_wait_max_ms_ = 0;           ///< an election may take so much longer
  tick began_;
  tick could_commit_at_;

  // Phase 2. in_flight_[i] is slot chosen_ + 1 + i.
  slot chosen_;   ///< every slot up to here is chosen; only rises
  slot applied_;  ///< by the own replica
  std::deque<proposal> in_flight_;
  /// An heir: up to here the giver proposed, and may have answered clients. Read only above it.
  slot inherited_;
  command_queue queue_;         ///< bound: 65,536; further commands are given back
  std::size_t last_batch_ = 0;  ///< commands in the newest slot
  tick proposed_at_;            ///< when that was
  chunk_window chunk_window_;
  stamp last_stamp_;
  stamp next_due_;           ///< a row ends then, in log time; 0: none
  bool time_asked_ = false;  ///< a read wants to know how long a row has left
  slot told_;                ///< watermark that the last accept or commit notice carried
  tick told_at_;
  tick noticed_at_;                    ///< last commit notice, which followers without a seat get
  std::uint64_t notice_every_ms_ = 0;  ///< how long until an old notice is repeated; doubles

  // Reads.
  std::uint64_t round_ = 0;  ///< number of the last accept or confirm
  std::map<node_id, std::uint64_t> answered_round_;
  std::deque<waiting_reads> reads_;
  std::size_t reads_waiting_ = 0;  ///< in all of `reads_`; bound: 65,536
  tick confirmed_at_;
  const lease_source* leases_;
  std::map<node_id, lease_session> sessions_;  ///< in which each acceptor last answered this ballot

  // Thrifty sends.
  bool thrifty_ = false;
  round_trips distance_;
  near_set near_;
  tick all_until_;              ///< everybody is asked until then
  std::vector<entry> outside_;  ///< slots that only `near_` has been sent, in order
  slot outside_from_;
  std::size_t outside_bytes_ = 0;
  tick outside_since_;

  applied_ledger ledger_;  ///< how far the nodes have durably applied the log
};

}  // namespace atlas::core
