// Messages between simulated processes. Core's messages may be lost, repeated and overtaken at
// will; requests and their answers travel as on a connection of the real transport: lost or late,
// but never repeated. Like there, what is not for the receiver's present boot is dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/command.hpp"
#include "core/messages.hpp"
#include "core/rng.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/sim_options.hpp"
#include "tests/sim/story.hpp"

namespace atlas::sim {

/// Requests of a node's clients on their way to the owner.
struct forward {
  core::log_id log;
  std::vector<core::command> commands;
  std::vector<core::read> reads;
};
/// The owner (or who is none) gives requests back.
struct returned {
  core::log_id log;
  core::table_id table;
  std::vector<core::sequence> commands;
  std::vector<core::sequence> reads;
  std::string why;
};
struct answers {
  core::log_id log;
  std::vector<core::answer> list;
};
/// A heartbeat, and the answer with a lease.
struct ping {
  core::tick sent;         ///< on the sender's clock
  bool hears_you = false;  ///< the receiver's answers reach the sender
};
struct pong {
  core::tick sent;  ///< copied from the ping
  core::lease_grant grant;
};

using payload = std::variant<core::message, forward, returned, answers, ping, pong>;

struct envelope {
  core::process from;
  core::node_id to;
  core::boot_epoch to_boot;  ///< 0: whoever runs there (pings only)
  payload what;
};

class network {
 public:
  using deliver = std::function<void(envelope&&)>;

  network(event_queue& events, core::rng& random, story& tale, const sim_options& options,
          deliver to)
      : events_(events),
        random_(random),
        story_(tale),
        options_(options),
        deliver_(std::move(to)) {}

  void send(envelope&& e);
  /// Nothing passes from `a` to `b` any more.
  void cut(core::node_id a, core::node_id b) { cuts_.emplace(a, b); }
  void mend(core::node_id a, core::node_id b) { cuts_.erase({a, b}); }
  /// Messages from `a` to `b` take `factor` times as long; 1: as ever.
  void slow(core::node_id a, core::node_id b, std::uint64_t factor) { slow_[{a, b}] = factor; }
  /// All that the protocol says from `a` to `b` is lost until then; heartbeats pass.
  void deafen(core::node_id a, core::node_id b, std::uint64_t until_us) {
    deaf_until_[{a, b}] = until_us;
  }
  /// From now on nothing is cut, lost, repeated or very late.
  void calm() {
    calm_ = true;
    cuts_.clear();
    deaf_until_.clear();
    slow_.clear();
  }

 private:
  void post(envelope&& e);
  [[nodiscard]] std::uint64_t delay(const envelope& e);
  void tell_lost(const envelope& e);
  [[nodiscard]] bool chance(unsigned permille) {
    return !calm_ && permille > 0 && random_.chance(permille, 1000);
  }

  event_queue& events_;
  core::rng& random_;
  story& story_;
  const sim_options& options_;
  deliver deliver_;
  std::set<std::pair<core::node_id, core::node_id>> cuts_;
  std::map<std::pair<core::node_id, core::node_id>, std::uint64_t> deaf_until_;
  std::map<std::pair<core::node_id, core::node_id>, std::uint64_t> slow_;  ///< by what factor
  bool calm_ = false;
};

}  // namespace atlas::sim
