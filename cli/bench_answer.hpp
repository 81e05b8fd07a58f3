// What the answer to each kind of request is made of. A reply that does not fit its request is
// never counted as a success: `OK` alone answers a write, but not a read.
#pragma once

#include <cstdint>

#include "cli/bench_wire.hpp"
#include "cli/bench_workload.hpp"

namespace atlas::cli {

/// The answer to one request, as far as it has come.
struct bench_answer {
  std::uint32_t seen = 0;    ///< bits of the frames that came
  std::uint32_t lines = 0;   ///< how many of the request's lines were answered to their end
  std::uint64_t number = 0;  ///< of the last frame that has one

  /// Adds a frame. False if it can not be part of an answer to `kind`.
  bool take(bench_kind kind, const bench_reply& frame);

  /// Whether every line of the request has been answered.
  [[nodiscard]] bool ended(bench_kind kind) const;

  /// Whether an answer that ended well holds what was asked for.
  [[nodiscard]] bool fits(bench_kind kind) const;

  [[nodiscard]] bool has(bench_frame frame) const;
  [[nodiscard]] bool miss() const;      ///< a read found nothing
  [[nodiscard]] bool conflict() const;  ///< a condition did not hold, nothing was written
};

}  // namespace atlas::cli
