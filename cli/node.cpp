#include "cli/node.hpp"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include <caf/io/all.hpp>

#include "actors/board.hpp"
#include "actors/directory.hpp"
#include "actors/door.hpp"
#include "actors/filer.hpp"
#include "actors/hasher.hpp"
#include "actors/migration_coordinator.hpp"
#include "actors/reader.hpp"
#include "actors/request_router.hpp"
#include "actors/store.hpp"
#include "actors/wire.hpp"
#include "cli/audit_log.hpp"
#include "cli/membership.hpp"
#include "net/client_gateway.hpp"
#include "net/delay_line.hpp"
#include "net/secure_middleman_broker.hpp"
#include "storage/rocks_store.hpp"

namespace atlas::cli {
namespace {

constexpr std::chrono::seconds stop_look_every{1};
constexpr std::chrono::seconds drain_time{5};
constexpr std::chrono::milliseconds look_every{20};

/// CAF as the measurements want it (runtime notes, "CAF settings").
class caf_config : public caf::actor_system_config {
 public:
  explicit caf_config(const node_config& config) {
    actors::add_wire_types(*this);
    set("scheduler.policy", caf::atom("sharing"));
    // Half of the cores: the store, the gateway and the transport have threads of their own, and a
    // worker more costs a context switch per message before it gains anything.
    set("scheduler.max-threads", std::max(1u, std::thread::hardware_concurrency() / 2));
    set("middleman.workers", 0);
    set("middleman.heartbeat-interval", caf::timespan(std::chrono::milliseconds(500)));
    set("middleman.connection-timeout", caf::timespan(std::chrono::milliseconds(5000)));
    net::transport_options transport;
    transport.credentials = config.credentials;
    transport.refused = [](const std::string& peer, const std::string& why) {
      spdlog::warn("{}: {}", peer, why);
    };
    net::load_secure_middleman(*this, std::move(transport));
  }
};

/// Waits for SIGTERM or SIGINT for at most `limit`; true if one came.
bool stop_requested(std::chrono::milliseconds limit) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  const timespec wait{limit.count() / 1000, (limit.count() % 1000) * 1'000'000};
  return sigtimedwait(&stop, nullptr, &wait) > 0;
}

std::function<double(const std::string&)> emulated(const node_config& config) {
  if (!config.emulate.enabled) return {};
  return [wan = config.emulate, here = config.region](const std::string& zone) {
    const auto listed = wan.rtt_ms.find({here, zone});
    if (listed != wan.rtt_ms.end()) return listed->second;
    return here == zone ? wan.same_region_ms : wan.other_region_ms;
  };
}

/// A running node. Members are in the order of their birth; `stop` takes them down.
class running_node {
 public:
  running_node(caf::actor_system& system, const node_config& config, storage::rocks_store& disk,
               const membership& born)
      : system_(system), config_(config), disk_(disk), founder_(born.founder) {
    const auto& me = disk.identity();
    board_ = std::make_shared<actors::board>(core::process{me.node, me.boot}, config.region);
    actors::router_options options;
    options.request_timeout_ms = config.request_timeout_ms;
    options.quorum = config.quorum;
    options.keys_folded = config.keys_folded;
    options.chunk_grace_us = config.unused_parts_ms * 1'000;
    options.version = ATLAS_VERSION;
    options.audit = open_audit_log(config.db_path + "/audit.log");
    router_ = std::make_unique<actors::request_router>(board_, std::move(options));
    board_->requests = router_.get();
    board_->leases =
        std::make_unique<actors::lease_desk>(board_->self(), config.lease, disk.lease_ms());
    board_->reads_on_leases = config.reads_on_leases;
    board_->thrifty = config.thrifty;
    spawn_actors(born, me);
  }

  core::result<core::done> publish() {
    auto port =
        system_.middleman().publish(door_, config_.listen.port, config_.listen.host.c_str(), true);
    if (!port)
      return core::failure{core::errc::bad_config, "can not listen on " + config_.listen.host +
                                                       ":" + std::to_string(config_.listen.port) +
                                                       ": " +
                                                       net::transport_error_text(port.error())};
    spdlog::info("listening for nodes on {}:{}, advertised as {}:{}", config_.listen.host, *port,
                 config_.advertise.host, config_.advertise.port);
    return core::done{};
  }

  /// True once the members' table on this node lists the node itself.
  bool is_member() {
    const auto catalogue = board_->catalogue();  // another thread may publish the next one
    for (const auto& n : catalogue->nodes)
      if (n.id == board_->self().node) return true;
    if (founder_ && board_->log(core::meta_log) && !adding_.exchange(true))
      router_->run_meta_command(core::operation::add_node, disk_.identity().node_uuid,
                                core::encode_node(own_record(config_, disk_.identity())),
                                [this](bool decided, const core::outcome& result) {
                                  if (!decided)
                                    spdlog::warn("founding is not finished: {}; trying again",
                                                 result.data);
                                  adding_ = false;
                                });
    return false;
  }

  /// Not empty once it is known that this node is no member any more.
  [[nodiscard]] std::string removal() const {
    return board_->was_removed() ? core::removed_text(board_->self().node) : std::string();
  }

  core::result<core::done> open_socket() {
    net::gateway_options options;
    options.socket_path = config_.socket;
    options.socket_mode = config_.socket_mode;
    options.line_bytes_max = config_.line_bytes_max;
    options.blob_bytes_max = config_.blob_bytes_max;
    auto opened = net::open_client_gateway(options, *router_);
    if (!opened) return opened.error();
    gateway_ = std::move(opened).value();
    router_->set_wake([gateway = gateway_.get()] { gateway->wake(); });
    gateway_->start();
    spdlog::info("node {} ready, clients at {}", board_->self().node.value, config_.socket);
    return core::done{};
  }

