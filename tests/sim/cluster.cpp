// Life and end of a run. The storm of faults: cluster_faults.cpp.
#include "tests/sim/cluster.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "core/check.hpp"
#include "core/grid_quorum.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

// After the last fault every request must be answered within this.
constexpr std::uint64_t answer_within_us = 20'000'000;
constexpr std::uint64_t settle_within_us = 15'000'000;
// Of one node. Whoever asks without a pause needs far more.
constexpr std::uint64_t steps_max = 4'000;
constexpr std::uint64_t steps_per_operation_max = 10;
constexpr std::size_t history_events = 40;

char seed_line[64];

/// Names the seed before the process dies of a failed check, then lets it die.
extern "C" void say_seed(int signal) {
  const auto written = ::write(STDERR_FILENO, seed_line, std::strlen(seed_line));
  static_cast<void>(written);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Throws through core/, whose objects are all dropped with the run.
void fail_check(const char* expression, const char*, int, const char* detail) {
  throw sim_failure(std::string("ATLAS_CHECK failed: ") + detail + " (" + expression + ")");
}

}  // namespace

cluster::cluster(sim_options options, listener who)
    : options_(std::move(options)),
      random_(options_.seed),
      story_(events_, who),
      net_(events_, random_, story_, options_,
           [this](envelope&& e) { nodes_[e.to.value - 1]->receive(std::move(e)); }),
      watch_(options_, events_),
      clients_(events_, random_, story_, options_, nodes_),
      mover_(events_, random_, story_, options_, nodes_),
      world_{events_, random_, net_, watch_, clients_, story_, options_} {
  clients_.set_mover(&mover_);
  const auto count = static_cast<unsigned>(options_.zones.size());
  for (unsigned i = 1; i <= count; ++i)
    nodes_.push_back(std::make_unique<sim_node>(world_, core::node_id{i}, count));
  if (options_.slow_node) nodes_[options_.slow_node.value - 1]->slow_down(options_.slow_node_us);
}

run_report cluster::run() {
  run_report report;
  try {
    storm();
    calm_down();
    finish_moves();
    report.calm_us = ask_and_wait();
    settle();
    if (options_.move_every_us) {
      move_all();
      ask_and_wait();
      settle();
    }
    final_checks();
  } catch (const sim_failure& failure) {
    report.ok = false;
    report.rule = failure.what();
    report.why = when(report.rule);
  }
  fill(report);
  return report;
}

std::uint64_t cluster::ask_and_wait() {
  const auto began = events_.now();
  clients_.ask_everywhere();
  while (!clients_.all_answered()) {
    require(
        events_.now() < began + answer_within_us,
        "no progress after the faults stopped (invariant 8), waiting for " + clients_.unanswered());
    events_.step();
  }
  return events_.now() - began;
}

void cluster::fill(run_report& report) const {
  report.digest = events_.digest();
  report.events = events_.pushed();
  report.slots = watch_.chosen_total();
  report.operations = clients_.operations();
  report.simulated_us = events_.now();
  report.counts = story_.counts();
  for (unsigned i = 0; i < options_.logs; ++i) {
    const auto* table = watch_.table({2 + i});
    if (!table) continue;
    report.counts[thing::filled_gap] += table->no_ops();
    report.counts[thing::repeated_command] += table->repeats();
  }
  report.counts[thing::seal] = watch_.ledger().seals;
  report.counts[thing::part] = watch_.ledger().parts;
  report.counts[thing::adoption] = watch_.ledger().adoptions;
  const auto changes = watch_.changes_total();
  report.counts[thing::time_tick] = watch_.ticks();
  report.counts[thing::configuration] = changes.all;
  report.counts[thing::change_in_row] = changes.in_row;
  report.counts[thing::fn_fz_change] = changes.of_tolerances;
  report.counts[thing::fz_run] = options_.first.fz > 0 ? 1 : 0;
  if (!report.ok) report.history = story_.last_of(story_.log());
}

