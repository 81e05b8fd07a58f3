#include "tests/sim/sim_runner.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace atlas::sim {
namespace {

using clock = std::chrono::steady_clock;

constexpr double terminal_every_s = 0.2;
constexpr double file_every_s = 10;

double seconds_since(clock::time_point began) {
  return std::chrono::duration<double>(clock::now() - began).count();
}

/// All runs so far.
struct totals {
  std::uint64_t seeds = 0;
  std::uint64_t simulated_us = 0;
  std::uint64_t events = 0;
  std::uint64_t slots = 0;
  std::uint64_t operations = 0;
  std::uint64_t slowest_us = 0;
  std::uint64_t busiest = 0;  ///< events of one seed
  tally counts;

  void add(const run_report& r) {
    ++seeds;
    simulated_us += r.simulated_us;
    events += r.events;
    slots += r.slots;
    operations += r.operations;
    slowest_us = std::max(slowest_us, r.calm_us);
    busiest = std::max(busiest, r.events);
    counts += r.counts;
  }
  [[nodiscard]] double simulated_s() const { return static_cast<double>(simulated_us) / 1e6; }
};

/// One line that says how far the job is; redrawn on a terminal, rare elsewhere.
class progress_line {
 public:
  explicit progress_line(clock::time_point began) : began_(began) {}
  ~progress_line() { clear(); }

  void show(const totals& t, const sim_job& job) {
    const auto now = seconds_since(began_);
    if (now < shown_ + (terminal_ ? terminal_every_s : file_every_s)) return;
    shown_ = now;
    const std::string goal = job.minutes > 0 ? "as many seeds as fit into the time"
                                             : std::to_string(job.seeds) + " seeds";
    clear();
    std::fprintf(stderr, "%llu of %s, %.1f simulated hours, %.0f cluster-seconds per second",
                 static_cast<unsigned long long>(t.seeds), goal.c_str(), t.simulated_s() / 3600,
                 t.simulated_s() / now);
    if (!terminal_) std::fputc('\n', stderr);
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (terminal_ && drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

 private:
  clock::time_point began_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
  double shown_ = 0;
};

void print_counts(const char* title, const tally& counts, bool faults) {
  std::printf("%s\n", title);
  for (std::size_t i = 0; i < things; ++i) {
    const auto t = static_cast<thing>(i);
    if (is_fault(t) == faults)
      std::printf("  %-22s %12llu\n", name_of(t), static_cast<unsigned long long>(counts[t]));
  }
}

void print_summary(const totals& t, double took_s) {
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf("seeds                    %12llu\n", number(t.seeds));
  std::printf("simulated hours          %12.2f\n", t.simulated_s() / 3600);
  std::printf("events                   %12llu\n", number(t.events));
  std::printf("busiest seed             %12llu events\n", number(t.busiest));
  std::printf("operations               %12llu\n", number(t.operations));
  std::printf("slots chosen             %12llu\n", number(t.slots));
  std::printf("slowest recovery         %12llu ms\n", number(t.slowest_us / 1000));
  print_counts("faults", t.counts, true);
  print_counts("turns of the protocol", t.counts, false);
  std::printf("%.0f simulated cluster-seconds per second\n",
              t.simulated_s() / std::max(took_s, 1e-3));
}

}  // namespace

std::string explain(const run_report& report, const std::string& replay) {
  std::string text = "BROKEN: " + report.why + "\nlast events";
  for (const auto& line : report.history) text += "\n" + line;
  return text + "\nsee all of it: " + replay + " --trace\n";
}

int run_job(const sim_job& job) {
  const auto began = clock::now();
  totals all;
  progress_line progress(began);
  for (auto seed = job.from;; ++seed) {
    const bool enough =
        job.minutes > 0 ? seconds_since(began) >= job.minutes * 60 : seed - job.from >= job.seeds;
    if (enough) break;
    const auto report = run_options(sim_options::from_seed(seed, job.shape));
    all.add(report);
    if (!report.ok) {
      progress.clear();
      std::fputs(explain(report, job.replay_with + std::to_string(seed)).c_str(), stdout);
      return 1;
    }
    progress.show(all, job);
  }
  progress.clear();
  print_summary(all, seconds_since(began));
  std::printf("no rule was broken\n");
  return 0;
}

int replay_seed(const sim_job& job, std::uint64_t seed, bool trace) {
  const auto began = clock::now();
  const listener who{trace, 0};
  const auto report = run_options(sim_options::from_seed(seed, job.shape), who);
  if (!report.ok) {
    std::fputs(explain(report, job.replay_with + std::to_string(seed)).c_str(), stdout);
    return 1;
  }
  totals one;
  one.add(report);
  print_summary(one, seconds_since(began));
  std::printf("seed %llu broke no rule\n", static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace atlas::sim
