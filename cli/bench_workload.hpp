// What a load can be made of: the kinds of request, and the workloads, which are mixes of two kinds
// at most. A new workload is a kind and a row here, its request in bench_wire and the frames that
// answer it in bench_answer; picking, counting and reporting go by the kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace atlas::cli {

/// One kind of request. Each has latencies of its own in the report, in this order.
enum class bench_kind : std::uint8_t {
  get,
  put,
  cas,
  incr,
  txn,  ///< TXN BEGIN, two PUTs, TXN COMMIT: four lines, one request
  scan,
  count,
  blob_get,
  blob_set,
};

inline constexpr std::array bench_kinds{
    bench_kind::get,   bench_kind::put,      bench_kind::cas,
    bench_kind::incr,  bench_kind::txn,      bench_kind::scan,
    bench_kind::count, bench_kind::blob_get, bench_kind::blob_set,
};

constexpr std::size_t index_of(bench_kind kind) {
  return static_cast<std::size_t>(kind);
}

/// How a kind is called in a table for people ("blob get") and as a field of JSON ("blob_gets").
std::string_view label_of(bench_kind kind);
std::string_view field_of(bench_kind kind);

/// A request before it is encoded.
struct bench_request {
  bench_kind kind = bench_kind::put;
  std::uint32_t key = 0;        ///< its number; a scan or count takes the key's table
  std::uint32_t other_key = 0;  ///< txn: the second key, of the same table
  std::uint64_t version = 0;    ///< cas: what the key is thought to have; 0 = absent
};

/// A mix of requests.
struct bench_workload {
  std::string_view name;
  bench_kind write;
  bench_kind read;
  std::optional<double> read_ratio;  ///< none: --read-ratio says it
  bool redis = false;                ///< whether redis has the like
  bool watched = false;              ///< others watch the first table meanwhile
};

/// Null if no workload has this name.
const bench_workload* find_workload(std::string_view name);

/// "put, get or mixed", of all workloads or of those that redis has.
std::string workload_names(bool redis_only);

}  // namespace atlas::cli