std::string cluster::when(const std::string& why) const {
  std::string text = "seed " + std::to_string(options_.seed) + " at " +
                     std::to_string(events_.now() / 1000) + " ms: " + why + "\n  " +
                     options_.describe();
  for (unsigned i = 0; i < options_.logs; ++i) {
    const auto& c = watch_.active({2 + i});
    text += "\n  log " + std::to_string(2 + i) + " in epoch " + std::to_string(c.epoch.value) +
            " fn=" + std::to_string(c.fn) + " fz=" + std::to_string(c.fz) + ", seats:";
    for (const auto& seat : c.seats) text += " " + std::to_string(seat.node.value);
  }
  for (const auto& node : nodes_) text += node->describe();
  return text;
}

void cluster::run_until(std::uint64_t at_us) {
  bool reached = false;
  events_.push(at_us, [&reached] { reached = true; });
  while (!reached) events_.step();
}

void cluster::choose_who_stays_down() {
  if (!options_.some_stay_down) return;
  const auto quorum = core::grid_quorum::make(options_.first).value();
  std::vector<core::node_id> up;
  for (const auto& node : nodes_) up.push_back(node->id());
  const auto first = options_.many_stay_broken ? random_.below(nodes_.size()) : 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[(first + i) % nodes_.size()];
    auto rest = up;
    std::erase(rest, node.id());
    const auto votes = quorum.votes_of(rest);
    if (!quorum.has_q1(votes) || !quorum.has_q2(votes)) continue;
    if (!options_.many_stay_broken && random_.chance(1, 3)) continue;
    up = rest;
    stay_down_.push_back(node.id());
    node.give_up();
  }
}

void cluster::calm_down() {
  calm_ = true;
  clients_.stop();
  net_.calm();
  choose_who_stays_down();
  for (auto& node : nodes_) {
    node->slow_down(0);
    node->fill_disk({});
    const bool down =
        std::find(stay_down_.begin(), stay_down_.end(), node->id()) != stay_down_.end();
    if (down && node->up() && !options_.many_stay_broken) {
      node->crash();
      clients_.on_crash(node->id());
    }
    if (!down && !node->up()) node->start();
  }
  stay_broken();
}

bool cluster::settled() const {
  for (const auto& node : nodes_) {
    if (!node->is_well()) continue;
    for (unsigned i = 0; i < options_.logs; ++i) {
      const core::log_id log{2 + i};
      if (node->copy(log).watermark() < watch_.last_chosen(log)) return false;
      if (node->disk().visible(log).applied < watch_.last_chosen(log)) return false;
    }
  }
  return true;
}

void cluster::settle() {
  const auto until = events_.now() + settle_within_us;
  while (!settled()) {
    require(events_.now() < until, "a copy does not catch up though nothing is broken");
    events_.step();
  }
}

void cluster::final_checks() {
  story_.enter({}, {});
  for (const auto& node : nodes_) {
    for (unsigned i = 0; i < options_.logs; ++i) {
      const core::log_id log{2 + i};
      watch_.check_disk(node->id(), log, node->disk().visible(log));
      if (node->up()) watch_.check_rows(node->id(), node->copy(log));
    }
  }
  clients_.check(watch_);
  // Whoever carries tables between logs asks, too (a false alarm otherwise: seed 50694).
  const auto asked = clients_.operations() + mover_.requests();
  for (const auto& node : nodes_)
    require(node->steps() <= steps_max + steps_per_operation_max * asked,
            "node " + std::to_string(node->id().value) +
                " does the same again and again: " + std::to_string(node->steps()) + " steps");
}

run_report run_options(const sim_options& options, listener who) {
  std::snprintf(seed_line, sizeof seed_line, "atlas simulator: seed %llu\n",
                static_cast<unsigned long long>(options.seed));
  const auto before = std::signal(SIGABRT, say_seed);
  const auto witness = core::set_check_witness(fail_check);
  auto report = cluster(options, who).run();
  if (!report.ok && who.keeps == 0 && !who.prints)
    report = cluster(options, {false, history_events}).run();
  core::set_check_witness(witness);
  std::signal(SIGABRT, before);
  return report;
}

run_report run_seed(std::uint64_t seed) {
  return run_options(sim_options::from_seed(seed));
}

}  // namespace atlas::sim
