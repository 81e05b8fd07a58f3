#include "tests/sim/cluster.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "core/grid_quorum.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

// After the last fault every request must be answered within this.
constexpr std::uint64_t answer_within_us = 20'000'000;
constexpr std::uint64_t settle_within_us = 5'000'000;

char seed_line[64];

/// Names the seed before the process dies of a failed check, then lets it die.
extern "C" void say_seed(int signal) {
  const auto written = ::write(STDERR_FILENO, seed_line, std::strlen(seed_line));
  static_cast<void>(written);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

cluster::cluster(sim_options options)
    : options_(std::move(options)),
      random_(options_.seed),
      net_(events_, random_, options_,
           [this](envelope&& e) { nodes_[e.to.value - 1]->receive(std::move(e)); }),
      watch_(options_.first),
      clients_(events_, random_, options_, nodes_),
      world_{events_, random_, net_, watch_, clients_, options_} {
  const auto count = static_cast<unsigned>(options_.zones.size());
  for (unsigned i = 1; i <= count; ++i)
    nodes_.push_back(std::make_unique<sim_node>(world_, core::node_id{i}, count));
}

run_report cluster::run() {
  run_report report;
  try {
    storm();
    calm_down();
    const auto began = events_.now();
    clients_.ask_everywhere();
    while (!clients_.all_answered()) {
      require(events_.now() < began + answer_within_us,
              "no progress after the faults stopped (invariant 8), waiting for " +
                  clients_.unanswered());
      events_.step();
    }
    report.calm_us = events_.now() - began;
    settle();
    final_checks();
  } catch (const sim_failure& failure) {
    report.ok = false;
    report.why = when(failure.what());
  }
  report.digest = events_.digest();
  report.events = events_.pushed();
  report.slots = watch_.chosen_total();
  report.operations = clients_.operations();
  return report;
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

void cluster::storm() {
  for (auto& node : nodes_) {
    // Most clusters begin together, some in a row.
    const auto delay = random_.chance(1, 2) ? 0 : random_.below(500'000);
    events_.push(delay, [n = node.get()] { n->start(); });
  }
  clients_.start();
  if (options_.fault_every_us) schedule_fault();
  if (options_.reconfigure_every_us) schedule_reconfiguration();
  run_until(options_.fault_us);
}

void cluster::schedule_fault() {
  events_.push(events_.now() + random_.below(2 * options_.fault_every_us), [this] {
    if (calm_) return;
    one_fault();
    schedule_fault();
  });
}

void cluster::schedule_reconfiguration() {
  events_.push(events_.now() + random_.below(2 * options_.reconfigure_every_us), [this] {
    if (calm_) return;
    reconfigure_some();
    schedule_reconfiguration();
  });
}

void cluster::one_fault() {
  auto die = random_.below(options_.crash + options_.partition + options_.cut + options_.pause +
                           options_.slow_disk + options_.usurp);
  auto& node = *nodes_[random_.below(nodes_.size())];
  const auto fits = [&](unsigned weight) {
    if (die < weight) return true;
    die -= weight;
    return false;
  };
  if (fits(options_.crash)) return crash_some();
  if (fits(options_.partition)) return cut_some(true);
  if (fits(options_.cut)) return cut_some(false);
  if (fits(options_.pause)) return node.pause(events_.now() + random_.below(3'000'000));
  if (fits(options_.usurp)) return usurp_some();
  node.slow_down(random_.below(300'000));
  events_.push(events_.now() + random_.below(2'000'000), [&node] { node.slow_down(0); });
}

void cluster::usurp_some() {
  auto& node = *nodes_[random_.below(nodes_.size())];
  node.usurp({2 + random_.below(options_.logs)});
  if (!random_.chance(1, 3)) return;
  // It falls asleep on the way and goes on with what it knew when the world has changed.
  auto& sleeper = random_.chance(2, 3) ? node : *nodes_[random_.below(nodes_.size())];
  events_.push(events_.now() + random_.below(4 * (options_.zone_delay_us + options_.fsync_us)),
               [this, &sleeper] {
                 if (!calm_) sleeper.pause(events_.now() + random_.below(1'500'000));
               });
}

void cluster::crash_some() {
  // Mostly one, sometimes the power fails everywhere.
  const bool all = random_.chance(1, 10);
  const auto one = random_.below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[i];
    if (!node.up() || (!all && i != one)) continue;
    node.crash();
    clients_.on_crash(node.id());
    events_.push(events_.now() + 10'000 + random_.below(2'000'000), [this, &node] {
      if (!calm_ && !node.up()) node.start();
    });
  }
}

void cluster::cut_some(bool partition) {
  std::vector<std::pair<core::node_id, core::node_id>> pairs;
  const auto side = random_.next();
  const auto count = nodes_.size();
  for (std::uint64_t a = 1; partition && a <= count; ++a)
    for (std::uint64_t b = 1; b <= count; ++b)
      if (((side >> a) & 1) != ((side >> b) & 1))
        pairs.push_back({core::node_id{a}, core::node_id{b}});
  if (!partition) {
    const core::node_id a{1 + random_.below(count)};
    const core::node_id b{1 + random_.below(count)};
    pairs.push_back({a, b});
    if (random_.chance(1, 2)) pairs.push_back({b, a});
  }
  for (const auto& [a, b] : pairs) net_.cut(a, b);
  events_.push(events_.now() + random_.below(3'000'000), [this, pairs] {
    for (const auto& [a, b] : pairs) net_.mend(a, b);
  });
}

void cluster::reconfigure_some() {
  const core::log_id log{2 + random_.below(options_.logs)};
  for (auto& node : nodes_) {
    auto* owner = node->owner(log);
    if (!owner || owner->state() != core::proposer::stage::serving) continue;
    const bool anywhere = random_.chance(1, 3);
    core::configuration next;
    next.parent = owner->active().epoch;
    next.epoch = next.parent + 1;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (owner->active().has({i + 1}) && !anywhere ? !random_.chance(1, 4) : random_.chance(1, 2))
        next.seats.push_back({{i + 1}, options_.zones[i]});
    core::sort_seats(next.seats);
    core::tolerance_policy policy;
    if (random_.chance(1, 3)) policy.fn = static_cast<std::uint32_t>(random_.below(3));
    if (random_.chance(1, 3)) policy.fz = static_cast<std::uint32_t>(random_.below(3));
    next = core::resolve_tolerances(std::move(next), policy);
    if (core::grid_quorum::make(next).ok()) node->reconfigure(log, next);
  }
}

void cluster::choose_who_stays_down() {
  if (!options_.some_stay_down) return;
  const auto quorum = core::grid_quorum::make(options_.first).value();
  std::vector<core::node_id> up;
  for (const auto& node : nodes_) up.push_back(node->id());
  for (const auto& node : nodes_) {
    auto rest = up;
    std::erase(rest, node->id());
    const auto votes = quorum.votes_of(rest);
    if (!quorum.has_q1(votes) || !quorum.has_q2(votes) || random_.chance(1, 3)) continue;
    up = rest;
    stay_down_.push_back(node->id());
  }
}

void cluster::calm_down() {
  calm_ = true;
  clients_.stop();
  net_.calm();
  choose_who_stays_down();
  for (auto& node : nodes_) {
    node->slow_down(0);
    const bool down =
        std::find(stay_down_.begin(), stay_down_.end(), node->id()) != stay_down_.end();
    if (down && node->up()) {
      node->crash();
      clients_.on_crash(node->id());
    }
    if (!down && !node->up()) node->start();
  }
}

bool cluster::settled() const {
  for (const auto& node : nodes_) {
    if (!node->up()) continue;
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

void cluster::final_checks() const {
  for (const auto& node : nodes_) {
    for (unsigned i = 0; i < options_.logs; ++i) {
      const core::log_id log{2 + i};
      watch_.check_disk(node->id(), log, node->disk().visible(log));
      if (node->up()) watch_.check_rows(node->id(), node->copy(log));
    }
  }
  clients_.check(watch_);
}

run_report run_options(const sim_options& options) {
  std::snprintf(seed_line, sizeof seed_line, "atlas simulator: seed %llu\n",
                static_cast<unsigned long long>(options.seed));
  const auto before = std::signal(SIGABRT, say_seed);
  auto report = cluster(options).run();
  std::signal(SIGABRT, before);
  return report;
}

run_report run_seed(std::uint64_t seed) {
  return run_options(sim_options::from_seed(seed));
}

}  // namespace atlas::sim
