// The typed interfaces between actors and nodes, and how each struct becomes bytes (CAF 0.17 style:
// `inspect` beside the type). One block, so that a change of the wire is seen at once.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/messages.hpp"
#include "core/entry.hpp"
#include "core/messages.hpp"
#include "core/proposer.hpp"
#include "core/replica.hpp"

namespace atlas::core {

template <class I, class Tag>
typename I::result_type inspect(I& f, id<Tag>& x) {
  return f(x.value);
}
template <class I, class Tag>
typename I::result_type inspect(I& f, position<Tag>& x) {
  return f(x.value);
}
template <class I>
typename I::result_type inspect(I& f, process& x) {
  return f(x.node, x.boot);
}
template <class I>
typename I::result_type inspect(I& f, ballot& x) {
  return f(x.round, x.node);
}
template <class I>
typename I::result_type inspect(I& f, acceptor_seat& x) {
  return f(x.node, x.zone);
}
template <class I>
typename I::result_type inspect(I& f, configuration& x) {
  return f(x.epoch, x.parent, x.fn, x.fz, x.seats);
}

// Entries are shared immutable bytes: written as a string, read into a fresh blob.
inline caf::error inspect(caf::serializer& f, entry& x) {
  return f(const_cast<std::string&>(*x.bytes));  // NOLINT: the serializer only reads
}
inline caf::error inspect(caf::deserializer& f, entry& x) {
  std::string bytes;
  auto failed = f(bytes);
  if (!failed) x.bytes = make_blob(std::move(bytes));
  return failed;
}
inline std::string to_string(const entry& x) {
  return "entry of " + std::to_string(x.bytes ? x.bytes->size() : 0) + " bytes";
}

template <class I>
typename I::result_type inspect(I& f, accepted_entry& x) {
  return f(x.at, x.by, x.value);
}
template <class I>
typename I::result_type inspect(I& f, prepare& x) {
  return f(caf::meta::type_name("prepare"), x.log, x.by, x.from, x.epoch);
}
template <class I>
typename I::result_type inspect(I& f, promise& x) {
  return f(caf::meta::type_name("promise"), x.log, x.by, x.watermark, x.epoch, x.entries);
}
template <class I>
typename I::result_type inspect(I& f, nack& x) {
  return f(caf::meta::type_name("nack"), x.log, x.by, x.why, x.promised, x.epoch, x.wait_ms, x.gen);
}
template <class I>
typename I::result_type inspect(I& f, accept& x) {
  return f(caf::meta::type_name("accept"), x.log, x.by, x.gen, x.epoch, x.round, x.first, x.entries,
           x.watermark, x.stable);
}
template <class I>
typename I::result_type inspect(I& f, accepted& x) {
  return f(caf::meta::type_name("accepted"), x.log, x.by, x.gen, x.round, x.first, x.count,
           x.session, x.applied);
}
template <class I>
typename I::result_type inspect(I& f, commit& x) {
  return f(caf::meta::type_name("commit"), x.log, x.by, x.watermark, x.stable, x.gen);
}
template <class I>
typename I::result_type inspect(I& f, fetch& x) {
  return f(caf::meta::type_name("fetch"), x.log, x.from, x.bytes);
}
template <class I>
typename I::result_type inspect(I& f, chosen& x) {
  return f(caf::meta::type_name("chosen"), x.log, x.first, x.entries, x.watermark);
}
template <class I>
typename I::result_type inspect(I& f, owner_query& x) {
  return f(caf::meta::type_name("owner_query"), x.log, x.suspect);
}
template <class I>
typename I::result_type inspect(I& f, owner_report& x) {
  return f(caf::meta::type_name("owner_report"), x.log, x.suspect, x.missed, x.promised, x.holder);
}
template <class I>
typename I::result_type inspect(I& f, release& x) {
  return f(caf::meta::type_name("release"), x.log, x.by, x.gen);
}
template <class I>
typename I::result_type inspect(I& f, held_tenure& x) {
  return f(x.log, x.by, x.gen);
}
template <class I>
typename I::result_type inspect(I& f, lease_grant& x) {
  return f(x.session, x.duration_ms, x.refusals);
}
template <class I>
typename I::result_type inspect(I& f, stamp& x) {
  return f(x.us);
}
template <class I>
typename I::result_type inspect(I& f, snapshot_offer& x) {
  return f(caf::meta::type_name("snapshot_offer"), x.log, x.transfer, x.truncated);
}
template <class I>
typename I::result_type inspect(I& f, snapshot_request& x) {
  return f(caf::meta::type_name("snapshot_request"), x.log, x.transfer, x.part, x.after);
}
template <class I>
typename I::result_type inspect(I& f, snapshot_chunk& x) {
  return f(caf::meta::type_name("snapshot_chunk"), x.log, x.transfer, x.part, x.at, x.when, x.hash,
           x.configuration_at, x.active, x.results, x.rows, x.last);
}
template <class I>
typename I::result_type inspect(I& f, move_offer& x) {
  return f(caf::meta::type_name("move_offer"), x.log, x.by, x.gen, x.watermark);
}
template <class I>
typename I::result_type inspect(I& f, move_ready& x) {
  return f(caf::meta::type_name("move_ready"), x.log, x.by, x.gen, x.applied);
}
template <class I>
typename I::result_type inspect(I& f, hand_off& x) {
  return f(caf::meta::type_name("hand_off"), x.log, x.by, x.gen, x.to, x.last_slot, x.active,
           x.last_stamp.us, x.unfinished);
}
template <class I>
typename I::result_type inspect(I& f, command& x) {
  return f(x.from, x.seq, x.floor, x.what, x.row, x.value, x.principal, x.table);
}
template <class I>
typename I::result_type inspect(I& f, read& x) {
  return f(x.from, x.ticket, x.what, x.row, x.table, x.principal);
}
template <class I>
typename I::result_type inspect(I& f, outcome& x) {
  return f(x.code, x.data);
}
template <class I>
typename I::result_type inspect(I& f, answer& x) {
  return f(x.is_read, x.number, x.result, x.table);
}
template <class I>
typename I::result_type inspect(I& f, node_record& x) {
  return f(x.id, x.uuid, x.disk_uuid, x.zone, x.host, x.port);
}

}  // namespace atlas::core

