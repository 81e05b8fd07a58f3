// Names of the parts of large values (detached): a fraction of a millisecond for each, which
// neither the thread of the clients nor that of a table should spend. All uploads of the node pass
// here, so here they are slowed down while anybody writes something small.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "actors/board.hpp"

namespace atlas::actors {

class hasher : public metered<hasher_actor::base> {
 public:
  hasher(caf::actor_config& config, std::shared_ptr<board> where);
  behavior_type make_behavior() override;

 private:
  struct hashed_part {
    std::uint64_t ticket = 0;
    bool is_up = false;  ///< a part of an upload
    std::string name;
    std::shared_ptr<std::string> bytes;
  };

  void hash(hash_job& job);
  void give(hashed_part&& part);
  void hand_on(hashed_part&& part);
  void on_turn();
  void wait_for_turn(std::uint64_t now_us);

  std::shared_ptr<board> board_;
  /// Of each upload under way: where its next part stands.
  std::map<std::uint64_t, core::chunk_place> uploads_;
  std::deque<hashed_part> paced_;  ///< that wait for their turn. Bound: the sessions' parts
  std::uint64_t next_us_ = 0;      ///< no part goes on before, unless nothing small is written
};

}  // namespace atlas::actors
