// A key-value server of one map for the tests of the load generator. It knows the commands that
// atlas-bench sends, answers them as docs/commands.md says, and remembers how often each came.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cli/bench_run.hpp"
#include "tests/cli/fake_server.hpp"

namespace atlas::tests {

/// Serves any number of connections. `pieces`: replies go out byte by byte.
class fake_node {
 public:
  struct stored {
    std::string value;
    std::uint64_t version = 0;
  };

  std::map<std::string, stored> rows;  ///< look at it when the load is over
  bool pieces = false;

  void serve(fake_connection& client);

  /// How many requests began with these words and were answered well.
  std::uint64_t count(const std::string& words);

 private:
  std::string answer(const std::string& line, fake_connection& client);
  std::string key_command(const std::string& line, fake_connection& client);
  std::string blob_command(const std::string& line, fake_connection& client);
  std::string cas(const std::string& line);
  std::string listing(const std::string& prefix, std::size_t limit);
  void write(const std::string& key, std::string value);

  std::mutex mutex_;  // guards rows and counts_
  std::map<std::string, std::uint64_t> counts_;
};

/// Options of a short run with four clients and fifty keys.
cli::bench_options small_bench(const std::string& workload, std::vector<std::string> targets);

/// Runs it; the test ends if it can not start.
cli::bench_result run_small_bench(const cli::bench_options& options);

}  // namespace atlas::tests
