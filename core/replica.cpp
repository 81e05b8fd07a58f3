#include "core/replica.hpp"

#include <algorithm>
#include <tuple>

#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/running_hash.hpp"

namespace atlas::core {
namespace {

// Votes above the watermark that an acceptor keeps in memory; above it the follower is so far
// behind that it must catch up before it helps again.
constexpr std::size_t tail_entries_max = 8192;
constexpr std::size_t tail_bytes_max = 64 << 20;
// Applied rows are written together: hot rows once instead of once per change, and in row order.
// The votes are on disk, so a crash only means that the slots since the last save are applied
// again.
constexpr std::size_t unsaved_rows_max = 4096;
// Small writes of others wait while these are written.
constexpr std::size_t unsaved_bytes_max = 2 << 20;

}  // namespace

replica::replica(log_id log, process self, configuration first, const log_store& disk,
                 lease_guard* leases, const replica_limits& limits)
    : replica(log, self, std::move(first), disk, leases, limits, disk.recover()) {}

replica::replica(log_id log, process self, configuration first, const log_store& disk,
                 lease_guard* leases, const replica_limits& limits, const recovered_log& past)
    : log_(log),
      self_(self),
      disk_(&disk),
      leases_(leases),
      active_(std::move(first)),
      table_(log, disk, past),
      limits_(limits),
      written_applied_(past.applied),
      durable_applied_(past.applied),
      truncated_(past.truncated),
      retention_(limits, past.truncated, past.applied),
      source_(log, disk, limits),
      staged_(past.staged) {
  promised_ = durable_promise_ = past.promised;
  handed_on_ = past.handed_on;
  if (planted(bug::restart_lowers_promise)) promised_ = durable_promise_ = {};
  watermark_ = written_watermark_ = past.applied;
  last_stamp_ = past.last_stamp;
  applied_hash_ = past.applied_hash;
  if (past.active) active_ = *past.active;
  active_at_ = past.configuration_at;
  saved_watermark_ = watermark_;
  saved_epoch_ = active_.epoch;
  ATLAS_CHECK(truncated_ <= watermark_, "no slot is truncated before it is applied");
  for (const auto& e : past.tail) {
    if (planted(bug::restart_forgets_votes)) break;
    ATLAS_CHECK(e.by <= promised_, "no vote above the promise");
    ATLAS_CHECK(e.at > watermark_, "the tail begins above the applied slot");
    tail_.emplace(e.at, e);
    tail_bytes_ += e.value.size();
  }
}

void replica::open_group(replica_effects& out) {
  if (out.group == 0) out.group = ++groups_;
}

void replica::on_prepare(process from, const prepare& m, replica_effects& out) {
  ATLAS_CHECK(m.by.round > 0, "round 0 is no ballot; the border refuses it");
  if (m.by < promised_ && !planted(bug::promise_below_promise)) {
    out.held.push_back(
        {from.node, nack{log_, m.by, nack_reason::ballot_below, promised_, active_.epoch}});
    return;
  }
  if (m.epoch < active_.epoch && !planted(bug::promise_of_older_epoch)) {
    // A candidate of an older configuration could win without anybody who votes now. It is told
    // what is chosen from its first open slot on, the newer configuration included (§9).
    out.held.push_back(
        {from.node, nack{log_, m.by, nack_reason::epoch_below, promised_, active_.epoch}});
    return on_fetch(from, {log_, m.from}, out);
  }
  if (m.by > promised_) {
    if (const auto wait = lease_wait(from.node)) {
      out.held.push_back(
          {from.node, nack{log_, m.by, nack_reason::lease_runs, promised_, active_.epoch, wait}});
      return;
    }
    // A new promise forgets the holder: no lease of his can be renewed by this acceptor (§3).
    promised_ = m.by;
    holder_ = {};
    holder_generation_ = {};
    open_group(out);
    out.persist.push_back({.what = record_write::kind::promised, .by = promised_});
    if (planted(bug::promise_not_persisted)) out.persist.pop_back();
    out.sync = true;
    unwritten_[out.group] = {promised_, watermark_, saved_watermark_};
  }
  // The promise tells the watermark, a repeated one too: make it as durable as the promise itself.
  if (!planted(bug::promise_watermark_not_saved)) save(out);
  if (!out.persist.empty()) out.sync = true;
  // Votes at or below a snapshot that is being installed leave the disk with it: they are chosen,
  // and the candidate must catch up to it ("snapshot at S").
  const slot held = planted(bug::promise_below_install) ? watermark_ : held_slot();
  promise p{log_, m.by, held, active_.epoch, {}};
  for (auto it = tail_.lower_bound(std::max(m.from, held + 1)); it != tail_.end(); ++it)
    p.entries.push_back(it->second);
  out.held.push_back({from.node, std::move(p)});
}

void replica::on_accept(process from, const accept& m, replica_effects& out) {
  ATLAS_CHECK(m.by.round > 0, "round 0 is no ballot; the border refuses it");
  const auto refuse = [&](nack_reason why) {
    out.held.push_back(
        {from.node, nack{log_, m.by, why, promised_, active_.epoch, 0, holder_generation_}});
  };
  if (m.by < promised_ && !planted(bug::accept_below_promise))
    return refuse(nack_reason::ballot_below);
  if (m.by == promised_ && holder_ && m.gen < holder_generation_)
    return refuse(nack_reason::generation_below);
  if (m.epoch < active_.epoch && !planted(bug::accept_of_older_epoch)) {
    // Under an older configuration only slots that are chosen already may still be repeated.
    // The sender's node needs what is chosen from there on, the newer configuration included.
    learn(from, m.by, m.watermark, out);
    refuse(nack_reason::epoch_below);
    return on_fetch(from, {log_, m.first}, out);
  }
  if (!store_entries(m, out)) return learn(from, m.by, m.watermark, out);
  follow(from, m.gen, out);
  hear(from, m.by, m.gen);
  stable_ = std::max(stable_, m.stable);
  if (m.epoch == active_.epoch && m.stable >= active_at_) settled_ = true;
  const auto count = static_cast<std::uint32_t>(m.entries.size());
  learn(from, m.by, m.watermark, out);
  const lease_session session = leases_ ? leases_->session_of(from) : 0;
  const accepted reply{log_, m.by, m.gen, m.round, m.first, count, session, durable_applied_};
  if ((count == 0 && durable_promise_ == m.by && handed_on_group_ == 0) ||
      planted(bug::accept_before_fsync)) {
    // A confirm speaks of the promise alone, and that is on disk: no need to wait for the store.
    out.now.push_back({from.node, reply});
  } else {
    out.held.push_back({from.node, reply});
  }
}

bool replica::store_entries(const accept& m, replica_effects& out) {
  // What this node needs next is always taken, or a full tail could never empty.
  const bool full =
      tail_.size() + m.entries.size() > tail_entries_max || tail_bytes_ > tail_bytes_max;
  if (full && m.first > watermark_ + 1) return false;
  if (m.by > promised_) {
    promised_ = m.by;
    open_group(out);
    out.persist.push_back({.what = record_write::kind::promised, .by = promised_});
    out.sync = true;
    unwritten_[out.group] = {promised_, watermark_, saved_watermark_};
  }
  slot at = m.first;
  for (const auto& value : m.entries) {
    if (at > held_slot() && !(planted(bug::accept_keeps_old_vote) && tail_.contains(at))) {
      const auto mine = tail_.find(at);
      if (mine != tail_.end() && mine->second.by == m.by) {
        ATLAS_CHECK(mine->second.value == value, "one ballot proposes one value per slot");
      } else {
        ATLAS_CHECK(mine == tail_.end() || mine->second.by < m.by, "votes follow the promise");
        if (mine != tail_.end()) drop_vote(mine);
        tail_.emplace(at, accepted_entry{at, m.by, value});
        tail_bytes_ += value.size();
        open_group(out);
        out.persist.push_back(
            {.what = record_write::kind::accepted, .at = at, .by = m.by, .value = value.bytes});
        if (planted(bug::accept_not_persisted)) out.persist.pop_back();
        out.sync = true;
        unwritten_[out.group] = {promised_, watermark_, saved_watermark_};
      }
    }
    ++at;
  }
  return true;
}

void replica::on_commit(process from, const commit& m, replica_effects& out) {
  hear(from, m.by, m.gen);
  stable_ = std::max(stable_, m.stable);
  // An idle owner must learn too that it was overtaken here, or this node follows nobody for ever.
  if (m.by < promised_)
    out.held.push_back(
        {from.node, nack{log_, m.by, nack_reason::ballot_below, promised_, active_.epoch}});
  learn(from, m.by, m.watermark, out);
}

void replica::hear(process from, ballot by, generation gen) {
  // What the last owner under this very ballot said before it handed it on may arrive late.
  if (std::tie(by, gen) < std::tie(heard_by_, heard_generation_)) return;
  heard_ = from;
  heard_by_ = by;
  heard_generation_ = gen;
}

void replica::learn(process from, ballot by, slot upto, replica_effects& out) {
  if (upto > watermark_) {
    const bool any = planted(bug::commit_of_any_ballot) && !tail_.empty();
    slot& known = known_[any ? tail_.begin()->second.by : by];
    known = std::max(known, upto);
  }
  apply_known(from == self_, out);
  want(from.node, upto, out);
}

void replica::apply_known(bool answer, replica_effects& out) {
  if (installing_) return;
  const slot before = watermark_;
  for (auto next = tail_.begin(); next != tail_.end(); next = tail_.begin()) {
    // Mark s chosen only if the vote at s is of the very ballot that says so (§3, commit).
    if (next->first != watermark_ + 1) break;
    const auto known = known_.find(next->second.by);
    if (known == known_.end() || known->second < next->first) break;
    const entry value = next->second.value;
    const slot next_slot = next->first;
    drop_vote(next);
    // Whoever is told what was learned is told of all that follows it, or he would take that for
    // somebody else's.
    if (out.progress && !out.progress->learned.empty())
      out.progress->learned.emplace_back(next_slot, value);
    apply_entry(next_slot, value, answer, out);
  }
  std::erase_if(known_, [&](const auto& k) { return k.second <= watermark_; });
  if (watermark_ != before) note_applied(out);
}

void replica::apply_entry(slot at, const entry& value, bool answer, replica_effects& out) {
  ATLAS_CHECK(at == watermark_ + 1, "slots are applied in order, none is skipped");
  std::size_t bytes = value.size();  // that are kept with the slot
  switch (value.kind()) {
    case entry_kind::no_op:
      break;
    case entry_kind::batch: {
      // A batch recovered from an earlier ballot may be stamped below the slot before it; log time
      // must rise (§10).
      last_stamp_ = std::max(stamp{last_stamp_.us + 1}, batch_reader(value).when());
      table_.apply(value, last_stamp_, answer ? &out.results : nullptr, at);
      bytes += table_.history_bytes();
      break;
    }
    case entry_kind::configuration: {
      auto next = decode_configuration_entry(value);
      ATLAS_CHECK(next.has_value(), "chosen configurations decode; the border refuses others");
      if (next->parent != active_.epoch) break;  // a leftover of a lost attempt (§9)
      active_ = std::move(*next);
      active_at_ = at;
      settled_ = false;
      std::string encoded;
      encode_configuration(active_, encoded);
      open_group(out);
      out.persist.push_back(
          {.what = record_write::kind::configuration, .at = at, .key = std::move(encoded)});
      if (!out.progress) out.progress.emplace();
      out.progress->changed = active_;
      break;
    }
  }
  applied_hash_ = running_hash(applied_hash_, at.value, *value.bytes);
  watermark_ = at;
  retention_.note(at, bytes);
}

void replica::note_applied(replica_effects& out) {
  const bool changed = saved_epoch_ != active_.epoch;
  const bool full =
      table_.unsaved() >= unsaved_rows_max || table_.unsaved_bytes() >= unsaved_bytes_max;
  if (full || changed || watched_) save(out);
  if (changed) out.sync = true;  // others wait for it, see `settled`
  if (!out.progress) out.progress.emplace();
  out.progress->watermark = watermark_;
  out.progress->last_stamp = last_stamp_;
  out.progress->next_due = table_.next_due();
  if (table_.take_catalogue_change()) out.catalogue_changed = true;
  answer_shelf(out);
}

void replica::save(replica_effects& out) {
  if (saved_watermark_ == watermark_) return;
  open_group(out);
  table_.save(watermark_, out.group, out.persist);
  out.persist.push_back({.what = record_write::kind::applied,
                         .at = watermark_,
                         .when = last_stamp_,
                         .hash = applied_hash_});
  saved_watermark_ = watermark_;
  saved_epoch_ = active_.epoch;
  unwritten_[out.group] = {promised_, watermark_, saved_watermark_};
  // A copy that never votes syncs nothing else, and could never truncate.
  if (watermark_ > durable_applied_ + limits_.keep_slots / 4) out.sync = true;
}

void replica::on_tick(tick now, replica_effects& out) {
  now_ = now;
  pace_.on_tick();
  tick_snapshots(out);
  if (watermark_ < wanted_.upto) ask_for_missing(out);
  save(out);
  std::erase_if(shelf_, [&](const stale_ask& s) { return s.deadline <= now; });
}

void replica::on_stale(stale_ask&& ask, replica_effects& out) {
  if (can_answer(ask.least))
    out.stale.push_back({ask.what.ticket.value, ask.what.table, answer(ask.what)});
  else
    shelf_.push_back(std::move(ask));
}

void replica::answer_shelf(replica_effects& out) {
  std::erase_if(shelf_, [&](const stale_ask& s) {
    if (!can_answer(s.least)) return false;
    out.stale.push_back({s.what.ticket.value, s.what.table, answer(s.what)});
    return true;
  });
}

outcome replica::answer(const read& r, stamp wall) const {
  if (r.what == read_kind::frontier) {
    auto o = table_.answer(r);
    if (o.code == outcome_code::ok) o.data = encode_frontier({log_, watermark_});
    return o;
  }
  if (r.what != read_kind::configuration) return table_.answer(r, wall);
  if (!settled()) return {outcome_code::refused, "too few voters hold what is before it"};
  outcome in_force;
  encode_configuration(active_, in_force.data);
  return in_force;
}

void replica::on_written(std::uint64_t group, bool durable, replica_effects& out) {
  table_.written(group);
  while (!unwritten_.empty() && unwritten_.begin()->first <= group) {
    const auto& done = unwritten_.begin()->second;
    durable_promise_ = done.promised;
    // Votes that follow an install speak of the watermark before it.
    written_watermark_ = std::max(written_watermark_, done.watermark);
    written_applied_ = std::max(written_applied_, done.applied);
    unwritten_.erase(unwritten_.begin());
  }
  if (durable) durable_applied_ = written_applied_;
  if (fetch_after_ && group >= fetch_after_) {
    fetch_after_ = 0;
    if (watermark_ < wanted_.upto) ask_for_missing(out);
  }
  if (durable && group >= handed_on_group_) handed_on_group_ = 0;
  if (installing_ && group >= installing_group_) finish_install(out);
}

}  // namespace atlas::core
