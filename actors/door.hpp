// The one published actor of a node: checks who wants to connect (cluster, node, disk; consensus.md
// §1: a blank disk is a new node) and takes the requests of nodes that want to join.
#pragma once

#include <map>

#include "actors/board.hpp"
#include "actors/peer.hpp"

namespace atlas::actors {

/// Runs `add_node` through the meta log and calls back with the outcome, or with why it failed.
using add_member = std::function<void(
    const core::node_record& node, std::function<void(bool decided, core::outcome result)> done)>;

class door : public metered<door_actor::extend<caf::reacts_to<join_decided>>::base> {
 public:
  using handle = door_actor::extend<caf::reacts_to<join_decided>>;
  /// The inbound actor of a member; empty while it is not known here.
  using find_peer = std::function<peer_actor(core::node_id)>;

  door(caf::actor_config& config, std::shared_ptr<board> where, introduction me, bool keys_folded,
       add_member add, find_peer peers);
  handle::behavior_type make_behavior() override;

 private:
  caf::result<welcome, peer_actor> on_hello(const hello& h);
  caf::result<join_reply> on_join(const join_request& j);
  void on_join_decided(const join_decided& d);
  [[nodiscard]] welcome check(const hello& h) const;
  [[nodiscard]] join_reply finish_join(bool decided, const core::outcome& result,
                                       const core::node_record& asked) const;

  std::shared_ptr<board> board_;
  introduction me_;
  bool keys_folded_;
  add_member add_;
  find_peer peers_;
  struct pending_join {
    core::node_record asked;
    caf::typed_response_promise<join_reply> promise;
  };
  std::map<std::uint64_t, pending_join> joins_;  ///< each ends with the request's deadline
  std::uint64_t last_join_ = 0;
};

/// The configuration that the meta log began with: the founder alone.
[[nodiscard]] core::configuration founding_configuration(const std::string& zone);

}  // namespace atlas::actors
