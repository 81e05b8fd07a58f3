// Reads of the node's own copies, wired as the request router and the acceptor wire them.
#include "tests/sim/sim_node.hpp"
#include "tests/sim/sim_node_steps.hpp"

namespace atlas::sim {
namespace {

// The one question of a route to its owner; no client has so many tickets.
constexpr std::uint64_t question_ticket = std::uint64_t{1} << 50;
constexpr std::uint64_t question_timeout_ms = 3'000;

}  // namespace

bool sim_node::read_stale(core::table_id table, std::uint64_t ticket, std::string row,
                          std::optional<std::uint64_t> bound_ms, std::uint64_t timeout_ms) {
  if (!run_) return false;
  auto& r = route_to(table, {});
  r.stale.submit({ticket, std::move(row), clocks().now + timeout_ms, bound_ms}, clocks().now);
  r.arrived_us[ticket] = world_.events.now();
  later(0, [this, &r] { press_stale(r); });
  return true;
}

void sim_node::press_stale(route& r) {
  const auto now = clocks().now;
  if (r.stale.wants_question(now)) {
    world_.tale.count(thing::stale_question);
    r.stale.on_asked(now);
    r.requests.submit_read(question_ticket, core::read_kind::frontier, {},
                           now + question_timeout_ms);
    flush(r);
  }
  if (!r.stale.log()) return;
  auto& h = *run_->logs.at(r.stale.log());
  for (auto& ask : r.stale.take(now, h.copy.watermark())) {
    if (ask.least > h.copy.watermark()) world_.tale.count(thing::stale_waited);
    auto shared = std::make_shared<core::stale_ask>(std::move(ask));
    post(h.to_copy, [this, &h, shared] {
      step_copy(h, [&](core::replica& c, core::replica_effects& out) {
        c.on_stale(std::move(*shared), out);
      });
    });
  }
}

/// False if the ticket is a client's. Without a result the question was given up.
bool sim_node::end_question(route& r, std::uint64_t ticket, const core::outcome* result) {
  if (ticket != question_ticket) return false;
  if (result && result->code == core::outcome_code::dropped)
    for (const auto& w : r.stale.withdraw_all()) world_.desk.on_stale(w.ticket, *result, 0);
  std::optional<core::frontier> f;
  if (result && result->code == core::outcome_code::ok) f = core::decode_frontier(result->data);
  r.stale.on_answer(f, clocks().now);
  press_stale(r);
  return true;
}

void sim_node::on_stale(core::table_id table, std::uint64_t ticket, const core::outcome& result) {
  auto& r = route_to(table, {});
  const auto age_ms = r.stale.on_result(ticket, result, clocks().now);
  if (!age_ms) return press_stale(r);
  const auto arrived = r.arrived_us.at(ticket);
  r.arrived_us.erase(ticket);
  // In true time: a clock that runs fast shows more than has passed.
  const auto age_us = *age_ms * 1'000'000 / static_cast<std::uint64_t>(1000 + drift_permille_) + 1;
  world_.tale.count(*age_ms ? thing::stale_read : thing::stale_fresh);
  world_.desk.on_stale(ticket, result, arrived > age_us ? arrived - age_us : 0);
}

}  // namespace atlas::sim
