// Truncation and snapshots of a replica (consensus.md §7): when its log is cut, how it hands out
// its state, and how it takes over another's. The moment between "the install is on its way to the
// disk" and "the disk has it" is the delicate one: the copy stands still, and promises speak of the
// slot that is being installed, because the votes below it are gone with the same group.
#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/replica.hpp"

namespace atlas::core {

void replica::truncate(replica_effects& out) {
  slot upto = std::min(stable_, durable_applied_);
  if (planted(bug::truncate_beyond_stable)) upto = durable_applied_;
  if (planted(bug::truncate_above_applied)) upto = std::min(stable_, watermark_);
  // Who is given a snapshot wants the log behind it next.
  if (const auto least = source_.oldest()) upto = std::min(upto, *least);
  const slot cut = retention_.surplus(upto, now_);
  if (cut <= truncated_) return;
  truncated_ = cut;
  retention_.dropped(cut);
  open_group(out);
  out.persist.push_back({.what = record_write::kind::truncate, .at = cut});
}

void replica::on_snapshot_request(process from, const snapshot_request& m, replica_effects& out) {
  if (installing_ || !written_applied_) return;
  source_.on_request(from, m, truncated_, now_, out.now);
}

void replica::on_snapshot_offer(process from, const snapshot_offer& m, replica_effects& out) {
  if (installing_ || m.truncated <= watermark_) return;
  const bool ours = m.transfer == intake_.transfer() && from.node == intake_.source();
  if (intake_.running() && !ours) return;
  drop_staged(out);
  intake_.begin(from.node, now_);
  out.now.push_back({from.node, intake_.next(log_)});
}

void replica::drop_staged(replica_effects& out) {
  if (!std::exchange(staged_, false)) return;
  open_group(out);
  out.persist.push_back({.what = record_write::kind::drop_staged});
}

void replica::on_snapshot_chunk(process from, const snapshot_chunk& m, replica_effects& out) {
  std::vector<record_write> rows;
  const auto step = intake_.take(from, m, watermark_, now_, rows);
  if (step == snapshot_intake::step::ignored) return;
  if (step == snapshot_intake::step::useless) return abandon_snapshot(out);
  if (!rows.empty()) {
    open_group(out);
    staged_ = true;
    std::move(rows.begin(), rows.end(), std::back_inserter(out.persist));
  }
  if (step == snapshot_intake::step::complete) return install(out);
  // Held: the disk must have taken this part before the next one may come.
  out.held.push_back({from.node, intake_.next(log_)});
}

void replica::abandon_snapshot(replica_effects& out) {
  intake_.stop();
  asked_at_.reset();
  if (watermark_ < wanted_.upto) {
    wanted_.source = another_source();
    ask_for_missing(out);
  }
}

void replica::install(replica_effects& out) {
  save(out);
  open_group(out);
  installing_ = truncated_ = intake_.install(out.persist);
  installing_group_ = out.group;
  staged_ = true;  // the rows that were replaced
  out.sync = true;
  unwritten_[out.group] = {promised_, installing_, installing_};
  while (!tail_.empty() &&
         (tail_.begin()->first <= installing_ || planted(bug::snapshot_drops_votes)))
    drop_vote(tail_.begin());
}

void replica::finish_install(replica_effects& out) {
  const auto past = disk_->recover();
  ATLAS_CHECK(past.applied == installing_, "the disk shows the snapshot that was installed");
  out.installed = std::exchange(installing_, {});
  table_ = state_machine(log_, *disk_, past);
  watermark_ = saved_watermark_ = past.applied;
  last_stamp_ = past.last_stamp;
  applied_hash_ = past.applied_hash;
  retention_.restart(truncated_, watermark_);
  out.progress.emplace();
  if (past.active && past.active->epoch > active_.epoch) {
    active_ = *past.active;
    active_at_ = past.configuration_at;
    settled_ = false;
    out.progress->changed = active_;
  }
  saved_epoch_ = active_.epoch;
  if (planted(bug::snapshot_lowers_promise)) promised_ = {};
  asked_at_.reset();
  note_applied(out);
  apply_known(false, out);  // votes above the snapshot may be known chosen
  if (watermark_ < wanted_.upto) ask_for_missing(out);
}

void replica::tick_snapshots(replica_effects& out) {
  source_.on_tick(now_);
  const bool ran = intake_.running();
  if (const auto again = intake_.on_tick(log_, now_))
    out.now.push_back({intake_.source(), *again});
  else if (ran && !intake_.running())
    abandon_snapshot(out);
  // What a broken transfer, a crash or an install left behind.
  if (!intake_.running() && !installing_) drop_staged(out);
  truncate(out);
}

}  // namespace atlas::core
