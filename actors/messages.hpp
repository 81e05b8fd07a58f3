// What nodes say to each other beside the protocol of core/: who speaks, client requests on their
// way to an owner and back, liveness, and the handshakes of connecting and joining.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/catalogue.hpp"
#include "core/command.hpp"
#include "core/configuration.hpp"
#include "core/ids.hpp"
#include "core/lease.hpp"

namespace atlas::actors {

/// In front of every message between nodes. CAF's own node ids can repeat after a container restart
/// (runtime notes, 3), so each message names both processes, and a mismatch is dropped.
struct wire_header {
  core::process from;
  core::process to;
  std::uint64_t sequence = 0;  ///< per sender and receiver, from 1
  /// Bytes that the sender has sent to the receiver so far, this message included. It never falls,
  /// so a receipt stays true when messages were lost or the connection was made again.
  std::uint64_t position = 0;
};

/// Requests of the sender's clients for a log that the receiver owns.
struct forward {
  core::log_id log;
  std::vector<core::command> commands;
  std::vector<core::read> reads;
};

/// Answers to requests of the receiver's clients.
struct answers {
  core::log_id log;
  std::vector<core::answer> list;
};

/// Requests given back: the sender has not proposed them.
struct returned {
  core::log_id log;
  std::vector<core::sequence> commands;
  std::vector<core::sequence> reads;
  std::string why;
  core::table_id table;  ///< all of them are for this one
};

/// "Your clients' table to another node, please": TABLE MOVE, for the process that owns the log.
struct move_request {
  core::log_id log;
  std::uint64_t number = 0;  ///< the asker's, echoed in the reply
  core::node_id target;
};
struct move_reply {
  std::uint64_t number = 0;
  bool done = false;  ///< the target serves
  std::string why;    ///< if not: a sentence with the remedy
};

struct ping {
  std::uint64_t sent_us = 0;            ///< on the sender's monotonic clock
  std::uint64_t received_position = 0;  ///< as in `credit`, in case that was lost
  bool hears_you = false;               ///< the receiver's answers reach the sender
};
struct pong {
  std::uint64_t sent_us = 0;  ///< copied from the ping
  core::lease_grant grant;
};
/// Receipt for the sender's credit window: the highest position that has arrived.
struct credit {
  std::uint64_t received_position = 0;
};

/// First words on a connection between members. All fields must match what the catalogue says.
struct hello {
  std::string cluster_id;
  core::process from;
  std::string node_uuid;
  std::string disk_uuid;
  std::uint64_t start_nonce = 0;  ///< random per start: a copied disk may repeat a boot number
  std::uint32_t protocol = 1;
};
struct welcome {
  bool accepted = false;
  std::string why;  ///< if refused: a sentence with the remedy
  core::process from;
  bool removed = false;  ///< the one who asks was a member and is none any more
};

/// "Let me be a member." Idempotent by `node.uuid`.
struct join_request {
  core::node_record node;
  std::uint32_t protocol = 1;
};
struct join_reply {
  bool accepted = false;
  bool retry = false;  ///< refused for now: the cluster has no quorum, or is busy
  std::string why;
  std::string cluster_id;
  core::node_record node;
  core::configuration genesis;  ///< first configuration of the meta log
  std::vector<core::node_record> members;
  bool keys_folded = false;
};

}  // namespace atlas::actors
