// What a wide area does to a cluster: one node cut off, two halves joined by one node, cuts that
// flap, slow links, full disks; and an end at which all but one legal Q1 and Q2 stay broken for
// good.
#include "tests/sim/cluster.hpp"

namespace atlas::sim {
namespace {

using links = std::vector<std::pair<core::node_id, core::node_id>>;

}  // namespace

void cluster::wide_fault(std::uint64_t die) {
  const auto fits = [&](unsigned weight) {
    if (die < weight) return true;
    die -= weight;
    return false;
  };
  if (fits(options_.isolate)) return isolate_one();
  if (fits(options_.bridge)) return bridge_halves();
  if (fits(options_.flap)) return flap_some();
  if (fits(options_.slow_link)) return slow_some_link();
  fill_some_disk();
}

void cluster::isolate_one() {
  story_.count(thing::isolation);
  const core::node_id alone{1 + random_.below(nodes_.size())};
  links pairs;
  for (const auto& other : nodes_) {
    if (other->id() == alone) continue;
    pairs.emplace_back(alone, other->id());
    pairs.emplace_back(other->id(), alone);
  }
  cut_for(pairs, random_.below(3'000'000));
}

void cluster::bridge_halves() {
  story_.count(thing::bridge);
  const auto side = random_.next();
  const auto count = nodes_.size();
  const auto joint = 1 + random_.below(count);
  links pairs;
  for (std::uint64_t a = 1; a <= count; ++a)
    for (std::uint64_t b = 1; b <= count; ++b)
      if (a != joint && b != joint && ((side >> a) & 1) != ((side >> b) & 1))
        pairs.push_back({core::node_id{a}, core::node_id{b}});
  cut_for(pairs, random_.below(3'000'000));
}

void cluster::flap_some() {
  story_.count(thing::flapping);
  const auto side = random_.next();
  const bool one_way = random_.chance(1, 3);
  links pairs;
  for (std::uint64_t a = 1; a <= nodes_.size(); ++a)
    for (std::uint64_t b = 1; b <= nodes_.size(); ++b) {
      const bool from_left = ((side >> a) & 1) != 0 && ((side >> b) & 1) == 0;
      const bool from_right = ((side >> a) & 1) == 0 && ((side >> b) & 1) != 0;
      if (from_left || (from_right && !one_way))
        pairs.push_back({core::node_id{a}, core::node_id{b}});
    }
  auto at = events_.now();
  for (auto times = 2 + random_.below(10); times > 0; --times) {
    const auto shut = 10'000 + random_.below(300'000);
    events_.push(at, [this, pairs, shut] {
      if (!calm_) cut_for(pairs, shut);
    });
    at += shut + 5'000 + random_.below(300'000);
  }
}

void cluster::slow_some_link() {
  story_.count(thing::slow_link);
  const core::node_id a{1 + random_.below(nodes_.size())};
  const core::node_id b{1 + random_.below(nodes_.size())};
  const auto factor = 10 + random_.below(91);
  const bool both = random_.chance(2, 3);
  net_.slow(a, b, factor);
  if (both) net_.slow(b, a, factor);
  events_.push(events_.now() + random_.below(3'000'000), [this, a, b] {
    if (calm_) return;
    net_.slow(a, b, 1);
    net_.slow(b, a, 1);
  });
}

void cluster::fill_some_disk() {
  auto& node = *nodes_[random_.below(nodes_.size())];
  node.fill_disk([this, &node] {
    story_.count(thing::disk_full);
    clients_.on_crash(node.id());
    events_.push(events_.now() + 100'000 + random_.below(3'000'000), [this, &node] {
      if (!calm_ && !node.up()) node.start();
    });
  });
}

void cluster::stay_broken() {
  story_.count(thing::stays_broken, stay_down_.size());
  if (!options_.many_stay_broken) return;
  for (const auto id : stay_down_) {
    auto& node = *nodes_[id.value - 1];
    const auto how = random_.below(4);
    if (how == 0 && node.up()) {
      node.crash();
      clients_.on_crash(id);
    }
    if (how == 0) continue;
    if (!node.up()) node.start();
    if (how == 1) node.slow_down(200'000);
    for (const auto& other : nodes_) {
      if (other->id() == id) continue;
      if (how == 2) net_.cut(other->id(), id);
      if (how == 3) net_.cut(id, other->id());
    }
  }
}

}  // namespace atlas::sim
