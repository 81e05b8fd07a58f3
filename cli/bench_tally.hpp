// What a load run counts: latencies and payload by kind of request, and everything that went wrong.
// Every worker has tallies of its own; the run adds them up.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "cli/bench_histogram.hpp"
#include "cli/bench_workload.hpp"

namespace atlas::cli {

/// The requests of one kind that were answered well, reads that found nothing among them.
struct bench_series {
  bench_histogram latency;  ///< nanoseconds
  std::uint64_t bytes = 0;  ///< blobs: bytes of values that travelled
  std::uint64_t keys = 0;   ///< scan: keys listed

  [[nodiscard]] std::uint64_t count() const { return latency.count(); }
};

/// What happened on one target, of the requests that were sent inside the measured window.
struct bench_tally {
  std::array<bench_series, bench_kinds.size()> done;  ///< by kind
  bench_histogram conflicts;  ///< answered in whole, but nothing was written: not among `done`
  std::uint64_t misses = 0;   ///< reads answered "not there"
  std::uint64_t error_count = 0;
  std::uint64_t unanswered = 0;  ///< sent, and neither answered nor refused by the end
  std::map<std::string, std::uint64_t> errors;  ///< by text; at most 100 texts, then "(others)"
  std::map<std::string, std::uint64_t> drops;   ///< lost connections by reason
  std::uint64_t last_ns = 0;                    ///< when the last answer came

  [[nodiscard]] bench_series& of(bench_kind kind) { return done[index_of(kind)]; }
  [[nodiscard]] const bench_series& of(bench_kind kind) const { return done[index_of(kind)]; }

  /// Latencies of all kinds together, conflicts left out.
  [[nodiscard]] bench_histogram successes() const;

  /// Whether no request was sent in the window, although the connections held.
  [[nodiscard]] bool idle() const;

  void add_error(std::string_view text);
  void add(const bench_tally& other);
};

}  // namespace atlas::cli
