// Messages and interfaces inside one node. Local messages carry shared pointers and never travel.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/wire.hpp"
#include "core/blob_manifest.hpp"
#include "core/catalogue.hpp"
#include "core/listing.hpp"
#include "core/ports.hpp"
#include "core/watch_walk.hpp"

namespace atlas::actors {

/// "Everything up to this write group of yours is on disk."
struct written {
  std::uint64_t group = 0;
  bool durable = false;  ///< and synced
};
/// Filer -> acceptor: the oldest so many jobs that it was sent are in the store's mailbox.
struct filed {
  std::uint64_t jobs = 0;
};
/// Reads that the owner has confirmed; see core::proposer_effects.
struct confirmed {
  core::slot applied_min;
  std::vector<core::read> reads;
  core::tick lease_until;    ///< 0: confirmed by a round
  std::uint64_t tenure = 0;  ///< see log_entry::reading_tenure
};
/// The owner needs its own replica to catch up.
struct chase {
  core::node_id source;
  core::slot upto;
};
/// Nodes that can be heard and reached, this one included.
struct reachable {
  std::vector<core::node_id> nodes;
};
struct followers {
  std::vector<core::node_id> nodes;
};
struct reconfigure {
  core::configuration next;
};
/// The catalogue as of the meta log's applied slot.
struct catalogue_news {
  std::shared_ptr<const core::catalogue_view> view;
};
/// Coordinator -> directory: run a candidate for this log.
struct take_over {
  core::log_id log;
  core::ballot above;
};
/// Owner -> coordinator: the tenure is over.
struct tenure_over {
  core::log_id log;
  core::ballot seen;
};
struct created_here {
  core::log_id log;
};
/// Directory -> coordinator: there are logs that it has not seen.
struct logs_opened {};
/// Door -> directory: this process introduced itself. Refused if its disk was rolled back or
/// copied, else remembered on disk before the answer.
struct introduced {
  core::process who;
  std::uint64_t start_nonce = 0;
};
/// The meta log's word on a request to join; the door keeps the request under this number.
struct join_decided {
  std::uint64_t number = 0;
  bool decided = false;
  core::outcome result;
};
/// Acceptor -> directory: a log was handed to this process; run an owner for it.
struct inherit {
  core::taken_log what;
};
/// Router -> acceptor: reads of the own copy.
struct stale_asks {
  std::vector<core::stale_ask> list;
};
/// Acceptor -> reader: a long walk over the table as it was when the read was confirmed.
struct listing_job {
  std::shared_ptr<core::listing> walk;
  core::process from;
  core::log_id log;
  core::table_id table;  ///< as in the read
  core::sequence ticket;
  std::uint64_t since_ms = 0;
};
/// Router -> reader: what was changed in a table since.
struct watch_job {
  std::uint64_t watch = 0;   ///< the router's name for it
  std::uint64_t number = 0;  ///< of the look; one of an earlier look comes too late
  std::shared_ptr<const core::log_store> disk;
  core::watch_terms terms;
};
/// Router -> hasher: the name of a chunk. If it belongs to an upload, it is the next one of it, and
/// its place says only whether it is the last.
struct hash_job {
  std::uint64_t upload = 0;
  std::uint64_t ticket = 0;
  std::shared_ptr<std::string> bytes;
  std::size_t from = 0;  ///< first byte of the chunk's
  core::chunk_place place;
};
/// Router -> hasher: an upload was broken off.
struct hash_end {
  std::uint64_t upload = 0;
};
/// Directory -> store: the log is gone for good; behind everything that was written to it.
struct drop_log {
  core::log_id log;
};
struct tick_message {};

using acceptor_actor = caf::typed_actor<
    caf::reacts_to<core::process, core::prepare>, caf::reacts_to<core::process, core::accept>,
    caf::reacts_to<core::process, core::commit>, caf::reacts_to<core::process, core::fetch>,
    caf::reacts_to<core::process, core::chosen>, caf::reacts_to<confirmed>, caf::reacts_to<chase>,
    caf::reacts_to<written>, caf::reacts_to<filed>, caf::reacts_to<tick_message>,
    caf::reacts_to<core::process, core::snapshot_offer>,
    caf::reacts_to<core::process, core::snapshot_request>,
    caf::reacts_to<core::process, core::snapshot_chunk>,
    caf::reacts_to<core::process, core::release>, caf::reacts_to<core::process, core::move_offer>,
    caf::reacts_to<core::process, core::hand_off>, caf::reacts_to<core::process, forward>,
    caf::reacts_to<stale_asks>>;

using owner_actor = caf::typed_actor<
    caf::reacts_to<core::process, core::promise>, caf::reacts_to<core::process, core::nack>,
    caf::reacts_to<core::process, core::accepted>, caf::reacts_to<core::process, forward>,
    caf::reacts_to<core::replica_progress>, caf::reacts_to<reachable>, caf::reacts_to<followers>,
    caf::reacts_to<reconfigure>, caf::reacts_to<tick_message>,
    caf::reacts_to<core::process, core::move_ready>, caf::reacts_to<core::process, move_request>>;

/// One group of records, what may leave once it is durable, and whom to tell.
struct store_job {
  core::log_writes writes;
  std::uint64_t group = 0;
  std::vector<core::outgoing> held;
  acceptor_actor tell;
};

/// Logs whose large entries are put on the disk ahead of the store's write pass here.
using filer_actor = caf::typed_actor<caf::reacts_to<store_job>, caf::reacts_to<tick_message>>;

using store_actor = caf::typed_actor<caf::reacts_to<store_job>, caf::reacts_to<tick_message>,
                                     caf::reacts_to<drop_log>>;

using reader_actor = caf::typed_actor<caf::reacts_to<listing_job>, caf::reacts_to<watch_job>,
                                      caf::reacts_to<tick_message>>;

using hasher_actor = caf::typed_actor<caf::reacts_to<hash_job>, caf::reacts_to<hash_end>,
                                      caf::reacts_to<tick_message>>;

using coordinator_actor =
    caf::typed_actor<caf::reacts_to<core::process, core::owner_query>,
                     caf::reacts_to<core::process, core::owner_report>, caf::reacts_to<tenure_over>,
                     caf::reacts_to<created_here>, caf::reacts_to<logs_opened>,
                     caf::reacts_to<tick_message>>;

using directory_actor =
    caf::typed_actor<caf::reacts_to<catalogue_news>, caf::reacts_to<take_over>,
                     caf::replies_to<introduced>::with<bool>, caf::reacts_to<tick_message>,
                     caf::reacts_to<inherit>, caf::reacts_to<core::process, forward>>;

}  // namespace atlas::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::filed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::confirmed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::chase)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::reachable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::followers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::reconfigure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::catalogue_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::take_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::tenure_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::created_here)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::logs_opened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::introduced)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::join_decided)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::tick_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::store_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::core::replica_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::inherit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::drop_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::listing_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::watch_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::hash_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::hash_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(atlas::actors::stale_asks)
