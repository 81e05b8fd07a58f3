// Actor systems and a wire-tap for the tests of the guarded middleman.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "net/secure_middleman_broker.hpp"
#include "tests/net/raw_peer.hpp"

namespace atlas::net::test {

using namespace std::chrono_literals;

using counter = caf::typed_actor<caf::replies_to<int>::with<int>>;

class counter_actor : public counter::base {
 public:
  explicit counter_actor(caf::actor_config& config) : counter::base(config) {}
  behavior_type make_behavior() override {
    return {[](int x) { return x + 1; }};
  }
};

struct node_config : caf::actor_system_config {
  node_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 1);
    set("middleman.workers", 0);
  }
};

/// One actor system; without a secret it has CAF's stock middleman.
struct node {
  explicit node(const std::optional<std::string>& secret, std::chrono::milliseconds timeout = 60s) {
    if (secret) {
      transport_options options;
      options.credentials = *secret;
      options.handshake_timeout = timeout;
      options.refused = log.sink();
      load_secure_middleman(config, options);
    } else {
      config.load<caf::io::middleman>();
    }
    system = std::make_unique<caf::actor_system>(config);
  }
  ~node() { stop(); }

  /// Publishes a counter on a free port of the loopback.
  std::uint16_t serve() {
    served = system->spawn<counter_actor>();
    auto bound = system->middleman().publish(served, 0, "127.0.0.1");
    REQUIRE(bound);
    return *bound;
  }
  caf::expected<counter> reach(std::uint16_t port, const std::string& host = "127.0.0.1") {
    return system->middleman().remote_actor<counter>(host, port);
  }
  /// One typed request; 0 on any error.
  int ask(const counter& whom, int x) {
    caf::scoped_actor self{*system};
    int answer = 0;
    self->request(whom, patience, x).receive([&](int y) { answer = y; }, [](caf::error&) {});
    return answer;
  }
  void stop() {
    if (!system) return;
    if (served) caf::anon_send_exit(served, caf::exit_reason::user_shutdown);
    served = nullptr;
    system.reset();
  }

  refusals log;
  node_config config;
  std::unique_ptr<caf::actor_system> system;
  counter served;
};

/// Forwards one connection to `port` and records what the dialler said; `cut` breaks it.
class tap {
 public:
  explicit tap(std::uint16_t port) : listener_(listen_tcp("127.0.0.1", 0).value()), to_(port) {
    thread_ = std::jthread{[this] { run(); }};
  }
  ~tap() { cut(); }
  [[nodiscard]] std::uint16_t port() const {
    return split_address(local_address(listener_.get())).second;
  }
  void cut() {
    cut_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// What the dialler has said; only after `cut`.
  [[nodiscard]] const std::string& heard() const { return heard_; }

 private:
  void run() {
    owned_fd in;
    while (!in.valid() && !cut_) {
      pollfd watched{listener_.get(), POLLIN, 0};
      if (poll(&watched, 1, 5) == 1) in.reset(accept(listener_.get(), nullptr, nullptr));
    }
    owned_fd out{socket(AF_INET, SOCK_STREAM, 0)};
    const tcp_address address = loopback(to_);
    if (connect(out.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length)) {
      return;
    }
    while (!cut_ && pass(in.get(), out.get(), &heard_)) {
    }
  }
  static bool pass(int in, int out, std::string* heard) {
    std::array<pollfd, 2> watched{pollfd{in, POLLIN, 0}, pollfd{out, POLLIN, 0}};
    poll(watched.data(), watched.size(), 5);
    for (const auto& ready : watched) {
      if (ready.revents == 0) continue;
      std::array<char, 4096> buffer{};
      const auto got = recv(ready.fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) return false;
      if (ready.fd == in) heard->append(buffer.data(), static_cast<std::size_t>(got));
      send(ready.fd == in ? out : in, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
    }
    return true;
  }

  owned_fd listener_;
  std::uint16_t to_;
  std::string heard_;
  std::atomic<bool> cut_{false};
  std::jthread thread_;
};

}  // namespace atlas::net::test
