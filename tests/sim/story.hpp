// What happened in a run, for people: counts of faults and of the protocol's turns, and, when
// somebody listens, one line per event. It only watches: nothing in a run depends on it, so a run
// can be repeated with a listener and is the same run.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "tests/sim/event_queue.hpp"

namespace atlas::sim {

/// Things worth counting; those before `election` are faults, the others turns of the protocol.
enum class thing : std::uint8_t {
  crash,
  crash_with_loss,  ///< of these, how many lost writes that were not synced
  partition,
  cut,
  pause,
  slow_disk,
  usurper,
  duel,
  ambush,  ///< an owner struck while it changes the configuration
  siege,   ///< an owner cut off until its leases end
  isolation,
  bridge,
  flapping,
  slow_link,
  disk_full,     ///< processes that ended because they could not write
  stays_broken,  ///< nodes that were deaf, mute, slow or down for good when progress was demanded
  lost_message,
  repeated_message,
  late_message,
  echo,
  election,           ///< a candidate became owner
  steal,              ///< of these, after another node's ownership
  recovered_slot,     ///< an owner proposed again what an earlier one may have got chosen
  filled_gap,         ///< a no-op was chosen
  configuration,      ///< a change of configuration was chosen
  refusal,            ///< nacks that left
  confirmed_reads,    ///< rounds that let reads go
  late_read,          ///< confirmed reads for which the owner's own copy was behind
  fetch,              ///< chosen entries handed out
  repeated_command,   ///< commands in the chosen log that must not be executed again
  old_vote_answered,  ///< promises that reported votes
  lease_granted,      ///< heartbeats answered
  lease_read,         ///< reads let go without a round
  lease_ran_out,      ///< of these, too late to be answered
  lease_refusal,      ///< phase 1 refused for a lease
  lease_released,     ///< releases sent
  truncation,
  snapshot_part,    ///< parts of snapshots handed out
  install,          ///< snapshots put in place
  view_expired,     ///< transfers that had to begin again
  move_begun,       ///< an owner was asked to hand its log to another node
  move_handed,      ///< of these, the ballot was sent
  move_taken,       ///< of these, another process goes on under it
  in_flight_given,  ///< slots that an heir proposed again behind the giver
  relayed,          ///< requests that followed a ballot to the heir
  move_finished,    ///< of these, the giver knows that the other serves
  removal,          ///< nodes that lost their seats for good
  close,            ///< attempts to close a log for good
  seal,             ///< tables sealed in a log
  part,             ///< parts of tables adopted
  adoption,         ///< tables that arrived whole in another log
  followed,         ///< requests sent to where their table went
  stale_question,   ///< owners asked how far they have applied
  stale_read,       ///< answers of a node's own copy with an age
  stale_fresh,      ///< the same, as fresh as an owner's
  stale_waited,     ///< of both, the copy had to catch up first
  fn_fz_change,     ///< changes of configuration that change a tolerance
  change_in_row,    ///< changes of a log that changed before in the same run
  fz_run,           ///< runs whose logs begin with fz > 0
  quorum_read,      ///< reads confirmed by a round
  time_tick,        ///< batches without commands were chosen
  rule_kept,        ///< writes refused because a row was write-once
  conflict,         ///< compare-and-set of another version than was there
  blob,             ///< values in chunks that were written
  last_,
};
inline constexpr std::size_t things = static_cast<std::size_t>(thing::last_);

[[nodiscard]] const char* name_of(thing t);
[[nodiscard]] inline bool is_fault(thing t) {
  return t < thing::election;
}

struct tally {
  std::array<std::uint64_t, things> of{};
  std::uint64_t& operator[](thing t) { return of[static_cast<std::size_t>(t)]; }
  std::uint64_t operator[](thing t) const { return of[static_cast<std::size_t>(t)]; }
  tally& operator+=(const tally& other);
};

/// One line of a history. Log 0: concerns all logs; node 0: no node in particular.
struct told_event {
  std::uint64_t at_us = 0;
  core::node_id node;
  core::log_id log;
  std::string what;
  [[nodiscard]] std::string to_string() const;
};

/// Who listens to a run.
struct listener {
  bool prints = false;    ///< every event, to standard output
  std::size_t keeps = 0;  ///< the last so many events, of each log
};

class story {
 public:
  story(const event_queue& events, listener who) : events_(events), who_(who) {}

  void count(thing t, std::uint64_t n = 1) { counts_[t] += n; }
  [[nodiscard]] const tally& counts() const { return counts_; }

  /// Make the text of an event only if this is true.
  [[nodiscard]] bool heard() const { return who_.prints || who_.keeps > 0; }
  void tell(core::node_id node, core::log_id log, std::string what);

  /// Where things happen now; a failure concerns this log.
  void enter(core::node_id node, core::log_id log) { node_ = node, log_ = log; }
  [[nodiscard]] core::log_id log() const { return log_; }
  /// A candidate of `node` became the owner of `log`.
  void on_election(core::node_id node, core::log_id log);

  /// The events kept of `log` (0: of all), oldest first.
  [[nodiscard]] std::vector<std::string> last_of(core::log_id log) const;

 private:
  const event_queue& events_;
  listener who_;
  tally counts_;
  core::node_id node_;
  core::log_id log_;
  std::map<core::log_id, core::node_id> owners_;
  std::deque<told_event> kept_;
};

}  // namespace atlas::sim
