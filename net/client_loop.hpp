// The one thread behind the client socket: waits for bytes, feeds sessions, hands whole rounds to
// the backend and sends what the sessions put out. A round is: all ready connections are read once,
// all their requests go out in one submit, all answers that are there come in, and every connection
// with output gets one send. So a wake-up costs the same for one request and for thousands.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/connected_client.hpp"
#include "net/gateway.hpp"
#include "net/socket_file.hpp"

namespace atlas::net {

class client_loop {
 public:
  /// `serve` outlives the loop.
  client_loop(gateway_options options, client_door door, backend& serve);
  ~client_loop();
  client_loop(const client_loop&) = delete;
  client_loop& operator=(const client_loop&) = delete;

  /// False if the kernel gave nothing to wait with. Before `run` only.
  [[nodiscard]] bool is_usable() const { return door_watched_; }
  /// Serves until `request_stop`, then closes everything. To be called once, on the loop's thread.
  void run();

  /// Makes `run` poll the backend soon. Any thread.
  void wake();
  /// Makes `run` stop accepting and reading, wait at most `grace` for answers and return. Any
  /// thread.
  void request_stop(std::chrono::milliseconds grace);

 private:
  using clock = std::chrono::steady_clock;

  void wait();
  [[nodiscard]] int wait_ms();
  void on_event(connected_client& c, std::uint32_t events);
  void accept_clients();
  void receive(connected_client& c);
  void discard(connected_client& c);
  void advance(connected_client& c);
  void resume();
  void serve_backend();
  void deliver(client_reply&& reply);
  void flush_touched();
  bool send_output(connected_client& c);
  void settle(connected_client& c);
  void sweep();
  void begin_drain();
  void touch(connected_client& c);
  void account(connected_client& c);
  void refuse_largest_input();
  void drop_largest_output();
  void linger(connected_client& c);
  void drop(connected_client& c);
  void arm(connected_client& c, std::uint32_t events);
  void watch_door(bool on);
  [[nodiscard]] bool watch(int fd, void* who, std::uint32_t events, int how);

  const gateway_options options_;
  backend& serve_;
  client_door door_;
  owned_fd epoll_;
  owned_fd event_;
  std::atomic<bool> wake_pending_{false};        // `event_` is set or about to be
  std::atomic<std::int64_t> stop_grace_ms_{-1};  // not negative: stop

  // The loop's thread only, from here on.
  request_desk desk_;
  std::vector<std::unique_ptr<connected_client>> clients_;
  std::vector<std::unique_ptr<connected_client>>
      buried_;                               // dropped in this round; events may still name them
  std::vector<connected_client*> touched_;   // to be flushed in this round
  std::vector<connected_client*> answered_;  // may read on after this round's answers
  std::vector<connected_client*> again_;     // may read on after sending made room
  std::vector<connected_client*> starved_;   // may read on when others' requests are answered
  std::vector<client_reply> replies_;
  std::vector<char> buffer_;
  std::size_t input_total_ = 0;   // sum of session::input_bytes
  std::size_t output_total_ = 0;  // sum of session::output_bytes
  std::size_t timed_ = 0;         // clients with a deadline
  clock::time_point next_sweep_;
  clock::time_point door_opens_;  // while the door is not watched for want of descriptors
  bool door_watched_ = false;
  bool draining_ = false;
  clock::time_point drain_until_;
};

}  // namespace atlas::net
