// Puts large entries on the disk ahead of the store (detached), so that what others write does not
// wait for their bytes, and the store's fsync runs beside the next ones. Drains its mailbox into
// one sync of the files, then hands everything on, in order.
#pragma once

#include <vector>

#include "actors/board.hpp"

namespace atlas::actors {

class filer : public metered<filer_actor::base> {
 public:
  filer(caf::actor_config& config, std::shared_ptr<board> where, core::node_store& disk);
  behavior_type make_behavior() override;

 private:
  void take(store_job& job);
  void flush();

  std::shared_ptr<board> board_;
  core::node_store& disk_;
  /// Filed, not synced. Bound: as the store's.
  std::vector<store_job> jobs_;
};

}  // namespace atlas::actors
