// atlas-node: one node of a cluster.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <iostream>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "cli/config.hpp"
#include "cli/node.hpp"

namespace {

namespace options = boost::program_options;

int run(int argc, char** argv) {
  options::options_description known("atlas-node: one node of an Atlas cluster\n\nOptions");
  known.add_options()("config", options::value<std::string>()->value_name("FILE"),
                      "configuration file (YAML), see docs/configuration.md")(
      "set", options::value<std::vector<std::string>>()->value_name("KEY=VALUE")->composing(),
      "override one setting, e.g. --set region=eu --set quorum.fn=1")(
      "check", "check the configuration and exit")("help", "this text")("version",
                                                                        "print the version");
  options::variables_map given;
  options::store(options::command_line_parser(argc, argv).options(known).run(), given);
  options::notify(given);
  if (given.contains("help")) {
    std::cout << known
              << "\nExit status: 0 after SIGTERM or SIGINT, 1 if the node can not start.\n";
    return 0;
  }
  if (given.contains("version")) {
    std::cout << "atlas-node " << ATLAS_VERSION << "\n";
    return 0;
  }
  if (!given.contains("config")) {
    std::cerr << "atlas-node: --config FILE is required; see --help\n";
    return 1;
  }
  const auto overrides = given.contains("set") ? given["set"].as<std::vector<std::string>>()
                                               : std::vector<std::string>();
  const auto config = atlas::cli::load_config(given["config"].as<std::string>(), overrides);
  if (!config) {
    std::cerr << "atlas-node: " << config.error().detail << "\n";
    return 1;
  }
  if (given.contains("check")) {
    std::cout << "configuration is good\n";
    return 0;
  }
  // Blocked before any thread is made: only the main thread waits for them.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  // Each table and each client costs a descriptor or more; the usual soft limit is 1024.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  atlas::cli::open_log(config.value());
  const auto served = atlas::cli::run_node(config.value());
  if (!served) {
    spdlog::error("{}", served.error().detail);
    spdlog::default_logger()->flush();
  }
  return served ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const options::error& e) {
    std::cerr << "atlas-node: " << e.what() << "; see --help\n";
  } catch (const std::exception& e) {
    std::cerr << "atlas-node: " << e.what() << "\n";
  }
  return 1;
}
