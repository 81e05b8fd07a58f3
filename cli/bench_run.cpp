// The phases of a run. Threads are joined between populating and measuring, so that every
// connection meets a complete key space, and all workers measure the same window.
#include "cli/bench_run.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

namespace atlas::cli {

namespace {

constexpr int greeting_ms_max = 10'000;
// Longer than a node's default request_timeout, so that its last words are still heard.
constexpr std::uint64_t drain_ns = 15'000'000'000;

using worker_list = std::vector<std::unique_ptr<bench_worker>>;

std::uint64_t to_ns(double seconds) {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

core::result<unique_fd> connect_one(const bench_options& options, const std::string& target) {
  auto fd = connect_client(target);
  if (!fd || options.engine == bench_engine::redis) return fd;
  if (auto greeted = greet(fd.value().get(), "bench", greeting_ms_max); !greeted)
    return core::failure{greeted.error().code, target + ": " + greeted.error().detail};
  return fd;
}

// Clients are dealt out to the workers in turn, each with its target.
core::result<worker_list> make_workers(const bench_options& options, const bench_wire& wire) {
  std::vector<std::vector<bench_client>> dealt(options.threads);
  for (std::uint32_t c = 0; c < options.clients; ++c) {
    const auto target = c % options.targets.size();
    auto fd = connect_one(options, options.targets[target]);
    if (!fd) return fd.error();
    dealt[c % options.threads].emplace_back(std::move(fd).value(), target, wire, options.pipeline);
  }
  worker_list out;
  for (std::uint32_t i = 0; i < options.threads; ++i)
    out.push_back(std::make_unique<bench_worker>(options, i, std::move(dealt[i])));
  return out;
}

template <class Work>
void on_all(worker_list& workers, Work work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i)
    threads.emplace_back([&work, &workers, i] { work(*workers[i], i); });
  work(*workers[0], 0);
  for (auto& thread : threads) thread.join();
}

core::result<core::done> populate(worker_list& workers) {
  std::vector<core::result<core::done>> results(workers.size(), core::done{});
  on_all(workers, [&results](bench_worker& w, std::size_t i) { results[i] = w.populate(); });
  for (const auto& result : results)
    if (!result) return result.error();
  return core::done{};
}

}  // namespace

bench_tally bench_result::total() const {
  bench_tally out;
  for (const auto& t : targets) out.add(t);
  return out;
}

bool bench_result::clean() const {
  const auto all = total();
  return all.error_count == 0 && all.unanswered == 0 && all.drops.empty() &&
         all.successes().count() > 0 && heard.failure.empty();
}

core::result<bench_result> run_bench(const bench_options& options) {
  const bench_wire wire(options);
  auto made = make_workers(options, wire);
  if (!made) return made.error();
  auto& workers = made.value();
  if (options.populate && options.read_ratio > 0)
    if (auto populated = populate(workers); !populated) return populated.error();

  std::unique_ptr<bench_watch> watch;
  if (options.workload.watched) {
    auto opened = bench_watch::open(options);
    if (!opened) return opened.error();
    watch = std::move(opened).value();
  }
  const double cpu_before = cpu_seconds();
  const auto start_ns = bench_now_ns();
  bench_window window;
  window.first_ns = start_ns + to_ns(options.warmup_s);
  window.end_ns = window.first_ns + to_ns(options.duration_s);
  window.give_up_ns = window.end_ns + drain_ns;
  if (watch) watch->set_window(window.first_ns, window.end_ns);
  on_all(workers, [&window](bench_worker& w, std::size_t) { w.measure(window); });

  bench_result out;
  if (watch) out.heard = watch->finish();
  out.client_cpu_s = cpu_seconds() - cpu_before;
  out.client_wall_s = static_cast<double>(bench_now_ns() - start_ns) * 1e-9;
  out.targets.resize(options.targets.size());
  auto last_ns = window.end_ns;
  for (const auto& worker : workers)
    for (std::size_t t = 0; t < out.targets.size(); ++t) {
      out.targets[t].add(worker->tallies()[t]);
      last_ns = std::max(last_ns, worker->tallies()[t].last_ns);
    }
  out.elapsed_s = static_cast<double>(last_ns - window.first_ns) * 1e-9;
  return out;
}

}  // namespace atlas::cli
