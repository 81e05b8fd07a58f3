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

void describe_load(po::options_description& d, bench_options& o) {
  auto add = d.add_options();
  add("workload", po::value(&o.workload)->default_value(o.workload), "put, get or mixed");
  add("read-ratio", po::value(&o.read_ratio)->default_value(0.5),
      "share of reads of the mixed workload");
  add("clients", po::value(&o.clients)->default_value(o.clients), "connections");
  add("pipeline", po::value(&o.pipeline)->default_value(o.pipeline),
      "requests in flight per connection");
  add("in-order", po::bool_switch(&o.in_order), "pipeline without tags (Atlas)");
  add("value-size", po::value(&o.value_bytes)->default_value(o.value_bytes), "bytes");
  add("keys", po::value(&o.keys)->default_value(o.keys), "number of distinct keys");
  add("tables", po::value(&o.tables)->default_value(o.tables), "tables the keys are spread over");
  add("key-prefix", po::value(&o.key_prefix)->default_value(o.key_prefix),
      "keys are named <prefix><table>.k<number>");
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
  constexpr double seconds_max = 86'400;
  if (o.read_ratio < 0 || o.read_ratio > 1) return refuse("read-ratio", "write 0 to 1");
  if (o.clients < 1 || o.clients > clients_max) return refuse("clients", "write 1 to 10000");
  if (o.pipeline < 1 || o.pipeline > pipeline_max) return refuse("pipeline", "write 1 to 4096");
  if (o.value_bytes < 1 || o.value_bytes > value_bytes_max)
    return refuse("value-size", "write 1 to 67108864 bytes");
  if (o.keys < 1) return refuse("keys", "write at least 1");
  if (o.tables < 1 || o.tables > o.keys) return refuse("tables", "write 1 to the number of keys");
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

core::result<core::done> finish(bench_options& o, const std::string& engine) {
  if (engine != "atlas" && engine != "redis")
    return refuse("engine", "found \"" + engine + "\"; write atlas or redis");
  o.engine = engine == "redis" ? bench_engine::redis : bench_engine::atlas;
  if (o.targets.empty()) return refuse("socket", "name at least one socket to drive");
  if (o.workload != "put" && o.workload != "get" && o.workload != "mixed")
    return refuse("workload", "found \"" + o.workload + "\"; write put, get or mixed");
  if (auto checked = check_load(o); !checked) return checked;
  if (o.workload == "put") o.read_ratio = 0;
  if (o.workload == "get") o.read_ratio = 1;
  // A thread without a connection would have nothing to wait for.
  o.threads = std::min(o.threads, o.clients);
  return core::done{};
}

}  // namespace

core::result<bench_command_line> parse_bench_options(int argc, const char* const* argv) {
  bench_command_line out;
  std::string engine;
  bool no_populate = false;
  po::options_description all("Options");
  describe_target(all, out.options, engine);
  describe_load(all, out.options);
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
  if (auto finished = finish(out.options, engine); !finished) return finished.error();
  return out;
}

}  // namespace atlas::cli
