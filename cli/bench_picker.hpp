// Which request comes next: keys by chance, reads and writes by the ratio, versions as the server
// last told them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/bench_options.hpp"
#include "cli/bench_workload.hpp"

namespace atlas::cli {

/// Picks for one worker and its connections. The same seed gives the same picks.
class bench_picker {
 public:
  /// `index` of `options.threads` workers, which has `clients` connections.
  bench_picker(const bench_options& options, std::uint32_t index, std::size_t clients);

  /// The next of this worker's share of the keys, to be written before the load; none when all
  /// were picked.
  std::optional<bench_request> next_fill();

  /// A request of the load for slot `slot` of the worker's connection number `client`.
  bench_request next(std::size_t client, std::uint32_t slot);

  /// The version that an answer to a CAS of this slot told, 0 for an absent key.
  void learn(std::size_t client, std::uint32_t slot, std::uint64_t version);

 private:
  std::uint64_t random();
  [[nodiscard]] std::uint32_t neighbour_of(std::uint32_t key);

  const bench_options& options_;
  std::uint32_t index_;
  std::uint64_t next_key_;
  std::uint64_t random_state_;
  std::vector<std::uint64_t> versions_;  // cas: by connection, then slot
};

}  // namespace atlas::cli
