#include "actors/door.hpp"

#include <spdlog/spdlog.h>

namespace atlas::actors {

core::configuration founding_configuration(const std::string& zone) {
  core::configuration c;
  c.epoch = {1};
  c.seats = {{{1}, zone}};
  return c;
}

door::door(caf::actor_config& config, std::shared_ptr<board> where, introduction me,
           bool keys_folded, add_member add, find_peer peers)
    : metered(config, where->meters(), "door"),
      board_(std::move(where)),
      me_(std::move(me)),
      keys_folded_(keys_folded),
      add_(std::move(add)),
      peers_(std::move(peers)) {}

door::handle::behavior_type door::make_behavior() {
  return {[this](const hello& h) { return on_hello(h); },
          [this](const join_request& j) { return on_join(j); },
          [this](const join_decided& d) { on_join_decided(d); }};
}

caf::result<welcome, peer_actor> door::on_hello(const hello& h) {
  auto w = check(h);
  if (w.accepted && !peers_(h.from.node))
    w = {false, "this node has not opened its link to it yet; try again", {}, false};
  if (!w.accepted) {
    spdlog::warn("node {} refused: {}", h.from.node.value, w.why);
    return {w, peer_actor{}};
  }
  auto promise = make_response_promise<welcome, peer_actor>();
  request(board_->directory, caf::infinite, introduced{h.from, h.start_nonce})
      .then([this, promise, w, from = h.from](bool is_new) mutable {
        if (is_new) {
          promise.deliver(w, peers_(from.node));
          return;
        }
        const std::string why =
            "boot " + std::to_string(from.boot.value) +
            " was seen before: its disk was rolled back or copied; join it as a new node";
        spdlog::warn("node {} refused: {}", from.node.value, why);
        promise.deliver(welcome{false, why, {}, false}, peer_actor{});
      });
  return promise;
}

caf::result<join_reply> door::on_join(const join_request& j) {
  spdlog::info("node at {}:{} in zone {} asks to join", j.node.host, j.node.port, j.node.zone);
  const auto number = ++last_join_;
  auto promise = make_response_promise<join_reply>();
  joins_.emplace(number, pending_join{j.node, promise});
  // The callback runs on whichever thread answers.
  add_(j.node, [self = handle{this}, number](bool decided, core::outcome result) {
    caf::anon_send(self, join_decided{number, decided, std::move(result)});
  });
  return promise;
}

void door::on_join_decided(const join_decided& d) {
  const auto found = joins_.find(d.number);
  if (found == joins_.end()) return;
  found->second.promise.deliver(finish_join(d.decided, d.result, found->second.asked));
  joins_.erase(found);
}

welcome door::check(const hello& h) const {
  const auto refuse = [](std::string why) { return welcome{false, std::move(why), {}, false}; };
  if (h.protocol != 1)
    return refuse("protocol " + std::to_string(h.protocol) +
                  " is not spoken here; this node speaks 1");
  if (h.cluster_id != me_.cluster_id)
    return refuse("it belongs to another cluster (" + h.cluster_id + ", here " + me_.cluster_id +
                  "); check 'connect' and 'db_path'");
  const auto catalogue = board_->catalogue();
  const auto known = std::find_if(catalogue->nodes.begin(), catalogue->nodes.end(),
                                  [&](const auto& n) { return n.id == h.from.node; });
  // Its link stays open while a log still counts its votes; a new one is not opened without.
  if (known == catalogue->nodes.end() && catalogue->was_removed(h.from.node))
    return {false, core::removed_text(h.from.node), {}, true};
  if (known == catalogue->nodes.end())
    return refuse("node " + std::to_string(h.from.node.value) + " is not known here yet");
  if (known->uuid != h.node_uuid || known->disk_uuid != h.disk_uuid)
    return refuse("its disk is not the one node " + std::to_string(h.from.node.value) +
                  " joined with; send NODE REMOVE " + std::to_string(h.from.node.value) +
                  " to any other node and start this one with an empty db_path: it joins as a new "
                  "node");
  return {true, {}, board_->self(), false};
}

join_reply door::finish_join(bool decided, const core::outcome& result,
                             const core::node_record& asked) const {
  join_reply reply;
  if (!decided) {
    reply.retry = true;
    reply.why = result.data;
    return reply;
  }
  if (result.code != core::outcome_code::ok) {
    reply.why = result.data;
    return reply;
  }
  auto node = core::decode_node(result.data);
  if (!node || node->disk_uuid != asked.disk_uuid) {
    reply.why = "this node id joined with another disk; start with an empty db_path";
    return reply;
  }
  const auto catalogue = board_->catalogue();
  if (catalogue->nodes.empty()) {
    reply.retry = true;
    reply.why = "this node is still starting";
    return reply;
  }
  reply.accepted = true;
  reply.cluster_id = me_.cluster_id;
  reply.node = std::move(*node);
  reply.members = catalogue->nodes;
  reply.genesis = founding_configuration(catalogue->nodes.front().zone);
  reply.keys_folded = keys_folded_;
  return reply;
}

}  // namespace atlas::actors
