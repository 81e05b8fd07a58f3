// The thread at the door: accepts TCP connections, challenges every one of them without blocking,
// and hands over only those that proved the cluster's secret. Strangers meet this thread alone; the
// owner of the connections (BASP, which trusts everyone) never sees their bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/challenge.hpp"
#include "net/tcp.hpp"
#include "net/transport_options.hpp"

namespace atlas::net {

/// Serves any number of listening sockets with one thread, which starts with the first of them and
/// sleeps while nothing happens. All methods are thread-safe.
///
/// A flood from one address cannot lock out who dials from another. When
/// `handshakes_max_per_address` connections of one remote address wait for their handshake, a new
/// one from there takes the place of the oldest of them. When `handshakes_max` wait in all, the
/// oldest of the address that has the most goes, so an address with a single one loses it only if
/// no address has two.
class porter {
 public:
  /// Gets an authenticated connection: non-blocking, TCP_NODELAY, keep-alive, nothing read beyond
  /// the handshake. Called on the porter's thread with no lock held.
  using admit_function = std::function<void(owned_fd)>;

  explicit porter(const transport_options& options);
  porter(const porter&) = delete;
  porter& operator=(const porter&) = delete;
  ~porter();

  /// Takes a listening socket; no connection is accepted before `watch`. Empty after `stop`.
  std::optional<std::uint64_t> add(owned_fd listener, admit_function admit);
  /// Starts (or stops) accepting; connections wait in the kernel's queue meanwhile. Unknown ids, of
  /// doors closed before, are ignored.
  void watch(std::uint64_t id, bool on);
  /// Closes the listening socket and drops its unfinished handshakes; the port is free on return.
  void close(std::uint64_t id);
  /// Closes everything, joins the thread. Idempotent; not from `admit_function` or the log.
  void stop();

 private:
  using clock = std::chrono::steady_clock;

  struct door {
    owned_fd fd;
    std::shared_ptr<admit_function> admit;
    bool watched = false;
    bool resting = false;  ///< out of descriptors: accepts again when the pause is over
  };
  struct visitor {
    owned_fd fd;
    std::uint64_t door_id;
    challenge talk;
    std::string peer;
    clock::time_point deadline;
    bool spoke = false;
  };
  using visitor_map = std::map<std::uint64_t, visitor>;  // by age: ids only grow

  /// What a round decided; carried out after the lock is released, because callees may block.
  struct outbox {
    std::vector<std::pair<std::shared_ptr<admit_function>, owned_fd>> admitted;
    std::vector<std::pair<std::string, std::string>> refused;
  };

  void run();
  void accept_from(std::uint64_t id, door& at, outbox& out);
  void receive(std::uint64_t door_id, owned_fd fd, outbox& out);
  void rest(std::uint64_t id, door& at);
  void wake_rested(clock::time_point now);
  void listen_to(visitor_map::iterator who, outbox& out);
  void decide(visitor_map::iterator who, outbox& out);
  void make_room(std::string_view host, outbox& out);
  [[nodiscard]] visitor_map::iterator oldest_of_busiest_host();
  void evict(visitor_map::iterator who, const std::string& why, outbox& out);
  void expire(clock::time_point now, outbox& out);
  void refuse(visitor_map::iterator who, std::string why, outbox& out);
  void deliver(outbox& out) const;
  [[nodiscard]] int wait_ms(clock::time_point now) const;
  void want(int fd, std::uint64_t id, bool readable, bool known) const;

  const challenge_key key_;
  const std::chrono::milliseconds timeout_;
  const std::size_t handshakes_max_;
  const std::size_t handshakes_max_per_host_;
  const refusal_log refused_;
  owned_fd epoll_;
  owned_fd wake_;

  std::mutex mutex_;  // guards everything below
  std::map<std::uint64_t, door> doors_;
  visitor_map visitors_;
  std::uint64_t next_id_ = 1;  // 0 is the wake-up
  std::optional<clock::time_point> rest_until_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace atlas::net
