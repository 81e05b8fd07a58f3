// What a load run is told: where, what mix, how hard, how long. Checked as a whole before the first
// connection is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_workload.hpp"
#include "core/result.hpp"

namespace atlas::cli {

enum class bench_engine { atlas, redis };

/// One run of atlas-bench.
struct bench_options {
  bench_engine engine = bench_engine::atlas;
  std::vector<std::string> targets;  ///< client c uses target c mod n
  bench_workload workload = *find_workload("put");
  double read_ratio = 0;       ///< share of reads, also where the workload says it
  std::uint32_t clients = 64;  ///< connections
  std::uint32_t pipeline = 1;  ///< requests in flight per connection
  bool in_order = false;       ///< Atlas: pipeline without request tags
  std::uint32_t value_bytes = 100;
  std::uint32_t keys = 10'000;
  std::uint32_t tables = 1;        ///< the keys are spread over so many tables
  std::uint32_t scan_limit = 100;  ///< keys of one scan
  std::uint32_t watchers = 1;      ///< of the watch workload
  double duration_s = 5;
  double warmup_s = 1;
  std::string key_prefix = "bench";
  std::uint64_t seed = 1;
  std::uint32_t threads = 1;
  bool populate = true;  ///< write every key once before a run that reads
  bool json = false;

  /// Whether requests carry `[ID:n]`, so that the server may work on several of one connection.
  [[nodiscard]] bool tagged() const {
    return engine == bench_engine::atlas && pipeline > 1 && !in_order;
  }
};

/// A parsed command line: options to run with, or a text to print instead (help, version).
struct bench_command_line {
  bench_options options;
  std::string print;
};

/// Refuses with `bad_config` what cannot be run, naming the option and what would be right.
core::result<bench_command_line> parse_bench_options(int argc, const char* const* argv);

}  // namespace atlas::cli
