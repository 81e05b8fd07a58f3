// The command line of atlas-bench. Boost's exceptions stop here.
#include "cli/bench_options.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <boost/program_options.hpp>

namespace atlas::cli {

namespace {

namespace po = boost::program_options;

const char* const about =
    "atlas-bench: drives an Atlas node (or redis, for comparison) and reports throughput and\n"
    "latency. Each connection keeps --pipeline requests in flight and sends the next one when an\n"
    "answer has been read in whole (closed loop); latency runs from before the send to that\n"
    "moment. With --pipeline above 1 Atlas requests carry tags, so that the server may work on\n"
    "several of one connection at a time.\n\n"
    "  atlas-bench --socket PATH [--socket PATH]... [options]\n\n"
    "Workloads:\n"
    "  put, get, mixed  KEY PUT, KEY GET, or both by --read-ratio\n"
    "  cas              KEY CAS; each request in flight keeps to one key and writes by the\n"
    "                   version that its last answer told. Above --keys in flight they conflict,\n"
    "                   which is counted apart from writes and from errors\n"
    "  incr             KEY INCR\n"
    "  txn              TXN BEGIN, two PUTs to one table, TXN COMMIT: sent together, one request\n"
    "  scan             SCAN <table>. LIMIT --scan-limit\n"
    "  count            COUNT <table>.\n"
    "  blob             KEY BLOB SET and KEY BLOB GET by --read-ratio\n"
    "  watch            KEY PUT, while --watchers follow the first table with its values; a probe\n"
    "                   tells how long a write takes to reach them\n"
    "Workloads that read write every key first. Redis has put, get and mixed.\n\n"
    "Exit status: 0 all well, 1 errors, dropped connections or unanswered requests, 2 bad usage.\n";

void describe_target(po::options_description& d, bench_options& o, std::string& engine) {
  auto add = d.add_options();
  add("socket", po::value(&o.targets)->composing(),
      "Unix socket or host:port; repeat for several: client c uses the (c mod n)-th");
  add("engine", po::value(&engine)->default_value("atlas"), "atlas or redis");
  add("json", po::bool_switch(&o.json), "print one JSON object");
  add("help,h", "print this");
  add("version", "print the version");
}

void describe_load(po::options_description& d, bench_options& o, std::string& workload) {
  auto add = d.add_options();
  add("workload", po::value(&workload)->default_value("put"), "see above");
  add("read-ratio", po::value(&o.read_ratio)->default_value(0.5),
      "share of reads of mixed and blob");
  add("scan-limit", po::value(&o.scan_limit)->default_value(o.scan_limit), "keys of one scan");
  add("watchers", po::value(&o.watchers)->default_value(o.watchers),
      "connections that watch, 1 to 256");
  add("clients", po::value(&o.clients)->default_value(o.clients), "connections");
  add("pipeline", po::value(&o.pipeline)->default_value(o.pipeline),
      "requests in flight per connection");
  add("in-order", po::bool_switch(&o.in_order), "pipeline without tags (Atlas)");
  add("value-size", po::value(&o.value_bytes)->default_value(o.value_bytes), "bytes");
  add("keys", po::value(&o.keys)->default_value(o.keys), "number of distinct keys");
  add("tables", po::value(&o.tables)->default_value(o.tables), "tables the keys are spread over");
  add("key-prefix", po::value(&o.key_prefix)->default_value(o.key_prefix),
      "keys are named <prefix><table>.k<number>, counters .n<number>");
  add("duration", po::value(&o.duration_s)->default_value(o.duration_s), "seconds measured");
  add("warmup", po::value(&o.warmup_s)->default_value(o.warmup_s), "seconds before that");
  add("seed", po::value(&o.seed)->default_value(o.seed), "of the choice of keys and reads");
  add("threads", po::value(&o.threads)->default_value(o.threads), "epoll threads, 1 to 16");
}

core::failure refuse(const std::string& option, const std::string& text) {
  return {core::errc::bad_config, "--" + option + ": " + text};
}

core::result<core::done> check_load(const bench_options& o) {
  constexpr std::uint32_t clients_max = 10'000;
  constexpr std::uint32_t pipeline_max = 4096;
  constexpr std::uint32_t value_bytes_max = 64u << 20;
  constexpr std::uint32_t scan_limit_max = 1'000'000;
  constexpr double seconds_max = 86'400;
  if (o.read_ratio < 0 || o.read_ratio > 1) return refuse("read-ratio", "write 0 to 1");
  if (o.clients < 1 || o.clients > clients_max) return refuse("clients", "write 1 to 10000");
  if (o.pipeline < 1 || o.pipeline > pipeline_max) return refuse("pipeline", "write 1 to 4096");
  if (o.value_bytes < 1 || o.value_bytes > value_bytes_max)
    return refuse("value-size", "write 1 to 67108864 bytes");
  if (o.keys < 1) return refuse("keys", "write at least 1");
  if (o.tables < 1 || o.tables > o.keys) return refuse("tables", "write 1 to the number of keys");
  if (o.scan_limit < 1 || o.scan_limit > scan_limit_max)
    return refuse("scan-limit", "write 1 to 1000000");
  if (o.watchers < 1 || o.watchers > 256) return refuse("watchers", "write 1 to 256");
  if (o.threads < 1 || o.threads > 16) return refuse("threads", "write 1 to 16");
  if (!(o.duration_s > 0 && o.duration_s <= seconds_max))
    return refuse("duration", "write seconds above 0, at most a day");
  if (!(o.warmup_s >= 0 && o.warmup_s <= seconds_max))
    return refuse("warmup", "write seconds from 0, at most a day");
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (o.key_prefix.empty() || o.key_prefix.size() > 64 ||
      !std::all_of(o.key_prefix.begin(), o.key_prefix.end(), fits))
    return refuse("key-prefix", "write 1 to 64 letters, digits, - or _");
  return core::done{};
}

core::result<core::done> check_workload(const bench_options& o) {
  if (o.engine == bench_engine::redis && !o.workload.redis)
    return refuse("workload", "redis can not run \"" + std::string(o.workload.name) + "\"; write " +
                                  workload_names(true));
  if (o.workload.write != bench_kind::txn) return core::done{};
  if (o.pipeline > 1)
    return refuse("pipeline", "a connection has one transaction at a time; use more --clients");
  if (o.keys / 2 < o.tables)
    return refuse("tables",
                  "a transaction takes two keys of a table; write at most half of --keys");
  return core::done{};
}

core::result<core::done> finish(bench_options& o, const std::string& engine,
                                const std::string& workload) {
  if (engine != "atlas" && engine != "redis")
    return refuse("engine", "found \"" + engine + "\"; write atlas or redis");
  o.engine = engine == "redis" ? bench_engine::redis : bench_engine::atlas;
  if (o.targets.empty()) return refuse("socket", "name at least one socket to drive");
  const auto* known = find_workload(workload);
  if (known == nullptr)
    return refuse("workload", "found \"" + workload + "\"; write " + workload_names(false));
  o.workload = *known;
  if (auto checked = check_load(o); !checked) return checked;
  if (auto checked = check_workload(o); !checked) return checked;
  o.read_ratio = o.workload.read_ratio.value_or(o.read_ratio);
  // A thread without a connection would have nothing to wait for.
  o.threads = std::min(o.threads, o.clients);
  return core::done{};
}

}  // namespace

core::result<bench_command_line> parse_bench_options(int argc, const char* const* argv) {
  bench_command_line out;
  std::string engine;
  std::string workload;
  bool no_populate = false;
  po::options_description all("Options");
  describe_target(all, out.options, engine);
  describe_load(all, out.options, workload);
  all.add_options()("no-populate", po::bool_switch(&no_populate),
                    "do not write the keys before a run that reads");
  try {
    po::variables_map given;
    // An empty positional description makes stray words an error instead of ignoring them.
    po::store(po::command_line_parser(argc, argv)
                  .options(all)
                  .positional(po::positional_options_description())
                  .run(),
              given);
    if (given.count("help") != 0) {
      std::ostringstream text;
      text << about << '\n' << all;
      out.print = text.str();
      return out;
    }
    if (given.count("version") != 0) {
      out.print = std::string("atlas-bench ") + ATLAS_VERSION + "\n";
      return out;
    }
    po::notify(given);
  } catch (const po::error& e) {
    return core::failure{core::errc::bad_config, e.what()};
  }
  out.options.populate = !no_populate;
  if (auto finished = finish(out.options, engine, workload); !finished) return finished.error();
  return out;
}

}  // namespace atlas::cli
