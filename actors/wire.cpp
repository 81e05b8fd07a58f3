#include "actors/wire.hpp"

namespace atlas::actors {

void add_wire_types(caf::actor_system_config& config) {
  config.add_message_type<wire_header>("atlas::wire_header")
      .add_message_type<core::prepare>("atlas::prepare")
      .add_message_type<core::promise>("atlas::promise")
      .add_message_type<core::nack>("atlas::nack")
      .add_message_type<core::accept>("atlas::accept")
      .add_message_type<core::accepted>("atlas::accepted")
      .add_message_type<core::commit>("atlas::commit")
      .add_message_type<core::fetch>("atlas::fetch")
      .add_message_type<core::chosen>("atlas::chosen")
      .add_message_type<core::owner_query>("atlas::owner_query")
      .add_message_type<core::owner_report>("atlas::owner_report")
      .add_message_type<core::release>("atlas::release")
      .add_message_type<forward>("atlas::forward")
      .add_message_type<answers>("atlas::answers")
      .add_message_type<returned>("atlas::returned")
      .add_message_type<ping>("atlas::ping")
      .add_message_type<pong>("atlas::pong")
      .add_message_type<credit>("atlas::credit")
      .add_message_type<hello>("atlas::hello")
      .add_message_type<welcome>("atlas::welcome")
      .add_message_type<join_request>("atlas::join_request")
      .add_message_type<join_reply>("atlas::join_reply")
      .add_message_type<peer_actor>("atlas::peer_actor")
      .add_message_type<core::snapshot_offer>("atlas::snapshot_offer")
      .add_message_type<core::snapshot_request>("atlas::snapshot_request")
      .add_message_type<core::snapshot_chunk>("atlas::snapshot_chunk")
      .add_message_type<core::move_offer>("atlas::move_offer")
      .add_message_type<core::move_ready>("atlas::move_ready")
      .add_message_type<core::hand_off>("atlas::hand_off")
      .add_message_type<move_request>("atlas::move_request")
      .add_message_type<move_reply>("atlas::move_reply");
}

}  // namespace atlas::actors
