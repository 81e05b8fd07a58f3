// One other node: keeps the link to it connected (dial, hello, monitor, back-off), measures the
// round trip, and hands on what arrives from it. Inbound messages of a process that did not
// introduce itself, or that are for another boot of this node, are dropped here.
#pragma once

#include "actors/board.hpp"
#include "actors/border.hpp"

namespace atlas::actors {

/// What this node says of itself when it connects.
struct introduction {
  std::string cluster_id;
  std::string node_uuid;
  std::string disk_uuid;
  std::uint64_t start_nonce = 0;
};

class peer : public metered<peer_actor::extend<caf::reacts_to<tick_message>>::base> {
 public:
  using base_type = metered<peer_actor::extend<caf::reacts_to<tick_message>>::base>;
  using handle = peer_actor::extend<caf::reacts_to<tick_message>>;

  peer(caf::actor_config& config, std::shared_ptr<board> where, std::shared_ptr<peer_link> link,
       core::node_record node, introduction me);
  handle::behavior_type make_behavior() override;

 private:
  template <class M>
  auto handler() {
    return [this](const wire_header& h, M& m) {
      if (arrived(h, m)) board_->deliver(h.from, std::move(m));
    };
  }
  /// True if the message is from the process this link is connected to, and makes sense.
  template <class M>
  bool arrived(const wire_header& h, const M& m) {
    if (!arrived(h)) return false;
    if (well_formed(h.from, m)) return true;
    complain();
    return false;
  }
  bool arrived(const wire_header& h);
  void complain();
  void on_forward(const wire_header& h, forward& f);
  void on_tick();
  void ping_now();
  void dial();
  void greet(const door_actor& door);
  void connected(const welcome& w, peer_actor to);
  void failed(const std::string& why);
  void lost();

  std::shared_ptr<board> board_;
  std::shared_ptr<peer_link> link_;
  core::node_record node_;
  introduction me_;
  enum class stage { idle, dialling, connected } stage_ = stage::idle;
  caf::strong_actor_ptr remote_;
  core::process heard_;  ///< the last process that sent anything, introduced or not
  std::uint64_t next_dial_us_ = 0;
  std::uint64_t back_off_us_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace atlas::actors
