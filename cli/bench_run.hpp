// A whole load run: connect, write the keys, warm up, measure, add up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_options.hpp"
#include "cli/bench_watch.hpp"
#include "cli/bench_worker.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// What a run found. Counted are the requests sent inside the measured window, wherever their
/// answer came; so a stall at the end is in the latencies and stretches `elapsed_s`.
struct bench_result {
  std::vector<bench_tally> targets;  ///< as in the options
  double elapsed_s = 0;              ///< from the window's start to its end or the last answer
  double client_cpu_s = 0;           ///< processor time of this process, warm-up included
  double client_wall_s = 0;          ///< wall time over which client_cpu_s was spent
  bench_heard heard;                 ///< by watchers, if there were any

  [[nodiscard]] bench_tally total() const;
  /// No errors, no lost connections, nothing unanswered, and something done.
  [[nodiscard]] bool clean() const;
};

/// Runs `options`. Fails when a connection cannot be made or the keys cannot be written; whatever
/// goes wrong later is part of the result.
core::result<bench_result> run_bench(const bench_options& options);

}  // namespace atlas::cli
