#include "actors/filer.hpp"

#include <utility>

namespace atlas::actors {

filer::filer(caf::actor_config& config, std::shared_ptr<board> where, core::node_store& disk)
    : metered(config, where->meters(), "filer"), board_(std::move(where)), disk_(disk) {}

filer_actor::behavior_type filer::make_behavior() {
  return {[this](store_job& job) { take(job); }, [this](tick_message) { flush(); }};
}

void filer::take(store_job& job) {
  disk_.file_entries(job.writes);
  jobs_.push_back(std::move(job));
  // The message to itself stands behind all jobs that are in the mailbox now: they share the sync.
  if (jobs_.size() == 1) send(this, tick_message{});
}

void filer::flush() {
  disk_.sync_filed();
  std::vector<std::pair<acceptor_actor, std::uint64_t>> tell;
  for (auto& job : jobs_) {
    if (tell.empty() || tell.back().first != job.tell) tell.emplace_back(job.tell, 0);
    ++tell.back().second;
    send(board_->store, std::move(job));
  }
  jobs_.clear();
  // After all of them: what an acceptor sends to the store from then on comes behind.
  for (auto& [acceptor, jobs] : tell) send(acceptor, filed{jobs});
}

}  // namespace atlas::actors
