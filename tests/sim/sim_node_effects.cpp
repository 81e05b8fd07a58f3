// What core wants done: persist, send, answer. The order kept here is the order the shells keep:
// held messages leave after the fsync of their own and all earlier groups, the owner's messages
// reach the own copy before the reads do.
#include <algorithm>
#include <iterator>
#include <map>

#include "tests/sim/message_text.hpp"
#include "tests/sim/sim_failure.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/sim_node_steps.hpp"

namespace atlas::sim {

void sim_node::send_to(core::process to, payload&& what) {
  if (to.node == self_.node) {
    if (to.boot != self_.boot) return;
    auto shared = std::make_shared<envelope>(envelope{self_, to.node, to.boot, std::move(what)});
    return later(world_.random.below(50), [this, shared] { receive(std::move(*shared)); });
  }
  world_.net.send({self_, to.node, to.boot, std::move(what)});
}

void sim_node::look_at(held_log& h, core::proposer::stage before) {
  using stage = core::proposer::stage;
  const auto now = h.owner->state();
  if (now == before) return;
  if (now == stage::serving && h.elected_tenure != h.tenure) {
    h.elected_tenure = h.tenure;
    world_.tale.on_election(self_.node, h.log);
    world_.watch.on_serving(self_.node, *h.owner, h.copy);
    tell(h.log, "owns the log and serves");
  }
  if (now == stage::recovering) tell(h.log, "won its election and recovers");
  if (now == stage::switching) tell(h.log, "proposes a configuration");
  if (now == stage::gone) world_.tale.count(thing::move_handed);
  if (now == stage::over) tell(h.log, "is no longer owner or candidate");
}

void sim_node::note_leaving(const core::message& m) {
  if (const auto* n = std::get_if<core::nack>(&m)) {
    world_.tale.count(thing::refusal);
    if (n->why == core::nack_reason::lease_runs) world_.tale.count(thing::lease_refusal);
  }
  if (std::holds_alternative<core::chosen>(m)) world_.tale.count(thing::fetch);
  if (std::holds_alternative<core::snapshot_chunk>(m)) world_.tale.count(thing::snapshot_part);
  if (const auto* o = std::get_if<core::snapshot_offer>(&m); o && o->transfer > 0)
    world_.tale.count(thing::view_expired);
  if (const auto* p = std::get_if<core::promise>(&m); p && !p->entries.empty())
    world_.tale.count(thing::old_vote_answered);
}

void sim_node::send(held_log* h, core::outgoing&& m, mailbox* own) {
  note_leaving(m.what);
  if (m.to != self_.node) {
    const auto known = run_->heard.find(m.to);
    // Nobody was ever heard there: there is no connection yet.
    if (known == run_->heard.end() || !known->second.first) return;
    if (h) world_.watch.on_leaving(self_.node, m, disk_.durable(h->log));
    return send_to({m.to, known->second.first}, std::move(m.what));
  }
  require(h != nullptr, "the coordinator asks others, never itself");
  world_.watch.on_leaving(self_.node, m, disk_.durable(h->log));
  if (world_.tale.heard()) world_.tale.tell(self_.node, h->log, "to itself: " + text_of(m.what));
  auto shared = std::make_shared<core::message>(std::move(m.what));
  post(*own, [this, shared] { arrive(self_, std::move(*shared)); });
}

void sim_node::emit(held_log& h, core::replica_effects& out) {
  if (out.taken) {
    world_.watch.on_taken(self_, out.taken->what, h.copy);
    post(h.to_owner, [this, &h, taken = *out.taken] { inherit(h, taken); });
  }
  if (out.progress) {
    auto progress = *out.progress;
    post(h.to_owner, [this, &h, progress] {
      step_owner(h, [&](core::proposer& o, core::proposer_effects& more) {
        o.on_progress(progress, clocks(), more);
      });
    });
  }
  std::map<core::process, answers> by_origin;
  for (auto& r : out.results) {
    auto& to = by_origin[r.from];
    to.log = h.log;
    to.list.push_back({false, r.seq, std::move(r.result), r.table});
  }
  for (auto& [origin, list] : by_origin) send_to(origin, std::move(list));
  for (auto& s : out.stale) {
    auto shared = std::make_shared<core::replica_effects::stale_answer>(std::move(s));
    later(world_.random.below(50),
          [this, shared] { on_stale(shared->table, shared->ticket, shared->result); });
  }
  for (auto& m : out.now) send(&h, std::move(m), &h.to_owner);
  for (const auto& w : out.persist) {
    if (w.what == core::record_write::kind::install) world_.tale.count(thing::install);
    if (w.what == core::record_write::kind::truncate) world_.tale.count(thing::truncation);
  }
  if (out.persist.empty() && out.held.empty()) return;
  run_->jobs.push_back({{h.log, std::move(out.persist), out.sync}, out.group, std::move(out.held)});
  start_store();
}

void sim_node::start_store() {
  if (run_->store_busy || run_->jobs.empty()) return;
  run_->store_busy = true;
  const auto fsync = world_.options.fsync_us;
  const auto took = fsync / 2 + world_.random.below(fsync + 1) + disk_penalty_us_;
  // What arrives while the disk works shares the next fsync.
  const auto count = run_->jobs.size();
  later(took, [this, count] {
    if (on_full_) {
      // Some of it may have reached the medium all the same.
      const auto ended = std::exchange(on_full_, {});
      crash();
      return ended();
    }
    std::vector<job> batch;
    for (std::size_t i = 0; i < count; ++i) {
      batch.push_back(std::move(run_->jobs.front()));
      run_->jobs.pop_front();
    }
    finish_store(batch);
  });
}

void sim_node::finish_store(std::vector<job>& batch) {
  bool sync = false;
  bool speaks = false;
  std::vector<core::log_writes> writes;
  for (auto& j : batch) {
    speaks = speaks || !j.held.empty();
    if (j.writes.writes.empty()) continue;
    sync = sync || j.writes.sync;
    writes.push_back(std::move(j.writes));
  }
  // What leaves may speak of anything written before, so it is made durable first.
  sync = sync || (speaks && (disk_.dirty() || !writes.empty()));
  const bool wrote = !writes.empty();
  std::vector<core::log_id> touched;
  for (const auto& w : writes) touched.push_back(w.log);
  disk_.write(writes, sync);
  for (const auto log : touched) {
    world_.watch.check_disk(self_.node, log, disk_.visible(log));
    world_.watch.check_truncation(self_.node, log, disk_.visible(log));
  }
  if (sync)
    for (const auto& [log, h] : run_->logs)
      world_.watch.on_durable(self_.node, log, disk_.durable(log));
  if (wrote) tell({}, sync ? "disk: written and synced" : "disk: written, not synced");
  for (auto& j : batch) {
    auto& h = *run_->logs.at(j.writes.log);
    for (auto& m : j.held) send(&h, std::move(m), &h.from_store);
    if (j.group == 0) continue;
    post(h.to_copy, [this, &h, group = j.group, sync] {
      step_copy(
          h, [&](core::replica& c, core::replica_effects& out) { c.on_written(group, sync, out); });
    });
  }
  run_->store_busy = false;
  start_store();
}

void sim_node::emit(held_log& h, core::proposer_effects& out) {
  for (auto& m : out.send) {
    const auto* a = std::get_if<core::accept>(&m.what);
    if (!a) continue;
    world_.watch.on_speaking(self_, h.tenure, *a);
    world_.watch.on_proposed(*a);
    if (h.owner->state() == core::proposer::stage::recovering && m.to == self_.node)
      world_.tale.count(thing::recovered_slot, a->entries.size());
  }
  world_.watch.on_owner(*h.owner, h.log);
  for (const auto& m : out.send)
    if (const auto* g = std::get_if<core::hand_off>(&m.what))
      world_.watch.on_giving(h.owner->gen(), *g);
  world_.tale.count(thing::confirmed_reads, out.reads.size());
  for (auto& m : out.send) send(&h, std::move(m), &h.to_copy);
  if (out.fetch) {
    const auto chase = *out.fetch;
    post(h.to_copy, [this, &h, chase] {
      step_copy(h, [&](core::replica& c, core::replica_effects& more) {
        c.on_chase(chase.source, chase.upto, more);
      });
    });
  }
  for (auto& batch : out.reads) {
    auto reads = std::make_shared<std::vector<core::read>>(std::move(batch.reads));
    const leave_to_read leave{batch.applied_min, batch.lease_until, h.owner->by(), h.owner->gen(),
                              h.tenure};
    if (!leave.lease_until.ms) world_.tale.count(thing::quorum_read, reads->size());
    if (leave.lease_until.ms) {
      world_.tale.count(thing::lease_read, reads->size());
      // The moment that matters: the lease was seen valid, the read is not executed yet.
      if (world_.options.pause > 0 && world_.random.chance(1, 100))
        pause(world_.events.now() +
              world_.random.below(2 * world_.options.lease.duration_ms) * 1000);
    }
    post(h.to_copy, [this, &h, reads, leave] { answer_reads(h, leave, *reads); });
  }
  if (h.owner->heir()) relay(h, out);
  give_back(h.log, out.unproposed, out.unread, out.why);
  const bool moved = out.over && out.moved && out.moved->done;
  if (moved) world_.tale.count(thing::move_finished);
  if (!out.over) return;
  h.owner.reset();
  // Who gave a log away has not lost it: no reason to bid for it.
  if (!moved) run_->coordinator->on_lost(clocks().now, h.log, out.seen);
}

/// This node's own requests follow the ballot on the same connection.
void sim_node::relay(const held_log& h, core::proposer_effects& out) {
  forward f{h.log, {}, {}};
  const auto take = [&](auto& from, auto& to) {
    const auto own = std::stable_partition(from.begin(), from.end(),
                                           [&](const auto& x) { return x.from != self_; });
    std::move(own, from.end(), std::back_inserter(to));
    from.erase(own, from.end());
  };
  take(out.unproposed, f.commands);
  take(out.unread, f.reads);
  if (f.commands.empty() && f.reads.empty()) return;
  world_.tale.count(thing::relayed, f.commands.size() + f.reads.size());
  send_to(h.owner->heir(), std::move(f));
}

void sim_node::answer_reads(held_log& h, const leave_to_read& leave,
                            std::vector<core::read>& reads) {
  if (!h.copy.can_answer(leave.applied_min)) {
    world_.tale.count(thing::late_read, reads.size());
    return give_back(h.log, {}, reads, "the owner is catching up");
  }
  if (leave.lease_until.ms && !core::planted(core::bug::lease_checked_once)) {
    const bool same = h.owner && h.tenure == leave.tenure && h.owner->may_read();
    if (!same || clocks().now >= leave.lease_until) {
      world_.tale.count(thing::lease_ran_out, reads.size());
      return give_back(h.log, {}, reads, "the lease ran out");
    }
  }
  std::vector<core::read> expiring;
  if (leave.lease_until.ms) world_.watch.on_lease_read(self_.node, h.log, leave.by, leave.gen);
  std::map<core::process, answers> by_origin;
  for (const auto& r : reads) {
    auto& to = by_origin[r.from];
    to.log = h.log;
    auto found = h.copy.answer(r, clocks().wall);
    if (found.code == core::outcome_code::expiring) {
      expiring.push_back(r);
      continue;
    }
    world_.watch.on_read_answered(h.log, r, h.copy.watermark());
    to.list.push_back({true, r.ticket, std::move(found), r.table});
  }
  if (!expiring.empty()) give_back(h.log, {}, expiring, "the key is about to end");
  for (auto& [origin, list] : by_origin) send_to(origin, std::move(list));
}

}  // namespace atlas::sim
