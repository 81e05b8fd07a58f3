// Adding up.
#include "cli/bench_tally.hpp"

#include <algorithm>

namespace atlas::cli {

namespace {

constexpr std::size_t error_texts_max = 100;

}  // namespace

bench_histogram bench_tally::successes() const {
  bench_histogram out;
  for (const auto& series : done) out.add(series.latency);
  return out;
}

bool bench_tally::idle() const {
  return drops.empty() && successes().count() + conflicts.count() + error_count + unanswered == 0;
}

void bench_tally::add_error(std::string_view text) {
  ++error_count;
  std::string key(text);
  // Texts may hold numbers that differ each time; the map must not grow with the run.
  if (errors.size() >= error_texts_max && errors.count(key) == 0) key = "(others)";
  ++errors[key];
}

void bench_tally::add(const bench_tally& other) {
  for (const auto kind : bench_kinds) {
    of(kind).latency.add(other.of(kind).latency);
    of(kind).bytes += other.of(kind).bytes;
    of(kind).keys += other.of(kind).keys;
  }
  conflicts.add(other.conflicts);
  misses += other.misses;
  error_count += other.error_count;
  unanswered += other.unanswered;
  for (const auto& [text, count] : other.errors) errors[text] += count;
  for (const auto& [text, count] : other.drops) drops[text] += count;
  last_ns = std::max(last_ns, other.last_ns);
}

}  // namespace atlas::cli
