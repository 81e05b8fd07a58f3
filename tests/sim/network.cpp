#include "tests/sim/network.hpp"

#include <memory>

#include "tests/sim/message_text.hpp"

namespace atlas::sim {

std::uint64_t network::delay(const envelope& e) {
  const auto& zone_a = options_.zones[e.from.node.value - 1];
  const auto& zone_b = options_.zones[e.to.value - 1];
  std::uint64_t base = options_.delay_us + (zone_a == zone_b ? 0 : options_.zone_delay_us);
  base += random_.below(base + 1);
  if (const auto slow = slow_.find({e.from.node, e.to}); slow != slow_.end()) base *= slow->second;
  if (!chance(options_.straggler)) return base;
  story_.count(thing::late_message);
  return base + random_.below(1'000'000);
}

void network::send(envelope&& e) {
  const bool repeatable = std::holds_alternative<core::message>(e.what);
  if (repeatable && chance(options_.duplicate)) {
    story_.count(thing::repeated_message);
    post(envelope(e));
  }
  if (std::holds_alternative<forward>(e.what) && chance(options_.echo)) {
    // Held up in a connection that outlives its sender's process.
    auto shared = std::make_shared<envelope>(std::move(e));
    return events_.push(events_.now() + random_.below(2'000'000),
                        [this, shared] { post(std::move(*shared)); });
  }
  if (repeatable && chance(options_.echo)) {
    story_.count(thing::echo);
    auto shared = std::make_shared<envelope>(e);
    events_.push(events_.now() + random_.below(random_.chance(1, 2) ? 200'000 : 3'000'000),
                 [this, shared] { post(std::move(*shared)); });
  }
  post(std::move(e));
}

void network::post(envelope&& e) {
  const auto deaf = deaf_until_.find({e.from.node, e.to});
  const bool unheard = deaf != deaf_until_.end() && events_.now() < deaf->second &&
                       std::holds_alternative<core::message>(e.what);
  if (unheard || chance(options_.loss)) {
    tell_lost(e);
    return;
  }
  const auto at = events_.now() + delay(e);
  auto shared = std::make_shared<envelope>(std::move(e));
  events_.push(at, [this, shared] {
    // A cut takes what is on the way as well.
    if (cuts_.contains({shared->from.node, shared->to})) return tell_lost(*shared);
    deliver_(std::move(*shared));
  });
}

void network::tell_lost(const envelope& e) {
  story_.count(thing::lost_message);
  if (story_.heard() && !std::holds_alternative<ping>(e.what))
    story_.tell(e.from.node, log_of(e.what),
                "lost on the way to n" + std::to_string(e.to.value) + ": " + text_of(e.what));
}

}  // namespace atlas::sim
