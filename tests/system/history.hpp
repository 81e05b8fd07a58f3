// Clients that put, delete and read a few keys on real nodes while the test breaks things, and
// write down when each operation began, when it ended and what it said: a history for the judge in
// tests/support/linearizability.hpp. What is not known is written down as not known.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/linearizability.hpp"
#include "tests/system/client.hpp"

namespace atlas::system_tests {

class history_recorder {
 public:
  /// `clients` threads, spread over the nodes behind `sockets`, on the given keys. `seed` decides
  /// who does what, not when.
  history_recorder(std::vector<std::string> sockets, std::vector<std::string> keys,
                   std::size_t clients, std::uint64_t seed);
  ~history_recorder();
  history_recorder(const history_recorder&) = delete;
  history_recorder& operator=(const history_recorder&) = delete;

  /// Operations that were answered so far.
  [[nodiscard]] std::size_t answered() const { return answered_; }
  /// Ends all clients.
  void stop();
  /// After `stop`: reads every key through every node, until each answers, as part of the history.
  /// False if one did not answer in time.
  bool read_all_keys();
  /// After `stop`.
  [[nodiscard]] const std::vector<linear::operation>& history() const { return history_; }

 private:
  void run(std::size_t number, std::uint64_t seed);
  void record(linear::operation&& o);

  const std::vector<std::string> sockets_;
  const std::vector<std::string> keys_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> answered_{0};
  std::mutex mutex_;
  std::vector<linear::operation> history_;
  std::vector<std::thread> threads_;
};

}  // namespace atlas::system_tests
