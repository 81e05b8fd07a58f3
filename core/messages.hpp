// What nodes say to each other about one log, one struct per sentence (consensus.md 3, 4, 6, 7).
// Plain data; the transport adds who speaks (node, boot epoch, sequence) and drops what is not for
// this boot. A message may be lost, repeated or reordered: no receiver may depend on order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/ballot.hpp"
#include "core/command.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/fetch_pace.hpp"
#include "core/ids.hpp"
#include "core/lease.hpp"

namespace atlas::core {

/// Phase 1a: promise me `by` and tell me what you accepted from slot `from` on.
struct prepare {
  log_id log;
  ballot by;
  slot from;
  config_epoch epoch;  ///< newest configuration the candidate knows chosen
};

/// Phase 1b. `entries` are those above `watermark`; what is at or below it is chosen and is
/// fetched.
struct promise {
  log_id log;
  ballot by;
  slot watermark;
  config_epoch epoch;
  std::vector<accepted_entry> entries;
};

enum class nack_reason : std::uint8_t {
  ballot_below = 1,      ///< promised a higher ballot
  generation_below = 2,  ///< the ballot was handed on
  epoch_below = 3,       ///< the sender's configuration is older than one known chosen
  lease_runs = 4,        ///< of the holder, or of one before a restart; ask again later
};

/// Refusal of prepare or accept.
struct nack {
  log_id log;
  ballot by;  ///< the refused ballot
  nack_reason why = nack_reason::ballot_below;
  ballot promised;
  config_epoch epoch;
  std::uint64_t wait_ms = 0;  ///< lease_runs: how long it still does
  generation gen = {};        ///< of whom the speaker follows under `promised`
};

/// Phase 2a for the slots first, first+1, ... Without entries it is `confirm`: do you still follow
/// `by`? `round` numbers the owner's messages and comes back in `accepted`.
struct accept {
  log_id log;
  ballot by;
  generation gen;
  config_epoch epoch;
  std::uint64_t round = 0;
  slot first;
  std::vector<entry> entries;
  slot watermark;  ///< every slot up to here is chosen
  /// A Q2 of the configuration has durably applied every slot up to here: replicas may truncate.
  slot stable{};
};

/// Phase 2b for [first, first + count).
struct accepted {
  log_id log;
  ballot by;
  generation gen;
  std::uint64_t round = 0;
  slot first;
  std::uint32_t count = 0;
  lease_session session = 0;  ///< of the owner's process at this node, see core/lease.hpp
  slot applied{};             ///< every slot up to here is durably applied by the speaker
};

/// Every slot up to `watermark` is chosen, by the owner with ballot `by`.
struct commit {
  log_id log;
  ballot by;
  slot watermark;
  slot stable{};  ///< as in `accept`
  generation gen = {};
};

/// Send me chosen entries from slot `from` on, about `bytes` of them.
struct fetch {
  log_id log;
  slot from;
  std::uint64_t bytes = fetch_pace::bytes_max;
};

/// Chosen entries of the slots first, first+1, ...; `watermark` is what the speaker holds.
struct chosen {
  log_id log;
  slot first;
  std::vector<entry> entries;
  slot watermark;
};

/// "Do you miss this owner too?" (consensus.md §6). `suspect` is whom the asker believed to own;
/// node 0 if it knows nobody.
struct owner_query {
  log_id log;
  process suspect;
};

struct owner_report {
  log_id log;
  process suspect;
  bool missed = false;  ///< the speaker knows no owner that it can hear
  ballot promised;
  process holder;  ///< whom the speaker follows; node 0 = nobody
};

/// "I do not go on as owner under this ballot and generation": the acceptor need not protect it.
struct release {
  log_id log;
  ballot by;
  generation gen;
};

/// What you ask for is no longer in my log: every slot up to `truncated` is only to be had in a
/// snapshot. Also the answer to a request of a transfer that is over: begin again.
struct snapshot_offer {
  log_id log;
  std::uint64_t transfer = 0;  ///< the one that is over; 0 in answer to a fetch
  slot truncated;
};

/// Send me part `part` of a snapshot; part 0 begins the transfer. The asker numbers its transfers
/// and has one part outstanding, which is the flow control.
struct snapshot_request {
  log_id log;
  std::uint64_t transfer = 0;
  std::uint64_t part = 0;
  std::string after;  ///< last row that arrived; means nothing before the first row
};

/// One part of a snapshot: first all results, then all rows in order.
struct snapshot_chunk {
  log_id log;
  std::uint64_t transfer = 0;
  std::uint64_t part = 0;
  slot at;  ///< the rows are as after this slot, in all parts of a transfer
  stamp when;
  std::uint64_t hash = 0;
  slot configuration_at;
  configuration active;  ///< chosen last at or below `at`; epoch 0: none was
  std::string results;   ///< lines of the result window
  std::vector<std::pair<std::string, std::string>> rows;
  bool last = false;
};

/// "May I hand this log to you?" Repeated while the receiver catches up, so it needs no memory.
struct move_offer {
  log_id log;
  ballot by;
  generation gen;  ///< under which the speaker owns the log
  slot watermark;  ///< every slot up to here is chosen
};

/// Answer to an offer, and receipt of a hand-off that was taken.
struct move_ready {
  log_id log;
  ballot by;
  generation gen;  ///< of the offer, or of the hand-off
  slot applied;    ///< the speaker holds every slot up to here
};

/// The ballot itself, for one process: it goes on under `by`, the speaker never again (§6).
struct hand_off {
  log_id log;
  ballot by;
  generation gen;        ///< the speaker's, raised by one
  process to;            ///< this start of this node and no other
  slot last_slot;        ///< nothing was proposed above it
  configuration active;  ///< in force for the slot after it
  stamp last_stamp;
  /// What was proposed for the last slots and is not known chosen: the heir proposes it again.
  std::vector<entry> unfinished = {};
  /// Everything up to here is chosen.
  [[nodiscard]] slot chosen() const { return {last_slot.value - unfinished.size()}; }
  static constexpr std::size_t unfinished_max = 64;  ///< slots
};

using message = std::variant<prepare, promise, nack, accept, accepted, commit, fetch, chosen,
                             owner_query, owner_report, snapshot_offer, snapshot_request,
                             snapshot_chunk, release, move_offer, move_ready, hand_off>;

/// A message and the node it goes to.
struct outgoing {
  node_id to;
  message what;
};

}  // namespace atlas::core
