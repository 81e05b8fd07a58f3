// How a node becomes a member: founds a cluster, joins one through any of `connect`, or resumes
// what its data directory says (architecture.md, configuration file).
#pragma once

#include <functional>

#include <caf/actor_system.hpp>

#include "actors/directory.hpp"
#include "cli/config.hpp"
#include "core/result.hpp"
#include "storage/rocks_store.hpp"

namespace atlas::cli {

/// What the node starts with once it is a member.
struct membership {
  core::configuration genesis;             ///< first configuration of the meta log
  std::vector<core::node_record> members;  ///< known from joining; empty when resumed
  bool founder = false;
};

/// What this node says of itself; the id is given by the cluster.
[[nodiscard]] core::node_record own_record(const node_config& config,
                                           const storage::node_identity& me);

/// Returns when the node is a member (its identity is on disk then), or with the reason why it can
/// not become one. Joining tries every address with back-off until `stopping` says true; it logs
/// every tenth failure of an address.
core::result<membership> become_member(caf::actor_system& system, const node_config& config,
                                       storage::rocks_store& disk,
                                       const std::function<bool()>& stopping);

}  // namespace atlas::cli
