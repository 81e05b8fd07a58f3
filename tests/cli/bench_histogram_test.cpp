// The histogram against the plain truth: the same values, sorted.
#include "cli/bench_histogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace {

using atlas::cli::bench_histogram;

std::uint64_t sorted_percentile(std::vector<std::uint64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const auto rank =
      static_cast<std::size_t>(std::ceil(static_cast<double>(values.size()) * percent / 100));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

void check_against_sorted(const std::vector<std::uint64_t>& values) {
  bench_histogram h;
  for (const auto v : values) h.record(v);
  CHECK(h.count() == values.size());
  CHECK(h.max() == *std::max_element(values.begin(), values.end()));
  for (const double p : {0.1, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto truth = static_cast<double>(sorted_percentile(values, p));
    const auto got = static_cast<double>(h.percentile(p));
    CAPTURE(p);
    CHECK(got >= truth);
    CHECK(got <= truth * 1.01);
  }
}

}  // namespace

TEST_SUITE("cli/bench_histogram") {
  TEST_CASE("an empty histogram has zeros") {
    const bench_histogram h;
    CHECK(h.count() == 0);
    CHECK(h.percentile(50) == 0);
    CHECK(h.mean() == 0);
  }

  TEST_CASE("small values are exact") {
    bench_histogram h;
    for (std::uint64_t v = 1; v <= 200; ++v) h.record(v);
    CHECK(h.percentile(50) == 100);
    CHECK(h.percentile(99) == 198);
    CHECK(h.percentile(100) == 200);
    CHECK(h.mean() == doctest::Approx(100.5));
  }

  TEST_CASE("percentiles stay within one percent of a sorted list") {
    std::mt19937_64 random(7);
    std::vector<std::uint64_t> uniform;
    std::vector<std::uint64_t> wide;
    std::lognormal_distribution<double> log_normal(13, 2);
    for (int i = 0; i < 20'000; ++i) {
      uniform.push_back(random() % 5'000'000 + 1);
      wide.push_back(static_cast<std::uint64_t>(log_normal(random)) + 1);
    }
    check_against_sorted(uniform);
    check_against_sorted(wide);
    check_against_sorted({42});
  }

  TEST_CASE("every power of two and its neighbours fall into a bucket that holds them") {
    for (unsigned bit = 0; bit < 64; ++bit)
      for (const std::uint64_t step : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}}) {
        const auto value = (std::uint64_t{1} << bit) + step;
        bench_histogram h;
        h.record(value);
        h.record(~std::uint64_t{0});
        const auto got = h.percentile(50);
        CHECK(got >= value);
        CHECK(got - value <= value / 128);
      }
  }

  TEST_CASE("added histograms are one histogram of all values") {
    bench_histogram low;
    bench_histogram high;
    for (std::uint64_t v = 1; v <= 100; ++v) low.record(v);
    for (std::uint64_t v = 101; v <= 200; ++v) high.record(v);
    low.add(high);
    CHECK(low.count() == 200);
    CHECK(low.percentile(50) == 100);
    CHECK(low.max() == 200);
    CHECK(low.mean() == doctest::Approx(100.5));
  }
}
