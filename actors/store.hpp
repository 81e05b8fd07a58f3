// The only one who writes records to the disk (detached): drains its mailbox into one batch, one
// fsync, then lets everything leave that waited for it, in order (architecture.md, rule 1).
#pragma once

#include <set>

#include "actors/board.hpp"

namespace atlas::actors {

class store : public metered<store_actor::base> {
 public:
  store(caf::actor_config& config, std::shared_ptr<board> where, core::node_store& disk);
  behavior_type make_behavior() override;

 private:
  void take(store_job& job);
  void flush();
  void drop(core::log_id log);

  std::shared_ptr<board> board_;
  core::node_store& disk_;
  // One group: all jobs that were in the mailbox when the first of them was taken. Bound: what
  // acceptors can produce, which the owners' windows limit.
  std::vector<core::log_writes> writes_;
  std::vector<core::outgoing> held_;
  std::vector<std::pair<acceptor_actor, std::uint64_t>> tell_;
  std::set<core::log_id> dropped_;
  bool sync_ = false;
  bool unsynced_ = false;   ///< earlier groups were written without an fsync
  bool flush_due_ = false;  ///< a message to flush stands in the mailbox
};

}  // namespace atlas::actors
