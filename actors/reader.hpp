// Walks long tables for listings (detached), so that neither the table nor other reads wait for
// them. Each walk has its turn for a few thousand rows; short ones are not held up by long ones.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <tuple>

#include "actors/board.hpp"

namespace atlas::actors {

class reader : public metered<reader_actor::base> {
 public:
  reader(caf::actor_config& config, std::shared_ptr<board> where);
  behavior_type make_behavior() override;

 private:
  /// Who repeats a request while its walk goes on gets one answer.
  using name = std::tuple<core::process, core::log_id, core::table_id, core::sequence>;
  [[nodiscard]] static name name_of(const listing_job& job) {
    return {job.from, job.log, job.table, job.ticket};
  }
  void take(listing_job& job);
  void look(const watch_job& job);
  void step();
  void answer(const listing_job& job, core::outcome&& result);

  std::shared_ptr<board> board_;
  std::deque<listing_job> jobs_;  ///< the next to have its turn first
  std::size_t held_bytes_ = 0;    ///< of the results that they have so far
  std::set<name> running_;
};

}  // namespace atlas::actors
