// Life, clocks, timers and arrival of messages. What core wants done: sim_node_effects.cpp.
#include "tests/sim/sim_node.hpp"

#include "tests/sim/message_text.hpp"
#include "tests/sim/sim_failure.hpp"
#include "tests/sim/sim_node_steps.hpp"

namespace atlas::sim {
namespace {

constexpr std::uint64_t tick_us = 25'000;
// Machines run for long before a node starts on them: what takes a clock that was not set for time
// 0 is far off.
constexpr std::uint64_t uptime_ms = 400'000'000;
constexpr std::uint64_t ping_every_ticks = 8;
constexpr std::uint64_t heard_us = 1'000'000;

}  // namespace

sim_node::sim_node(world& w, core::node_id id, unsigned nodes)
    : world_(w), self_{id, {}}, nodes_(nodes) {
  const auto drift = static_cast<std::int64_t>(w.options.drift_permille);
  // The worst pair of clocks is the one that matters most.
  drift_permille_ = w.random.chance(1, 2)
                        ? (w.random.chance(1, 2) ? drift : -drift)
                        : static_cast<std::int64_t>(w.random.below(2 * drift + 1)) - drift;
  if (w.options.slow_clock) drift_permille_ = id == w.options.slow_clock ? -drift : drift;
  clock_offset_us_ = w.random.below(1'000'000);
}

void sim_node::start() {
  ++self_.boot.value;
  on_full_ = {};
  tell({}, "starts");
  run_ = std::make_unique<process_state>();
  if (world_.options.leases)
    run_->leases = std::make_unique<sim_leases>(
        self_, world_.options.lease, [this] { return clocks().now; },
        has_granted_ ? world_.options.lease.duration_ms : 0);
  run_->coordinator = std::make_unique<core::coordinator>(self_, world_.random.next());
  for (unsigned i = 0; i < world_.options.logs; ++i) {
    const core::log_id log{2 + i};
    auto h = std::make_unique<held_log>(log, self_, world_.options, disk_, run_->leases.get());
    h->copy.set_clock(clocks().now);
    world_.watch.on_restart(self_.node, h->copy);
    world_.watch.check_disk(self_.node, log, disk_.visible(log));
    world_.watch.on_durable(self_.node, log, disk_.durable(log));
    if (self_.boot.value == 1 && self_.node.value == 1) run_->coordinator->expect_ownership(log);
    run_->logs.emplace(log, std::move(h));
  }
  update_reachable();
  later(world_.random.below(tick_us), [this] { tick(); });
}

void sim_node::crash() {
  if (!run_) return;
  // The batch on its way to the medium may have reached it, in part or whole.
  std::vector<core::log_writes> pending;
  for (auto& j : run_->jobs)
    if (!j.writes.writes.empty()) pending.push_back(std::move(j.writes));
  world_.tale.count(thing::crash);
  if (disk_.dirty() || !pending.empty()) world_.tale.count(thing::crash_with_loss);
  tell({}, "crashes");
  if (!pending.empty()) disk_.write(pending, false);
  run_.reset();
  disk_.crash(world_.random);
  paused_until_ = 0;
}

void sim_node::pause(std::uint64_t until_us) {
  world_.tale.count(thing::pause);
  tell({}, "stands still");
  paused_until_ = std::max(paused_until_, until_us);
}

void sim_node::later(std::uint64_t delay_us, std::function<void()> what) {
  world_.events.push(world_.events.now() + delay_us,
                     [this, boot = self_.boot, what = std::move(what)]() mutable {
                       if (!run_ || boot != self_.boot) return;
                       if (paused_until_ > world_.events.now())
                         return later(paused_until_ - world_.events.now(), std::move(what));
                       what();
                     });
}

void sim_node::post(mailbox& box, std::function<void()> what) {
  const auto lag =
      world_.random.chance(1, 50) ? world_.random.below(5'000) : world_.random.below(50);
  const auto now = world_.events.now();
  box.last_us = std::max(box.last_us, now + lag);
  ++steps_;
  later(box.last_us - now, std::move(what));
}

core::clock_reading sim_node::clocks() const {
  const auto now = static_cast<std::int64_t>(world_.events.now());
  const auto own =
      static_cast<std::uint64_t>(now + now * drift_permille_ / 1000) + clock_offset_us_;
  return {{uptime_ms + own / 1000}, {1'000'000'000'000 + own}};
}

bool sim_node::hears(core::process p) const {
  if (p == self_) return true;
  const auto found = run_->heard.find(p.node);
  return found != run_->heard.end() && found->second.first == p.boot && found->second.second > 0 &&
         world_.events.now() < found->second.second + heard_us;
}

void sim_node::update_reachable() {
  std::vector<core::node_id> nodes{self_.node};
  for (const auto& [node, heard] : run_->heard)
    if (heard.second > 0 && world_.events.now() < heard.second + heard_us) nodes.push_back(node);
  std::sort(nodes.begin(), nodes.end());
  if (nodes == run_->reachable) return;
  run_->reachable = nodes;
  for (auto& [log, h] : run_->logs)
    if (h->owner)
      step_owner(*h, [&](core::proposer& o, core::proposer_effects& out) {
        o.on_reachable(nodes, clocks(), out);
      });
}

void sim_node::tick() {
  const auto number = run_->ticks++;
  if (number % ping_every_ticks == 0) ping_all();
  if (number % 4 == 0) tick_coordinator();
  for (auto& [log, h] : run_->logs) {
    if (number % 4 == 2)
      step_copy(
          *h, [&](core::replica& c, core::replica_effects& out) { c.on_tick(clocks().now, out); });
    if (h->owner)
      step_owner(*h,
                 [&](core::proposer& o, core::proposer_effects& out) { o.on_tick(clocks(), out); });
  }
  tick_requests();
  later(tick_us, [this] { tick(); });
}

void sim_node::ping_all() {
  const auto now = clocks().now;
  for (std::uint64_t n = 1; n <= nodes_; ++n) {
    if (n == self_.node.value) continue;
    const auto last = run_->answered.find({n});
    const bool hears =
        last != run_->answered.end() && world_.events.now() < last->second + heard_us;
    world_.net.send({self_, {n}, {}, ping{now, hears}});
  }
  if (!run_->leases) return;
  has_granted_ = true;
  on_pong(self_.node, {now, run_->leases->on_heartbeat(self_)});
}

void sim_node::on_ping(core::process from, const ping& p) {
  pong answer{p.sent, {}};
  // A lease for one who hears nobody would keep the others from going on without it.
  const bool hears = p.hears_you || core::planted(core::bug::deaf_counted_as_heard);
  if (run_->leases && hears) {
    has_granted_ = true;
    answer.grant = run_->leases->on_heartbeat(from);
    world_.tale.count(thing::lease_granted);
  }
  world_.net.send({self_, from.node, from.boot, std::move(answer)});
}

void sim_node::on_pong(core::node_id from, const pong& p) {
  run_->answered[from] = world_.events.now();
  if (!run_->leases) return;
  const auto sent = core::planted(core::bug::lease_counted_from_answer) ? clocks().now : p.sent;
  run_->leases->on_grant(from, p.grant, sent);
  for (const auto& held : p.grant.refusals) {
    auto& h = *run_->logs.at(held.log);
    const bool mine =
        h.owner && h.owner->goes_on() && h.owner->by() == held.by && h.owner->gen() == held.gen;
    if (mine) continue;
    world_.tale.count(thing::lease_released);
    send(&h, {from, core::release{held.log, held.by, held.gen}}, &h.to_copy);
  }
}

core::log_view sim_node::view(const held_log& h) const {
  return {h.log, &h.copy.active(), h.copy.promised(), h.copy.holder(), h.owner != nullptr};
}

/// As a shell would have measured them, more or less.
void sim_node::tell_nearness() {
  if (!world_.options.thrifty) return;
  core::round_trips distance;
  const auto& zones = world_.options.zones;
  for (std::uint64_t n = 1; n <= nodes_; ++n) {
    const bool is_far = zones[n - 1] != zones[self_.node.value - 1];
    const auto way = world_.options.delay_us + (is_far ? world_.options.zone_delay_us : 0);
    distance[{n}] = way + world_.random.below(2 * way + 1);
  }
  for (auto& [log, h] : run_->logs)
    if (h->owner)
      step_owner(*h, [&](core::proposer& o, core::proposer_effects& out) {
        o.on_nearness(distance, clocks(), out);
      });
}

void sim_node::tick_coordinator() {
  update_reachable();
  if (world_.random.chance(1, 4)) tell_nearness();
  std::vector<core::log_view> views;
  for (const auto& [log, h] : run_->logs) views.push_back(view(*h));
  core::coordinator_effects out;
  run_->coordinator->on_tick(
      clocks().now, views, [this](core::process p) { return hears(p); }, out);
  for (auto& m : out.send) send(nullptr, std::move(m), nullptr);
  for (const auto& [log, above] : out.take_over) take_over(log, above);
}

void sim_node::take_over(core::log_id log, core::ballot above) {
  auto& h = *run_->logs.at(log);
  if (h.owner) return;
  ++h.tenure;
  world_.tale.enter(self_.node, log);
  tell(log, "becomes a candidate");
  core::proposer_effects out;
  h.owner = std::make_unique<core::proposer>(
      core::proposer::beginning{log, self_, std::max(above, h.copy.promised()), h.copy.watermark(),
                                h.copy.last_stamp(), h.copy.active()},
      clocks(), out, run_->leases.get());
  emit(h, out);
  step_owner(h, [&](core::proposer& o, core::proposer_effects& more) {
    o.on_followers(everybody());
    o.on_reachable(run_->reachable, clocks(), more);
  });
}

std::vector<core::node_id> sim_node::everybody() const {
  std::vector<core::node_id> all;
  for (std::uint64_t n = 1; n <= nodes_; ++n) all.push_back({n});
  return all;
}

void sim_node::inherit(held_log& h, const core::taken_log& taken) {
  // A candidate of this node has prepared a higher ballot: the hand-off is void.
  if (h.owner && h.owner->goes_on()) return;
  ++h.tenure;
  world_.tale.enter(self_.node, h.log);
  world_.tale.count(thing::move_taken);
  world_.tale.count(thing::in_flight_given, taken.what.unfinished.size());
  tell(h.log, "goes on under a ballot that was handed to it");
  core::proposer_effects out;
  h.owner =
      std::make_unique<core::proposer>(core::proposer::inheritance{taken, self_, run_->reachable},
                                       clocks(), out, run_->leases.get());
  h.owner->on_followers(everybody());
  look_at(h, core::proposer::stage::recovering);
  emit(h, out);
}

void sim_node::move(core::log_id log, core::node_id target) {
  auto& h = *run_->logs.at(log);
  if (!h.owner) return;
  if (h.owner->state() == core::proposer::stage::serving) world_.tale.count(thing::move_begun);
  step_owner(
      h, [&](core::proposer& o, core::proposer_effects& out) { o.on_move(target, clocks(), out); });
}

void sim_node::receive(envelope&& e) {
  if (!run_ || (e.to_boot && e.to_boot != self_.boot)) return;
  if (paused_until_ > world_.events.now()) {
    auto shared = std::make_shared<envelope>(std::move(e));
    return later(0, [this, shared] { receive(std::move(*shared)); });
  }
  world_.events.note(e.from.node.value * 64 + e.what.index());
  if (world_.tale.heard() && !std::holds_alternative<ping>(e.what))
    world_.tale.tell(self_.node, log_of(e.what),
                     "from n" + std::to_string(e.from.node.value) + ": " + text_of(e.what));
  if (e.from != self_) {
    auto& [boot, when] = run_->heard[e.from.node];
    // Requests of a process that is gone may still stand in a connection: core must cope (§8).
    const bool late = world_.options.echo > 0 && std::holds_alternative<forward>(e.what);
    if (e.from.boot < boot && !late) return;
    if (std::holds_alternative<ping>(e.what)) {
      // Hearing is mutual: who does not hear this node is of no use to it.
      const auto& p = std::get<ping>(e.what);
      if (std::exchange(boot, e.from.boot) != e.from.boot) when = 0;
      if (p.hears_you || core::planted(core::bug::deaf_counted_as_heard))
        when = world_.events.now();
      return on_ping(e.from, p);
    }
  }
  if (const auto* p = std::get_if<pong>(&e.what)) return on_pong(e.from.node, *p);
  if (auto* m = std::get_if<core::message>(&e.what)) return arrive(e.from, std::move(*m));
  if (auto* f = std::get_if<forward>(&e.what)) return on_forward(e.from, std::move(*f));
  if (auto* r = std::get_if<returned>(&e.what)) return on_returned(*r);
  if (auto* a = std::get_if<answers>(&e.what)) return on_answers(*a);
}

void sim_node::arrive(core::process from, core::message&& m) {
  if (const auto* q = std::get_if<core::owner_query>(&m)) {
    const auto& h = *run_->logs.at(q->log);
    const auto v = view(h);
    const auto report =
        run_->coordinator->on_query(*q, &v, [this](core::process p) { return hears(p); });
    return send(nullptr, {from.node, report}, nullptr);
  }
  if (const auto* r = std::get_if<core::owner_report>(&m))
    return run_->coordinator->on_report(clocks().now, from, *r);
  const auto log = std::visit([](const auto& x) { return x.log; }, m);
  auto& h = *run_->logs.at(log);
  const bool for_owner =
      std::holds_alternative<core::promise>(m) || std::holds_alternative<core::nack>(m) ||
      std::holds_alternative<core::accepted>(m) || std::holds_alternative<core::move_ready>(m);
  if (for_owner) return to_owner(h, from, m);
  to_copy(h, from, std::move(m));
}

void sim_node::to_copy(held_log& h, core::process from, core::message&& m) {
  step_copy(h, [&](core::replica& c, core::replica_effects& out) {
    if (const auto* p = std::get_if<core::prepare>(&m)) {
      const bool is_stale = p->epoch < c.active().epoch;
      c.on_prepare(from, *p, out);
      for (const auto& reply : out.held)
        require(!is_stale || !std::holds_alternative<core::promise>(reply.what),
                "a candidate of an older configuration got a promise");
    }
    if (const auto* a = std::get_if<core::accept>(&m)) c.on_accept(from, *a, out);
    if (const auto* w = std::get_if<core::commit>(&m)) c.on_commit(from, *w, out);
    if (const auto* f = std::get_if<core::fetch>(&m)) c.on_fetch(from, *f, out);
    if (const auto* v = std::get_if<core::chosen>(&m)) c.on_chosen(from, *v, out);
    if (const auto* r = std::get_if<core::release>(&m)) c.on_release(from, *r, out);
    if (const auto* o = std::get_if<core::snapshot_offer>(&m)) c.on_snapshot_offer(from, *o, out);
    if (const auto* r = std::get_if<core::snapshot_request>(&m))
      c.on_snapshot_request(from, *r, out);
    if (const auto* s = std::get_if<core::snapshot_chunk>(&m)) c.on_snapshot_chunk(from, *s, out);
    if (const auto* o = std::get_if<core::move_offer>(&m)) c.on_move_offer(from, *o, out);
    if (const auto* g = std::get_if<core::hand_off>(&m)) c.on_hand_off(from, *g, out);
  });
}

void sim_node::to_owner(held_log& h, core::process from, const core::message& m) {
  if (!h.owner) return;
  step_owner(h, [&](core::proposer& o, core::proposer_effects& out) {
    if (const auto* p = std::get_if<core::promise>(&m)) o.on_promise(from, *p, clocks(), out);
    if (const auto* n = std::get_if<core::nack>(&m)) o.on_nack(from, *n, out);
    if (const auto* a = std::get_if<core::accepted>(&m)) o.on_accepted(from, *a, clocks(), out);
    if (const auto* r = std::get_if<core::move_ready>(&m)) o.on_move_ready(from, *r, clocks(), out);
  });
}

core::proposer* sim_node::owner(core::log_id log) {
  return run_ ? run_->logs.at(log)->owner.get() : nullptr;
}

void sim_node::reconfigure(core::log_id log, const core::configuration& next) {
  step_owner(*run_->logs.at(log), [&](core::proposer& o, core::proposer_effects& out) {
    o.on_reconfigure(next, out, clocks());
  });
}

void sim_node::usurp(core::log_id log) {
  if (!run_ || paused_until_ > world_.events.now()) return;
  world_.tale.count(thing::usurper);
  take_over(log, run_->logs.at(log)->copy.promised());
}

std::string sim_node::describe() const {
  std::string text =
      "\n  node " + std::to_string(self_.node.value) + " boot " + std::to_string(self_.boot.value);
  if (!run_) return text + " is down";
  for (const auto& [log, h] : run_->logs) {
    const auto& c = h->copy;
    text += "; log " + std::to_string(log.value) + ": applied " +
            std::to_string(c.watermark().value) + " promised " +
            std::to_string(c.promised().round) + "." + std::to_string(c.promised().node.value) +
            " epoch " + std::to_string(c.active().epoch.value) + " follows " +
            std::to_string(c.holder().node.value) + " hint " +
            std::to_string(run_->coordinator->hinted_owner(log).node.value);
    if (h->owner)
      text += " owner in stage " + std::to_string(static_cast<int>(h->owner->state())) +
              " chosen " + std::to_string(h->owner->chosen().value);
  }
  for (const auto& [name, r] : run_->routes)
    if (r.requests.size() > 0)
      text += "; " + std::to_string(r.requests.size()) + " requests wait for table " +
              std::to_string(name.first.value) + " at log " + std::to_string(r.log.value);
  return text;
}

const core::replica& sim_node::copy(core::log_id log) const {
  return run_->logs.at(log)->copy;
}

}  // namespace atlas::sim
