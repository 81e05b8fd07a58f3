// The emulated WAN: deliveries that happen later, in order, on one thread. A sleep per message
// would make every link a queue of one; here any number of messages are on their way at the same
// time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <unordered_map>
#include <vector>

namespace atlas::net {

/// A deadline queue with one thread, idle while nothing is due. Thread-safe.
class delay_line {
 public:
  delay_line();
  delay_line(const delay_line&) = delete;
  delay_line& operator=(const delay_line&) = delete;
  /// Drops what has not been delivered and joins the thread; not from a `deliver`.
  ~delay_line();

  /// Calls `deliver` on the line's thread `delay` from now (negative = at once), within about 100
  /// us on an idle machine. Items of one `lane` are delivered in the order of their calls: one with
  /// a shorter delay waits for those before it, as bytes in a TCP connection do. Lanes do not wait
  /// for each other. `deliver` must be short, must not throw, and may call `run_after`.
  void run_after(std::uint64_t lane, std::chrono::microseconds delay,
                 std::function<void()> deliver);

 private:
  using clock = std::chrono::steady_clock;

  struct item {
    clock::time_point due;
    std::uint64_t number;  ///< order of the calls; breaks ties of `due`
    std::uint64_t lane;
    std::function<void()> deliver;
  };
  struct later {
    bool operator()(const item& a, const item& b) const {
      return a.due != b.due ? a.due > b.due : a.number > b.number;
    }
  };
  struct lane_state {
    clock::time_point last_due;
    std::uint64_t waiting = 0;
  };

  void run();
  std::vector<std::function<void()>> take_due(clock::time_point now);

  std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::priority_queue<item, std::vector<item>, later> items_;
  std::unordered_map<std::uint64_t, lane_state> lanes_;  // only those with items on their way
  std::uint64_t next_number_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace atlas::net
