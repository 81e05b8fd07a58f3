// atlas-bench: parse, run, print. The exit status says whether every request was answered well.
#include <cstdio>

#include "cli/bench_options.hpp"
#include "cli/bench_report.hpp"
#include "cli/bench_run.hpp"

namespace {

constexpr int exit_trouble = 1;
constexpr int exit_usage = 2;

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = atlas::cli::parse_bench_options(argc, argv);
  if (!parsed) {
    std::fprintf(stderr, "atlas-bench: %s\nTry atlas-bench --help.\n",
                 parsed.error().detail.c_str());
    return exit_usage;
  }
  if (!parsed.value().print.empty()) {
    std::fputs(parsed.value().print.c_str(), stdout);
    return 0;
  }
  const auto& options = parsed.value().options;
  const auto result = atlas::cli::run_bench(options);
  if (!result) {
    std::fprintf(stderr, "atlas-bench: %s\n", result.error().detail.c_str());
    return exit_trouble;
  }
  const auto report = options.json ? atlas::cli::bench_json_report(options, result.value())
                                   : atlas::cli::bench_text_report(options, result.value());
  std::fputs(report.c_str(), stdout);
  return result.value().clean() ? 0 : exit_trouble;
}
