// What nodes say to each other about one log, one struct per sentence (consensus.md 3, 4, 6, 7).
// Plain data; the transport adds who speaks (node, boot epoch, sequence) and drops what is not for
// this boot. A message may be lost, repeated or reordered: no receiver may depend on order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/ballot.hpp"
#include "core/command.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/ids.hpp"

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
};

/// Refusal of prepare or accept.
struct nack {
  log_id log;
  ballot by;  ///< the refused ballot
  nack_reason why = nack_reason::ballot_below;
  ballot promised;
  config_epoch epoch;
  generation gen = {};  ///< of whom the speaker follows under `promised`
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
};

/// Phase 2b for [first, first + count).
struct accepted {
  log_id log;
  ballot by;
  generation gen;
  std::uint64_t round = 0;
  slot first;
  std::uint32_t count = 0;
};

/// Every slot up to `watermark` is chosen, by the owner with ballot `by`.
struct commit {
  log_id log;
  ballot by;
  slot watermark;
  generation gen = {};
};

/// Send me chosen entries from slot `from` on.
struct fetch {
  log_id log;
  slot from;
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
  slot last_slot;        ///< nothing was proposed above it, everything up to it is chosen
  configuration active;  ///< in force for the slot after it
  stamp last_stamp;
};

using message = std::variant<prepare, promise, nack, accept, accepted, commit, fetch, chosen,
                             owner_query, owner_report, move_offer, move_ready, hand_off>;

/// A message and the node it goes to.
struct outgoing {
  node_id to;
  message what;
};

}  // namespace atlas::core
