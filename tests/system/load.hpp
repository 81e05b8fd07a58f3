// Writers in the background: each writes keys of its own, one after the other, and remembers which
// writes were acknowledged, while the test kills and starts nodes. Afterwards every acknowledged
// write must be readable.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/system/client.hpp"

namespace atlas::system_tests {

class load {
 public:
  /// One writer per socket, each writing new keys `<table>.<writer>-<number>` until `stop`. After a
  /// lost connection a writer comes back when the node serves again; the write in question stays
  /// unacknowledged.
  load(std::string table, const std::vector<std::string>& sockets);
  ~load();
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Acknowledged so far, by all writers.
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }
  /// Until every writer has had `more` further writes acknowledged; false if one has not in time.
  bool goes_on(std::size_t more, std::chrono::milliseconds limit = patience);
  /// Ends all writers after the write that each is busy with.
  void stop();
  /// After `stop`: writes that were not acknowledged and what was said instead, one per line.
  [[nodiscard]] std::string failures() const;
  /// After `stop`: acknowledged writes that the node at `socket` does not show, one per line, or
  /// why they could not be read. Empty is good.
  [[nodiscard]] std::string missing_at(const std::string& socket) const;

 private:
  struct writer {
    std::string socket;
    std::atomic<std::size_t> done{0};
    std::vector<std::string> keys;  ///< acknowledged; the value is the key itself
    std::string failures;
    std::thread thread;
  };
  void run(writer& w, std::size_t number);

  const std::string table_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> acknowledged_{0};
  std::vector<std::unique_ptr<writer>> writers_;
};

}  // namespace atlas::system_tests
