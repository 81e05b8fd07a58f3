// A slot that does CAS stays with one key: only so is the version in its last answer that of the
// key it writes next. The slots of all connections are dealt over the keys in turn, so how many
// writers meet on a key is set by --keys and not by chance.
#include "cli/bench_picker.hpp"

namespace atlas::cli {

bench_picker::bench_picker(const bench_options& options, std::uint32_t index, std::size_t clients)
    : options_(options),
      index_(index),
      next_key_(index),
      random_state_(options.seed * 0x9E3779B97F4A7C15ull + index) {
  if (options.workload.write == bench_kind::cas) versions_.resize(clients * options.pipeline);
}

std::optional<bench_request> bench_picker::next_fill() {
  if (next_key_ >= options_.keys) return std::nullopt;
  bench_request out;
  out.kind = options_.workload.write;
  out.key = static_cast<std::uint32_t>(next_key_);
  next_key_ += options_.threads;
  return out;
}

bench_request bench_picker::next(std::size_t client, std::uint32_t slot) {
  bench_request out;
  out.key = static_cast<std::uint32_t>(random() % options_.keys);
  const bool reads = static_cast<double>(random() >> 11) * 0x1p-53 < options_.read_ratio;
  out.kind = reads ? options_.workload.read : options_.workload.write;
  if (out.kind == bench_kind::cas) {
    // Connections were dealt to the workers in turn, see make_workers().
    const auto writer = (client * options_.threads + index_) * options_.pipeline + slot;
    out.key = static_cast<std::uint32_t>(writer % options_.keys);
    out.version = versions_[client * options_.pipeline + slot];
  }
  if (out.kind == bench_kind::txn) out.other_key = neighbour_of(out.key);
  return out;
}

void bench_picker::learn(std::size_t client, std::uint32_t slot, std::uint64_t version) {
  versions_[client * options_.pipeline + slot] = version;
}

// Another key of the same table: those are `tables` apart. The options see to it that there is one.
std::uint32_t bench_picker::neighbour_of(std::uint32_t key) {
  const auto table = key % options_.tables;
  const auto rows = (options_.keys - table - 1) / options_.tables + 1;
  const auto row = (key / options_.tables + 1 + random() % (rows - 1)) % rows;
  return static_cast<std::uint32_t>(table + row * options_.tables);
}

// SplitMix64: one multiplication chain per number, and any seed will do.
std::uint64_t bench_picker::random() {
  auto z = random_state_ += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace atlas::cli
