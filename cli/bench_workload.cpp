// The tables of kinds and workloads. A run writes every key first, with the write of its workload,
// if it reads at all: that is why a workload which only lists names a write too.
#include "cli/bench_workload.hpp"

#include <vector>

namespace atlas::cli {

namespace {

struct kind_names {
  std::string_view label;
  std::string_view field;
};

// In the order of bench_kind. "gets" and "puts" are older than the rest, so all are plurals.
constexpr std::array<kind_names, bench_kinds.size()> names{{
    {"get", "gets"},
    {"put", "puts"},
    {"cas", "cas"},
    {"incr", "incrs"},
    {"txn", "txns"},
    {"scan", "scans"},
    {"count", "counts"},
    {"blob get", "blob_gets"},
    {"blob set", "blob_sets"},
}};

constexpr std::array workloads{
    bench_workload{"put", bench_kind::put, bench_kind::get, 0, true},
    bench_workload{"get", bench_kind::put, bench_kind::get, 1, true},
    bench_workload{"mixed", bench_kind::put, bench_kind::get, {}, true},
    bench_workload{"cas", bench_kind::cas, bench_kind::get, 0},
    bench_workload{"incr", bench_kind::incr, bench_kind::get, 0},
    bench_workload{"txn", bench_kind::txn, bench_kind::get, 0},
    bench_workload{"scan", bench_kind::put, bench_kind::scan, 1},
    bench_workload{"count", bench_kind::put, bench_kind::count, 1},
    bench_workload{"blob", bench_kind::blob_set, bench_kind::blob_get, {}},
    bench_workload{"watch", bench_kind::put, bench_kind::get, 0, false, true},
};

}  // namespace

std::string_view label_of(bench_kind kind) {
  return names[index_of(kind)].label;
}

std::string_view field_of(bench_kind kind) {
  return names[index_of(kind)].field;
}

const bench_workload* find_workload(std::string_view name) {
  for (const auto& workload : workloads)
    if (workload.name == name) return &workload;
  return nullptr;
}

std::string workload_names(bool redis_only) {
  std::vector<std::string_view> chosen;
  for (const auto& workload : workloads)
    if (workload.redis || !redis_only) chosen.push_back(workload.name);
  std::string out;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (i > 0) out += i + 1 < chosen.size() ? ", " : " or ";
    out += chosen[i];
  }
  return out;
}

}  // namespace atlas::cli
