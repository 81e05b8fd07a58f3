#include "actors/store.hpp"

namespace atlas::actors {

store::store(caf::actor_config& config, std::shared_ptr<board> where, core::node_store& disk)
    : metered(config, where->meters(), "store"), board_(std::move(where)), disk_(disk) {}

store_actor::behavior_type store::make_behavior() {
  return {[this](store_job& job) { take(job); }, [this](tick_message) { flush(); },
          [this](const drop_log& d) { drop(d.log); }};
}

void store::drop(core::log_id log) {
  flush();
  disk_.drop_log(log);
  dropped_.insert(log);
}

void store::take(store_job& job) {
  if (dropped_.contains(job.writes.log)) {
    // What it holds back speaks of records that will never be written. The disk forgets what was
    // filed of them.
    if (job.writes.filed.empty()) return;
    job.held.clear();
    writes_.push_back(std::move(job.writes));
  } else if (!job.writes.writes.empty()) {
    sync_ = sync_ || job.writes.sync;
    writes_.push_back(std::move(job.writes));
    const auto known = std::find_if(tell_.begin(), tell_.end(),
                                    [&](const auto& t) { return t.first == job.tell; });
    if (known == tell_.end())
      tell_.emplace_back(std::move(job.tell), job.group);
    else
      known->second = job.group;
  }
  std::move(job.held.begin(), job.held.end(), std::back_inserter(held_));
  if (flush_due_) return;
  // The message to itself stands behind all jobs that are in the mailbox now: they share the fsync.
  flush_due_ = true;
  send(this, tick_message{});
}

void store::flush() {
  flush_due_ = false;
  if (writes_.empty() && held_.empty()) return;  // done already, for a drop
  // What leaves may speak of anything written before, so unsynced groups are made durable first.
  const bool sync = sync_ || ((unsynced_ || !writes_.empty()) && !held_.empty());
  if (!writes_.empty() || sync) disk_.write(writes_, sync);
  unsynced_ = !sync && (unsynced_ || !writes_.empty());
  writes_.clear();
  sync_ = false;
  board_->send_all(std::move(held_));
  held_.clear();
  for (auto& [acceptor, group] : tell_) send(acceptor, written{group, sync});
  tell_.clear();
}

}  // namespace atlas::actors
