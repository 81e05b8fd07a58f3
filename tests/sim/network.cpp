#include "tests/sim/network.hpp"

#include <memory>

namespace atlas::sim {

std::uint64_t network::delay(const envelope& e) {
  const auto& zone_a = options_.zones[e.from.node.value - 1];
  const auto& zone_b = options_.zones[e.to.value - 1];
  std::uint64_t base = options_.delay_us + (zone_a == zone_b ? 0 : options_.zone_delay_us);
  base += random_.below(base + 1);
  if (chance(options_.straggler)) base += random_.below(1'000'000);
  return base;
}

void network::send(envelope&& e) {
  const bool repeatable = std::holds_alternative<core::message>(e.what);
  if (repeatable && chance(options_.duplicate)) post(envelope(e));
  post(std::move(e));
}

void network::post(envelope&& e) {
  if (chance(options_.loss)) return;
  const auto at = events_.now() + delay(e);
  auto shared = std::make_shared<envelope>(std::move(e));
  events_.push(at, [this, shared] {
    // A cut takes what is on the way as well.
    if (cuts_.contains({shared->from.node, shared->to})) return;
    deliver_(std::move(*shared));
  });
}

}  // namespace atlas::sim
