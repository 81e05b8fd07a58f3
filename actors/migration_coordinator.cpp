#include "actors/migration_coordinator.hpp"

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds coordinator_tick{100};

/// A view for core and the status that it points into.
struct held_view {
  log_entry::status status;
  core::log_view view;
};

held_view view_of(const log_entry& entry) {
  held_view v;
  v.status = entry.now();
  v.view = {entry.log, v.status.active.get(), v.status.promised, v.status.holder,
            static_cast<bool>(entry.owner())};
  return v;
}

}  // namespace

migration_coordinator::migration_coordinator(caf::actor_config& config,
                                             std::shared_ptr<board> where, std::uint64_t seed)
    : metered(config, where->meters(), "migration_coordinator"),
      board_(std::move(where)),
      coordinator_(board_->self(), seed) {}

coordinator_actor::behavior_type migration_coordinator::make_behavior() {
  return {[this](core::process from, const core::owner_query& q) { on_query(from, q); },
          [this](core::process from, const core::owner_report& r) {
            coordinator_.on_report({monotonic_us() / 1000}, from, r);
          },
          [this](const tenure_over& t) {
            coordinator_.on_lost({monotonic_us() / 1000}, t.log, t.seen);
          },
          [this](const created_here& c) {
            coordinator_.expect_ownership(c.log);
            look();
          },
          // Whoever waits for a table that was just made does not wait for a tick.
          [this](logs_opened) { look(); }, [this](tick_message) { on_tick(); }};
}

core::coordinator::hears migration_coordinator::ears() const {
  return [this](core::process p) { return board_->hears(p); };
}

void migration_coordinator::on_tick() {
  // The own acceptors count like all others, so this node grants to itself, too.
  const auto now = monotonic_us();
  board_->book_leases(board_->self(), now, board_->leases->on_heartbeat(board_->self()));
  tell_reachable();
  look();
  delayed_send(this, coordinator_tick, tick_message{});
}

void migration_coordinator::look() {
  const auto logs = board_->logs();
  std::vector<held_view> held;
  held.reserve(logs.size());
  std::vector<core::log_view> views;
  for (const auto& entry : logs) {
    held.push_back(view_of(*entry));
    views.push_back(held.back().view);
  }
  core::coordinator_effects out;
  coordinator_.on_tick({monotonic_us() / 1000}, views, ears(), out);
  board_->send_all(std::move(out.send));
  for (const auto& [log, above] : out.take_over) send(board_->directory, take_over{log, above});
}

void migration_coordinator::on_query(core::process from, const core::owner_query& q) {
  const auto entry = board_->log(q.log);
  core::owner_report r;
  if (entry) {
    const auto v = view_of(*entry);
    r = coordinator_.on_query(q, &v.view, ears());
  } else {
    r = coordinator_.on_query(q, nullptr, ears());
  }
  board_->send({from.node, r});
}

void migration_coordinator::tell_reachable() {
  auto nodes = board_->reachable_nodes();
  if (nodes == reachable_) return;
  reachable_ = std::move(nodes);
  for (const auto& entry : board_->logs())
    if (const auto owner = entry->owner()) send(owner, reachable{reachable_});
  board_->requests->on_routes_changed();
}

}  // namespace atlas::actors
