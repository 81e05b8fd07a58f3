// Bucket arithmetic. With k = bit_width(value) - 8, values are kept as their top eight bits: bucket
// index = 128 * k + (value >> k), which is continuous from one power of two to the next.
#include "cli/bench_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/check.hpp"

namespace atlas::cli {

namespace {

constexpr unsigned linear_bits = 7;
constexpr std::size_t bucket_count = (64 - linear_bits + 1) << linear_bits;

unsigned shift_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  return width > linear_bits + 1 ? width - (linear_bits + 1) : 0;
}

std::size_t bucket_of(std::uint64_t value) {
  const auto shift = shift_of(value);
  return (static_cast<std::size_t>(shift) << linear_bits) + (value >> shift);
}

// The largest value that falls into `bucket`.
std::uint64_t end_of(std::size_t bucket) {
  constexpr std::size_t linear = std::size_t{1} << (linear_bits + 1);
  if (bucket < linear) return bucket;
  const auto shift = static_cast<unsigned>((bucket >> linear_bits) - 1);
  const auto top = static_cast<std::uint64_t>(bucket) - (std::uint64_t{shift} << linear_bits);
  return ((top + 1) << shift) - 1;
}

}  // namespace

bench_histogram::bench_histogram() : buckets_(bucket_count) {}

void bench_histogram::record(std::uint64_t value) {
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void bench_histogram::add(const bench_histogram& other) {
  for (std::size_t i = 0; i < bucket_count; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double bench_histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t bench_histogram::percentile(double percent) const {
  ATLAS_CHECK(percent > 0 && percent <= 100, "a percentile lies in (0, 100]");
  if (count_ == 0) return 0;
  const auto wanted = std::ceil(static_cast<double>(count_) * percent / 100);
  const auto rank = std::clamp(static_cast<std::uint64_t>(wanted), std::uint64_t{1}, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(end_of(i), max_);
  }
  return max_;
}

}  // namespace atlas::cli
