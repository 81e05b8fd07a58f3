// Both reports are made from the same figures; the JSON one holds all of them.
#include "cli/bench_report.hpp"

#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

namespace atlas::cli {

namespace {

using nlohmann::ordered_json;

double to_us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

bench_histogram successes(const bench_tally& t) {
  auto all = t.gets;
  all.add(t.puts);
  return all;
}

ordered_json latency_json(const bench_histogram& h) {
  return {{"mean", h.mean() / 1000},
          {"p50", to_us(h.percentile(50))},
          {"p95", to_us(h.percentile(95))},
          {"p99", to_us(h.percentile(99))},
          {"p99_9", to_us(h.percentile(99.9))},
          {"max", to_us(h.max())}};
}

ordered_json rate_json(const bench_histogram& h, double elapsed_s) {
  return {{"operations", h.count()},
          {"throughput_per_s", static_cast<double>(h.count()) / elapsed_s},
          {"latency_us", latency_json(h)}};
}

ordered_json tally_json(const bench_tally& t, double elapsed_s) {
  auto out = rate_json(successes(t), elapsed_s);
  if (t.gets.count() > 0) out["gets"] = rate_json(t.gets, elapsed_s);
  if (t.puts.count() > 0) out["puts"] = rate_json(t.puts, elapsed_s);
  out["misses"] = t.misses;
  out["error_count"] = t.error_count;
  out["errors"] = ordered_json::object();
  for (const auto& [text, count] : t.errors) out["errors"][text] = count;
  std::uint64_t dropped = 0;
  out["drops"] = ordered_json::object();
  for (const auto& [text, count] : t.drops) {
    out["drops"][text] = count;
    dropped += count;
  }
  out["dropped_connections"] = dropped;
  out["unanswered"] = t.unanswered;
  return out;
}

void print_row(std::ostream& out, const std::string& name, const bench_histogram& h,
               double elapsed_s) {
  out << std::left << std::setw(8) << name << std::right << std::setw(11)
      << static_cast<double>(h.count()) / elapsed_s;
  for (const double p : {50.0, 95.0, 99.0, 99.9}) out << std::setw(11) << to_us(h.percentile(p));
  out << std::setw(11) << to_us(h.max()) << '\n';
}

void print_head(std::ostream& out) {
  out << std::left << std::setw(8) << "" << std::right << std::setw(11) << "per second"
      << std::setw(11) << "p50 us" << std::setw(11) << "p95 us" << std::setw(11) << "p99 us"
      << std::setw(11) << "p99.9 us" << std::setw(11) << "max us" << '\n';
}

void print_troubles(std::ostream& out, const bench_tally& t) {
  if (t.misses > 0) out << "reads that found nothing: " << t.misses << '\n';
  if (t.error_count > 0) out << "errors: " << t.error_count << '\n';
  for (const auto& [text, count] : t.errors) out << "  " << count << " x " << text << '\n';
  if (t.unanswered > 0) out << "unanswered requests: " << t.unanswered << '\n';
  for (const auto& [text, count] : t.drops)
    out << "lost connections: " << count << " x " << text << '\n';
}

const char* engine_name(const bench_options& o) {
  return o.engine == bench_engine::redis ? "redis" : "atlas";
}

}  // namespace

std::string bench_text_report(const bench_options& o, const bench_result& r) {
  std::ostringstream out;
  const auto total = r.total();
  out << engine_name(o) << ", " << o.workload << ": " << o.clients << " clients x " << o.pipeline
      << (o.tagged() ? " tagged" : "") << " in flight, " << o.value_bytes << " byte values, "
      << o.keys << " keys in " << o.tables << " tables, reads " << o.read_ratio * 100 << " %\n"
      << std::fixed << std::setprecision(0) << successes(total).count() << " operations in "
      << std::setprecision(2) << r.elapsed_s << " s; the client itself used "
      << std::setprecision(0) << 100 * r.client_cpu_s / r.client_wall_s << " % of a core\n";
  print_head(out);
  if (total.gets.count() > 0) print_row(out, "get", total.gets, r.elapsed_s);
  if (total.puts.count() > 0) print_row(out, "put", total.puts, r.elapsed_s);
  print_row(out, "all", successes(total), r.elapsed_s);
  print_troubles(out, total);
  if (r.targets.size() < 2) return out.str();
  for (std::size_t i = 0; i < r.targets.size(); ++i) {
    out << o.targets[i] << '\n';
    print_row(out, "", successes(r.targets[i]), r.elapsed_s);
    print_troubles(out, r.targets[i]);
  }
  return out.str();
}

std::string bench_json_report(const bench_options& o, const bench_result& r) {
  ordered_json out{{"engine", engine_name(o)},
                   {"workload", o.workload},
                   {"read_ratio", o.read_ratio},
                   {"clients", o.clients},
                   {"pipeline", o.pipeline},
                   {"tagged", o.tagged()},
                   {"value_bytes", o.value_bytes},
                   {"keys", o.keys},
                   {"tables", o.tables},
                   {"threads", o.threads},
                   {"seed", o.seed},
                   {"warmup_s", o.warmup_s},
                   {"duration_s", o.duration_s},
                   {"elapsed_s", r.elapsed_s},
                   {"client_cpu_s", r.client_cpu_s},
                   {"client_cpu_percent", 100 * r.client_cpu_s / r.client_wall_s},
                   {"clean", r.clean()}};
  out.update(tally_json(r.total(), r.elapsed_s));
  out["sockets"] = ordered_json::array();
  for (std::size_t i = 0; i < r.targets.size(); ++i) {
    ordered_json target{{"socket", o.targets[i]}};
    target.update(tally_json(r.targets[i], r.elapsed_s));
    out["sockets"].push_back(std::move(target));
  }
  // Error texts come from the other side and need not be UTF-8.
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace atlas::cli
