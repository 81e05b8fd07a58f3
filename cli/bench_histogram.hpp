// A latency histogram with bounded relative error: linear buckets inside each power of two (the
// idea of HdrHistogram). Recording is a shift and an increment, so that measuring costs the
// measured nothing, and histograms of several threads add up.
#pragma once

#include <cstdint>
#include <vector>

namespace atlas::cli {

/// Counts of 64-bit values, here nanoseconds. A value is known to within 1/128 of itself (< 0.8 %);
/// values below 256 exactly. Extremes, count and sum are exact.
class bench_histogram {
 public:
  bench_histogram();

  void record(std::uint64_t value);

  /// Adds the counts of `other`.
  void add(const bench_histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const;

  /// The smallest value such that at least `percent` of all records are no larger, rounded up to
  /// the end of its bucket (never above max()). 0 when empty. Requires 0 < percent <= 100.
  [[nodiscard]] std::uint64_t percentile(double percent) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;  // a double: 2^64 ns would overflow in a long run, and the mean needs no more
};

}  // namespace atlas::cli
