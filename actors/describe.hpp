// Text answers about the cluster: NODE, TABLE and QUORUM commands (docs/protocol.md), and the
// sentence that says why a request got no quorum.
#pragma once

#include <string>

#include "actors/board.hpp"
#include "net/gateway.hpp"

namespace atlas::actors {

inline constexpr const char* damaged_answer = "the owner's answer is damaged";

/// What a change of an access list is answered with.
[[nodiscard]] std::string acl_text(const net::client_request& r);

/// Fills `kind` and returns the text for a request of the NODE, TABLE or QUORUM family.
std::string describe(const board& where, const net::client_request& r,
                     const core::tolerance_policy& new_tables, net::reply_kind& kind);

/// "table users: commit needs 2 of 3 nodes in 1 of 1 zones; reachable: eu 1/3".
std::string describe_missing(const board& where, const log_entry& entry);

}  // namespace atlas::actors
