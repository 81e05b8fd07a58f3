// Both reports are made from the same figures; the JSON one holds all of them.
#include "cli/bench_report.hpp"

#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace atlas::cli {

namespace {

using nlohmann::ordered_json;

constexpr int name_width = 10;

double to_us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

double mb_per_s(const bench_series& s, double elapsed_s) {
  return static_cast<double>(s.bytes) * 1e-6 / elapsed_s;
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

ordered_json series_json(const bench_series& s, double elapsed_s) {
  auto out = rate_json(s.latency, elapsed_s);
  if (s.bytes > 0) out["mb_per_s"] = mb_per_s(s, elapsed_s);
  if (s.keys > 0) out["keys_per_s"] = static_cast<double>(s.keys) / elapsed_s;
  return out;
}

ordered_json tally_json(const bench_tally& t, double elapsed_s) {
  auto out = rate_json(t.successes(), elapsed_s);
  for (const auto kind : bench_kinds)
    if (t.of(kind).count() > 0)
      out[std::string(field_of(kind))] = series_json(t.of(kind), elapsed_s);
  out["conflict_count"] = t.conflicts.count();
  if (t.conflicts.count() > 0) out["conflicts"] = rate_json(t.conflicts, elapsed_s);
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

void print_row(std::ostream& out, std::string_view name, const bench_histogram& h,
               double elapsed_s) {
  out << std::left << std::setw(name_width) << name << std::right << std::setw(11)
      << static_cast<double>(h.count()) / elapsed_s;
  for (const double p : {50.0, 95.0, 99.0, 99.9}) out << std::setw(11) << to_us(h.percentile(p));
  out << std::setw(11) << to_us(h.max()) << '\n';
}

void print_head(std::ostream& out) {
  out << std::left << std::setw(name_width) << "" << std::right << std::setw(11) << "per second"
      << std::setw(11) << "p50 us" << std::setw(11) << "p95 us" << std::setw(11) << "p99 us"
      << std::setw(11) << "p99.9 us" << std::setw(11) << "max us" << '\n';
}

// A row for each kind there was, then what they carried beside requests.
void print_kinds(std::ostream& out, const bench_tally& t, double elapsed_s) {
  for (const auto kind : bench_kinds)
    if (t.of(kind).count() > 0) print_row(out, label_of(kind), t.of(kind).latency, elapsed_s);
  print_row(out, "all", t.successes(), elapsed_s);
  if (t.conflicts.count() > 0) print_row(out, "conflict", t.conflicts, elapsed_s);
  for (const auto kind : bench_kinds) {
    const auto& series = t.of(kind);
    if (series.bytes > 0)
      out << label_of(kind) << ": " << std::setprecision(2) << mb_per_s(series, elapsed_s)
          << std::setprecision(0) << " MB/s of values\n";
    if (series.keys > 0)
      out << label_of(kind) << ": " << static_cast<double>(series.keys) / elapsed_s
          << " keys per second\n";
  }
}

void print_troubles(std::ostream& out, const bench_tally& t) {
  if (t.conflicts.count() > 0)
    out << "conflicts (nothing written, not among all): " << t.conflicts.count() << '\n';
  if (t.misses > 0) out << "reads that found nothing: " << t.misses << '\n';
  if (t.error_count > 0) out << "errors: " << t.error_count << '\n';
  for (const auto& [text, count] : t.errors) out << "  " << count << " x " << text << '\n';
  if (t.unanswered > 0) out << "unanswered requests: " << t.unanswered << '\n';
  for (const auto& [text, count] : t.drops)
    out << "lost connections: " << count << " x " << text << '\n';
}

void print_heard(std::ostream& out, const bench_heard& h, double window_s) {
  print_row(out, "delivery", h.delivery, window_s);
  out << "watch: " << static_cast<double>(h.events) / window_s << " events per second to "
      << h.watchers << (h.watchers == 1 ? " watcher" : " watchers together");
  if (h.gaps > 0) out << ", " << h.gaps << " gaps";
  out << '\n';
  if (!h.failure.empty()) out << "watch failed: " << h.failure << '\n';
}

ordered_json heard_json(const bench_heard& h, double window_s) {
  return {{"watchers", h.watchers},
          {"events", h.events},
          {"events_per_s", static_cast<double>(h.events) / window_s},
          {"gaps", h.gaps},
          {"delivery_us", latency_json(h.delivery)},
          {"failure", h.failure}};
}

const char* engine_name(const bench_options& o) {
  return o.engine == bench_engine::redis ? "redis" : "atlas";
}

}  // namespace

std::string bench_text_report(const bench_options& o, const bench_result& r) {
  std::ostringstream out;
  const auto total = r.total();
  out << engine_name(o) << ", " << o.workload.name << ": " << o.clients << " clients x "
      << o.pipeline << (o.tagged() ? " tagged" : "") << " in flight, " << o.value_bytes
      << " byte values, " << o.keys << " keys in " << o.tables << " tables, reads "
      << o.read_ratio * 100 << " %"
      << (o.workload.read == bench_kind::scan ? ", limit " + std::to_string(o.scan_limit) : "")
      << '\n'
      << std::fixed << std::setprecision(0) << total.successes().count() << " operations in "
      << std::setprecision(2) << r.elapsed_s << " s; the client itself used "
      << std::setprecision(0) << 100 * r.client_cpu_s / r.client_wall_s << " % of a core\n";
  print_head(out);
  print_kinds(out, total, r.elapsed_s);
  if (total.idle())
    out << "nothing was measured: the requests of the warm-up took until the end of the window; "
           "give it a longer --duration\n";
  print_troubles(out, total);
  if (r.heard.watchers > 0) print_heard(out, r.heard, o.duration_s);
  if (r.targets.size() < 2) return out.str();
  for (std::size_t i = 0; i < r.targets.size(); ++i) {
    out << o.targets[i] << '\n';
    print_row(out, "", r.targets[i].successes(), r.elapsed_s);
    print_troubles(out, r.targets[i]);
  }
  return out.str();
}

std::string bench_json_report(const bench_options& o, const bench_result& r) {
  ordered_json out{{"engine", engine_name(o)},
                   {"workload", o.workload.name},
                   {"read_ratio", o.read_ratio},
                   {"clients", o.clients},
                   {"pipeline", o.pipeline},
                   {"tagged", o.tagged()},
                   {"value_bytes", o.value_bytes},
                   {"keys", o.keys},
                   {"tables", o.tables},
                   {"scan_limit", o.scan_limit},
                   {"threads", o.threads},
                   {"seed", o.seed},
                   {"warmup_s", o.warmup_s},
                   {"duration_s", o.duration_s},
                   {"elapsed_s", r.elapsed_s},
                   {"client_cpu_s", r.client_cpu_s},
                   {"client_cpu_percent", 100 * r.client_cpu_s / r.client_wall_s},
                   {"clean", r.clean()}};
  out.update(tally_json(r.total(), r.elapsed_s));
  if (r.heard.watchers > 0) out["watch"] = heard_json(r.heard, o.duration_s);
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
