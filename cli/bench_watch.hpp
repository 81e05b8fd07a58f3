// Watchers beside a load: each follows every change of the first table, values included, on a
// connection and a thread of its own; a probe writes the time of day there again and again, and the
// watchers see how long it took to reach them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/bench_histogram.hpp"
#include "cli/bench_options.hpp"
#include "cli/client_socket.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// What all watchers together heard inside the measured window.
struct bench_heard {
  std::uint64_t watchers = 0;
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  bench_histogram delivery;  ///< ns from before a write was sent to its event
  std::string failure;       ///< of the first watcher that could not go on
};

class bench_watch {
 public:
  /// Connects, writes the probe's key once and opens the watches. Fails as run_bench does.
  static core::result<std::unique_ptr<bench_watch>> open(const bench_options& options);
  ~bench_watch();
  bench_watch(const bench_watch&) = delete;
  bench_watch& operator=(const bench_watch&) = delete;

  /// Counts what comes from `first_ns` on, up to `end_ns`.
  void set_window(std::uint64_t first_ns, std::uint64_t end_ns);
  /// Ends the watches; what was heard.
  bench_heard finish();

 private:
  explicit bench_watch(std::string probe_key) : probe_key_(std::move(probe_key)) {}
  void follow(int fd);
  void probe(int fd);
  void take(std::string_view line, std::string_view value);
  void fail(const std::string& why);

  std::string probe_key_;
  std::vector<unique_fd> connections_;  ///< of the watchers, the probe's last
  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> first_ns_{~std::uint64_t{0}};
  std::atomic<std::uint64_t> end_ns_{~std::uint64_t{0}};
  std::atomic<bool> over_{false};
  std::mutex mutex_;  ///< guards what follows
  bench_heard heard_;
};

}  // namespace atlas::cli
