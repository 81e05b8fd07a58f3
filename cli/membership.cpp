#include "cli/membership.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <thread>

#include <caf/io/all.hpp>

#include "actors/door.hpp"
#include "core/bytes.hpp"
#include "core/row_record.hpp"
#include "net/secure_middleman_broker.hpp"

namespace atlas::cli {
namespace {

constexpr std::chrono::seconds reply_timeout{20};
constexpr std::chrono::milliseconds back_off_min{200};
constexpr std::chrono::milliseconds back_off_max{3000};

std::string address(const endpoint& e) {
  return e.host + ":" + std::to_string(e.port);
}

/// The founder's zone as the meta log on this disk tells it; empty if it holds nothing yet.
std::string zone_of_founder(storage::rocks_store& disk) {
  const auto log = disk.open_log(core::meta_log, core::meta_table);
  std::string row = "n/";
  core::put_big_endian(row, 1);
  const auto bytes = log->get(row);
  if (!bytes) return {};
  const auto record = core::decode_row(*bytes);
  const auto node = record ? core::decode_node(record->value) : std::nullopt;
  return node ? node->zone : std::string();
}

/// One attempt at one address. Empty = accepted or hopeless is told by the reply itself.
core::result<actors::join_reply> ask_to_join(caf::actor_system& system, const endpoint& at,
                                             const core::node_record& me) {
  const auto door = system.middleman().remote_actor<actors::door_actor>(at.host, at.port);
  if (!door) return core::failure{core::errc::unreachable, net::transport_error_text(door.error())};
  caf::scoped_actor self{system};
  core::result<actors::join_reply> answer =
      core::failure{core::errc::unreachable, "no answer in time"};
  self->request(*door, reply_timeout, actors::join_request{me, 1})
      .receive([&](actors::join_reply& r) { answer = std::move(r); },
               [&](caf::error& e) {
                 answer = core::failure{core::errc::unreachable, system.render(e)};
               });
  return answer;
}

core::result<membership> join(caf::actor_system& system, const node_config& config,
                              storage::rocks_store& disk, const std::function<bool()>& stopping) {
  const auto me = own_record(config, disk.identity());
  auto pause = back_off_min;
  for (std::uint64_t round = 0; !stopping(); ++round) {
    for (const auto& at : config.connect) {
      auto reply = ask_to_join(system, at, me);
      std::string why;
      if (!reply) {
        why = reply.error().detail;
      } else if (auto& r = reply.value(); r.accepted) {
        if (r.keys_folded != config.keys_folded)
          return core::failure{core::errc::bad_config,
                               std::string("the cluster was founded with keys: ") +
                                   (r.keys_folded ? "folded" : "exact") +
                                   "; set the same in this node's configuration"};
        if (auto saved = disk.set_membership(r.cluster_id, r.node.id, r.keys_folded); !saved)
          return saved.error();
        spdlog::info("joined cluster {} as node {}", r.cluster_id, r.node.id.value);
        return membership{r.genesis, r.members, false};
      } else if (!r.retry) {
        return core::failure{core::errc::refused, address(at) + " refused the join: " + r.why};
      } else {
        why = r.why;
      }
      if (round % 10 == 0)
        spdlog::warn("can not join through {}: {}; trying again", address(at), why);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, back_off_max);
  }
  return core::failure{core::errc::refused, "stopped before the node was a member"};
}

}  // namespace

core::node_record own_record(const node_config& config, const storage::node_identity& me) {
  core::node_record n;
  n.id = me.node;
  n.uuid = me.node_uuid;
  n.disk_uuid = me.disk_uuid;
  n.zone = config.region;
  n.host = config.advertise.host;
  n.port = config.advertise.port;
  return n;
}

core::result<membership> become_member(caf::actor_system& system, const node_config& config,
                                       storage::rocks_store& disk,
                                       const std::function<bool()>& stopping) {
  const auto& me = disk.identity();
  if (!me.node) {
    if (!config.connect.empty()) return join(system, config, disk, stopping);
    // The node's own uuid names the cluster: unique, and born with this very disk.
    if (auto saved = disk.set_membership("c-" + me.node_uuid, {1}, config.keys_folded); !saved)
      return saved.error();
    spdlog::info("founded cluster {}", disk.identity().cluster_id);
    return membership{actors::founding_configuration(config.region), {}, true};
  }
  if (me.keys_folded != config.keys_folded)
    return core::failure{core::errc::bad_config,
                         std::string("this cluster was founded with keys: ") +
                             (me.keys_folded ? "folded" : "exact") + "; it can not be changed"};
  const auto zone = zone_of_founder(disk);
  if (!zone.empty())
    return membership{actors::founding_configuration(zone), {}, me.node.value == 1};
  if (me.node.value == 1)
    return membership{actors::founding_configuration(config.region), {}, true};
  if (config.connect.empty())
    return core::failure{core::errc::bad_config,
                         "this node joined but was stopped before it learned the members; set "
                         "'connect' to the address of any member"};
  return join(system, config, disk, stopping);
}

}  // namespace atlas::cli
