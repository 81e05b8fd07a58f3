// One epoll thread of the load generator with its share of the connections. It runs twice: to write
// every key once, and to measure. What it counts is its own; the run adds the workers up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_client.hpp"
#include "cli/bench_options.hpp"
#include "cli/bench_picker.hpp"
#include "cli/bench_tally.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// Nanoseconds on the monotonic clock.
std::uint64_t bench_now_ns();

/// The measured window on the monotonic clock. Requests sent in [first_ns, end_ns) count; nothing
/// is sent from end_ns on, and answers are awaited until give_up_ns.
struct bench_window {
  std::uint64_t first_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t give_up_ns = 0;
};

/// Used by one thread at a time.
class bench_worker {
 public:
  /// `index` of `options.threads` workers: it decides the keys to populate and the random sequence.
  bench_worker(const bench_options& options, std::uint32_t index,
               std::vector<bench_client> clients);

  /// Writes this worker's share of the keys once. A refused key is tried again some times; then,
  /// and when a connection is lost, the failure carries the server's words.
  core::result<core::done> populate();

  /// Applies the load for `window` and counts.
  void measure(const bench_window& window);

  /// By target, in the order of the options.
  [[nodiscard]] const std::vector<bench_tally>& tallies() const { return tallies_; }

 private:
  enum class phase { populate, measure };

  void run(std::uint64_t give_up_ns);
  void start_all();
  void on_event(bench_client& client, std::uint32_t events);
  void on_readable(bench_client& client);
  void on_reply(bench_client& client, const bench_reply& reply, std::uint64_t now_ns);
  void account(bench_tally& tally, const bench_slot& request, const bench_reply& reply,
               std::uint64_t now_ns);
  bool next_request(const bench_client& client, std::uint32_t slot, bench_slot& request,
                    std::uint64_t now_ns);
  void send(bench_client& client);
  void drop(bench_client& client, const std::string& why);
  void watch(bench_client& client, bool for_output, bool fresh);
  [[nodiscard]] std::size_t number_of(const bench_client& client) const;

  std::vector<bench_client> clients_;
  bench_picker picker_;
  std::vector<bench_tally> tallies_;
  unique_fd epoll_;
  phase phase_ = phase::measure;
  bench_window window_;
  std::uint64_t in_flight_ = 0;   // over all clients; the loop ends when it is 0
  std::string populate_failure_;  // populate: the first hopeless refusal
};

}  // namespace atlas::cli