  void stop() {
    if (gateway_) gateway_->stop(drain_time);
    router_->set_wake({});
  }

 private:
  void spawn_actors(const membership& born, const storage::node_identity& me) {
    std::random_device chance;
    const auto nonce = (static_cast<std::uint64_t>(chance()) << 32) | chance();
    const actors::introduction words{me.cluster_id, me.node_uuid, me.disk_uuid, nonce};
    auto peers = std::make_shared<actors::peer_book>();
    board_->store = system_.spawn<actors::store, caf::detached>(board_, std::ref(disk_));
    board_->filer = system_.spawn<actors::filer, caf::detached>(board_, std::ref(disk_));
    board_->reader = system_.spawn<actors::reader, caf::detached>(board_);
    board_->hasher = system_.spawn<actors::hasher, caf::detached>(board_);
    board_->coordinator =
        system_.spawn<actors::migration_coordinator>(board_, me.node.value * 7919 + me.boot.value);
    actors::directory_options options;
    options.me = words;
    options.genesis = born.genesis;
    options.quorum = config_.quorum;
    options.members = born.members;
    options.limits = config_.limits;
    options.emulated_rtt_ms = emulated(config_);
    options.delay = config_.emulate.enabled ? &delay_ : nullptr;
    options.peers = peers;
    options.every_tick = [router = router_.get()] { router->tick(); };
    options.admit = [&disk = disk_](core::process who, std::uint64_t start_nonce) {
      const auto known = disk.sightings();
      const auto last = known.find(who.node);
      if (last != known.end() && last->second.boot == who.boot)
        return last->second.start_nonce == start_nonce;
      if (last != known.end() && who.boot < last->second.boot) return false;
      return disk.remember(who.node, {who.boot, start_nonce}).ok();
    };
    board_->directory =
        system_.spawn<actors::directory, caf::detached>(board_, std::ref(disk_), options);
    door_ = system_.spawn<actors::door>(
        board_, words, me.keys_folded,
        [router = router_.get()](const core::node_record& node,
                                 std::function<void(bool, core::outcome)> done) {
          router->run_meta_command(core::operation::add_node, node.uuid, core::encode_node(node),
                                   std::move(done));
        },
        [peers](core::node_id node) { return peers->find(node); });
    // The board is complete: now they may begin.
    caf::anon_send(board_->directory, actors::tick_message{});
    caf::anon_send(board_->coordinator, actors::tick_message{});
    // A founder has nobody to wait for; in a log that was promised before this changes nothing.
    if (born.founder) caf::anon_send(board_->coordinator, actors::created_here{core::meta_log});
  }

  caf::actor_system& system_;
  const node_config& config_;
  storage::rocks_store& disk_;
  const bool founder_;
  std::atomic<bool> adding_{false};
  net::delay_line delay_;
  std::shared_ptr<actors::board> board_;
  std::unique_ptr<actors::request_router> router_;
  actors::door_actor door_;
  std::unique_ptr<net::gateway> gateway_;
};

core::result<core::done> serve(running_node& node) {
  if (auto up = node.publish(); !up) return up;
  while (!node.is_member()) {
    if (stop_requested(look_every)) return core::done{};
    if (auto why = node.removal(); !why.empty())
      return core::failure{core::errc::refused, std::move(why)};
  }
  if (auto up = node.open_socket(); !up) return up;
  while (!stop_requested(stop_look_every)) {
  }
  spdlog::info("stopping: draining client requests");
  return core::done{};
}

}  // namespace

void open_log(const node_config& config) {
  auto log = spdlog::stderr_logger_mt("atlas");
  log->set_level(
      spdlog::level::from_str(config.log_level == "warn" ? "warning" : config.log_level));
  if (config.log_json)
    log->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","text":"%v"})");
  else
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(log));
}

core::result<core::done> run_node(const node_config& config) {
  if (config.credentials.empty())
    spdlog::warn("no credentials are set: any node that reaches {}:{} can join", config.listen.host,
                 config.listen.port);
  storage::store_options options;
  options.path = config.db_path;
  options.cache_bytes = config.max_cache_bytes;
  auto opened = storage::rocks_store::open(options);
  if (!opened) return opened.error();
  auto& disk = *opened.value();
  caf_config caf_settings(config);
  caf::actor_system system(caf_settings);
  bool stopped = false;
  auto born = become_member(system, config, disk, [&] {
    stopped = stopped || stop_requested(std::chrono::milliseconds(0));
    return stopped;
  });
  if (!born && stopped) return core::done{};
  if (!born) return born.error();
  // Leases are granted whatever this node's own reads do: the other nodes may count on them.
  if (auto allowed = disk.allow_leases(config.lease.duration_ms); !allowed) return allowed.error();
  const auto& me = disk.identity();
  spdlog::info("node {} boot {} of cluster {}, zone {}, data in {}", me.node.value, me.boot.value,
               me.cluster_id, config.region, config.db_path);
  running_node node(system, config, disk, born.value());
  const auto served = serve(node);
  node.stop();
  if (served)
    spdlog::info("stopped");
  else
    spdlog::error("{}", served.error().detail);
  spdlog::default_logger()->flush();
  // Clients are drained and every acknowledged write is on disk. What is left is volatile: actors
  // that hold each other, with nothing to say to the disk that matters.
  std::_Exit(served ? 0 : 1);
}

}  // namespace atlas::cli