namespace atlas::actors {

template <class I>
typename I::result_type inspect(I& f, wire_header& x) {
  return f(x.from, x.to, x.sequence, x.position);
}
template <class I>
typename I::result_type inspect(I& f, forward& x) {
  return f(caf::meta::type_name("forward"), x.log, x.commands, x.reads);
}
template <class I>
typename I::result_type inspect(I& f, answers& x) {
  return f(caf::meta::type_name("answers"), x.log, x.list);
}
template <class I>
typename I::result_type inspect(I& f, returned& x) {
  return f(caf::meta::type_name("returned"), x.log, x.commands, x.reads, x.why, x.table);
}
template <class I>
typename I::result_type inspect(I& f, ping& x) {
  return f(caf::meta::type_name("ping"), x.sent_us, x.received_position, x.hears_you);
}
template <class I>
typename I::result_type inspect(I& f, pong& x) {
  return f(caf::meta::type_name("pong"), x.sent_us, x.grant);
}
template <class I>
typename I::result_type inspect(I& f, credit& x) {
  return f(caf::meta::type_name("credit"), x.received_position);
}
template <class I>
typename I::result_type inspect(I& f, hello& x) {
  return f(caf::meta::type_name("hello"), x.cluster_id, x.from, x.node_uuid, x.disk_uuid,
           x.start_nonce, x.protocol);
}
template <class I>
typename I::result_type inspect(I& f, welcome& x) {
  return f(caf::meta::type_name("welcome"), x.accepted, x.why, x.from, x.removed);
}
template <class I>
typename I::result_type inspect(I& f, join_request& x) {
  return f(caf::meta::type_name("join_request"), x.node, x.protocol);
}
template <class I>
typename I::result_type inspect(I& f, join_reply& x) {
  return f(caf::meta::type_name("join_reply"), x.accepted, x.retry, x.why, x.cluster_id, x.node,
           x.genesis, x.members, x.keys_folded);
}

template <class I>
typename I::result_type inspect(I& f, move_request& x) {
  return f(caf::meta::type_name("move_request"), x.log, x.number, x.target);
}
template <class I>
typename I::result_type inspect(I& f, move_reply& x) {
  return f(caf::meta::type_name("move_reply"), x.number, x.done, x.why);
}

/// Receives everything one other node sends; one per other node.
using peer_actor = caf::typed_actor<
    caf::reacts_to<wire_header, core::prepare>, caf::reacts_to<wire_header, core::promise>,
    caf::reacts_to<wire_header, core::nack>, caf::reacts_to<wire_header, core::accept>,
    caf::reacts_to<wire_header, core::accepted>, caf::reacts_to<wire_header, core::commit>,
    caf::reacts_to<wire_header, core::fetch>, caf::reacts_to<wire_header, core::chosen>,
    caf::reacts_to<wire_header, core::owner_query>, caf::reacts_to<wire_header, core::owner_report>,
    caf::reacts_to<wire_header, forward>, caf::reacts_to<wire_header, answers>,
    caf::reacts_to<wire_header, returned>, caf::reacts_to<wire_header, ping>,
    caf::reacts_to<wire_header, pong>, caf::reacts_to<wire_header, credit>,
    caf::reacts_to<wire_header, core::snapshot_offer>,
    caf::reacts_to<wire_header, core::snapshot_request>,
    caf::reacts_to<wire_header, core::snapshot_chunk>, caf::reacts_to<wire_header, core::release>,
    caf::reacts_to<wire_header, core::move_offer>, caf::reacts_to<wire_header, core::move_ready>,
    caf::reacts_to<wire_header, core::hand_off>, caf::reacts_to<wire_header, move_request>,
    caf::reacts_to<wire_header, move_reply>>;

/// The one published actor of a node.
using door_actor = caf::typed_actor<caf::replies_to<hello>::with<welcome, peer_actor>,
                                    caf::replies_to<join_request>::with<join_reply>>;

/// Teaches a configuration every type above; call before the actor_system is built.
void add_wire_types(caf::actor_system_config& config);

}  // namespace atlas::actors
