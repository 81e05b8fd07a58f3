// atlas-sim: clusters in storms, one per seed; atlas-sim-planted: the same over a core that makes a
// chosen mistake. Exit status: 0 clean, 1 a rule was broken (or a bug not caught), 2 bad usage.
#include <iostream>
#include <string>

#include <boost/program_options.hpp>

#include "tests/sim/bug_table.hpp"
#include "tests/sim/sim_runner.hpp"
#include "tests/sim/topology_file.hpp"

namespace {

namespace options = boost::program_options;
using namespace atlas;

constexpr const char* program = core::bugs_can_be_planted ? "atlas-sim-planted" : "atlas-sim";

options::options_description known_options() {
  options::options_description known(std::string(program) +
                                     ": simulated Atlas clusters in storms of faults, one per "
                                     "seed\n\nOptions");
  auto add = known.add_options();
  add("seeds", options::value<std::uint64_t>()->default_value(1000)->value_name("N"),
      "how many seeds");
  add("from", options::value<std::uint64_t>()->default_value(1)->value_name("S"), "the first seed");
  add("minutes", options::value<double>()->value_name("M"), "run that long instead of N seeds");
  add("replay", options::value<std::uint64_t>()->value_name("SEED"), "run this seed alone");
  add("trace", "with --replay: print every event");
  add("topology", options::value<std::string>()->value_name("FILE"),
      "zones, tolerances and kinds of fault of all clusters (YAML)");
  if constexpr (core::bugs_can_be_planted) {
    add("bug", options::value<std::string>()->value_name("NAME"), "the mistake that core makes");
    add("list-bugs", "print the names of all mistakes");
    add("all-bugs", "try all mistakes, one after the other");
    add("seeds-max", options::value<std::uint64_t>()->default_value(20'000)->value_name("N"),
        "with --all-bugs: give up after so many seeds");
  }
  add("help", "this text");
  add("version", "print the version");
  return known;
}

int complain(const std::string& what) {
  std::cerr << program << ": " << what << "\n";
  return 2;
}

void list_bugs() {
  for (const auto& b : sim::all_bugs()) std::printf("%-30s %s\n", b.name, b.meaning);
}

/// Empty, or why the mistake can not be planted. Adds it to the command that repeats a seed.
std::string plant_wanted(const options::variables_map& given, sim::sim_job& job) {
  if (!given.contains("bug")) return {};
  const auto name = given["bug"].as<std::string>();
  const auto* const b = sim::find_bug(name);
  if (!b) return "there is no bug " + name + "; see --list-bugs";
  sim::plant(b->what);
  job.replay_with += " --bug " + name;
  return {};
}

int run(int argc, char** argv) {
  const auto known = known_options();
  options::variables_map given;
  options::store(options::command_line_parser(argc, argv).options(known).run(), given);
  options::notify(given);
  if (given.contains("help")) {
    std::cout << known
              << "\nExit status: 0 if no rule was broken, 1 if one was, 2 if the command line is "
                 "wrong.\n";
    return 0;
  }
  if (given.contains("version")) {
    std::cout << program << " " << ATLAS_VERSION << "\n";
    return 0;
  }
  if (given.contains("list-bugs")) return list_bugs(), 0;
  sim::sim_job job;
  job.from = given["from"].as<std::uint64_t>();
  job.seeds = given["seeds"].as<std::uint64_t>();
  job.replay_with = program;
  if (given.contains("minutes")) {
    job.minutes = given["minutes"].as<double>();
    if (!(job.minutes > 0)) return complain("--minutes: write a number above 0");
  }
  if (given.contains("topology")) {
    const auto path = given["topology"].as<std::string>();
    auto shape = sim::read_topology(path);
    if (!shape) return complain(shape.error().detail);
    job.shape = std::move(shape).value();
    job.replay_with += " --topology " + path;
  }
  if (given.contains("all-bugs"))
    return sim::try_all_bugs(job.from, given["seeds-max"].as<std::uint64_t>(), job.shape) > 0;
  if (const auto why = plant_wanted(given, job); !why.empty()) return complain(why);
  job.replay_with += " --replay ";
  if (given.contains("replay"))
    return sim::replay_seed(job, given["replay"].as<std::uint64_t>(), given.contains("trace"));
  if (given.contains("trace")) return complain("--trace prints one run; give --replay SEED too");
  return sim::run_job(job);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const options::error& e) {
    return complain(std::string(e.what()) + "; see --help");
  } catch (const std::exception& e) {
    return complain(e.what());
  }
}
