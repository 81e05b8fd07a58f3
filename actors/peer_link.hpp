// The way to one other node: a typed remote handle, the identity it proved, a credit window and the
// emulated distance. Any thread may send; the `peer` actor keeps it connected. Nothing here
// retries: a message that can not leave is dropped, and the protocol sends it again when it
// matters.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "actors/wire.hpp"
#include "net/delay_line.hpp"

namespace atlas::actors {

/// Approximate bytes of a message on the wire, for the credit window.
[[nodiscard]] std::size_t wire_bytes(const core::accept& m);
[[nodiscard]] std::size_t wire_bytes(const core::chosen& m);
[[nodiscard]] std::size_t wire_bytes(const core::promise& m);
[[nodiscard]] std::size_t wire_bytes(const core::snapshot_chunk& m);
[[nodiscard]] std::size_t wire_bytes(const forward& m);
[[nodiscard]] std::size_t wire_bytes(const answers& m);
/// What keeps the window open and the node heard costs no credit: a full window must not silence
/// it.
[[nodiscard]] constexpr std::size_t wire_bytes(const ping&) {
  return 0;
}
[[nodiscard]] constexpr std::size_t wire_bytes(const pong&) {
  return 0;
}
[[nodiscard]] constexpr std::size_t wire_bytes(const credit&) {
  return 0;
}
template <class M>
[[nodiscard]] std::size_t wire_bytes(const M&) {
  return 64;
}

/// Lists that can be split are sent in messages of about this size.
inline constexpr std::size_t parcel_bytes_max = 768 << 10;

[[nodiscard]] std::uint64_t monotonic_us();

class peer_link {
 public:
  /// Unacknowledged bytes above which messages are dropped: a stopped receiver must not eat this
  /// node's memory (CAF's own queues have no bound). One message of any size may pass when nearly
  /// nothing else is on its way, or it could never leave.
  static constexpr std::uint64_t window_bytes = 16u << 20;
  /// The receiver acknowledges at least this often.
  static constexpr std::uint64_t receipt_every_bytes = 1u << 20;
  /// Silence after which a node counts as missed.
  static constexpr std::uint64_t miss_after_us = 1'500'000;

  peer_link(core::process self, core::node_id node, net::delay_line* delay,
            std::chrono::microseconds one_way)
      : self_(self), node_(node), delay_(delay), one_way_(one_way) {}

  /// False if the message was dropped: no connection, or no room in the window.
  template <class M>
  bool send(M message) {
    const std::lock_guard lock(mutex_);
    return send_locked(std::move(message));
  }
  /// Only if `receiver` is the process at the other end now: what is meant for one boot must never
  /// reach the next.
  template <class M>
  bool send_to(core::process receiver, M message) {
    const std::lock_guard lock(mutex_);
    return peer_ == receiver && send_locked(std::move(message));
  }

  void connect(peer_actor handle, core::process peer);
  void disconnect();
  /// True if `header` comes from the process that this link is connected to, for this boot of ours.
  bool accepts(const wire_header& header);
  void on_receipt(std::uint64_t received_position);
  /// The position to acknowledge, or 0 if that can wait.
  std::uint64_t due_receipt();
  /// The highest position that has arrived.
  [[nodiscard]] std::uint64_t arrived() const;
  void on_round_trip(std::uint64_t us);

  [[nodiscard]] core::node_id node() const { return node_; }
  /// The process at the other end; node 0 while there is none.
  [[nodiscard]] core::process peer() const;
  /// The other side's answer to a ping has come.
  void on_answered() { answered_at_us_.store(monotonic_us(), std::memory_order_relaxed); }
  [[nodiscard]] bool answered_lately() const;
  /// A ping says that this side is heard there.
  void on_heard_there() { heard_there_at_us_.store(monotonic_us(), std::memory_order_relaxed); }
  /// In both directions: who does not hear this node is of no use to it.
  [[nodiscard]] bool heard_lately() const;
  [[nodiscard]] bool hears(core::process p) const { return peer() == p && heard_lately(); }
  /// Smoothed; 0 before the first answer.
  [[nodiscard]] std::uint64_t round_trip_us() const { return round_trip_us_.load(); }

 private:
  template <class M>
  bool send_locked(M&& message) {
    const std::uint64_t bytes = wire_bytes(message);
    if (!handle_) return false;
    const std::uint64_t outstanding = sent_position_ - received_position_;
    if (outstanding + bytes > window_bytes && bytes > 0 && outstanding > receipt_every_bytes)
      return false;
    sent_position_ += bytes;
    const wire_header header{self_, peer_, ++sequence_, sent_position_};
    if (delay_ && one_way_.count() > 0) {
      delay_->run_after(node_.value, one_way_,
                        [to = handle_, header, m = std::forward<M>(message)]() mutable {
                          caf::anon_send(to, header, std::move(m));
                        });
    } else {
      caf::anon_send(handle_, header, std::forward<M>(message));
    }
    return true;
  }

  const core::process self_;
  const core::node_id node_;
  net::delay_line* const delay_;
  const std::chrono::microseconds one_way_;
  std::atomic<std::uint64_t> heard_at_us_{0};
  std::atomic<std::uint64_t> answered_at_us_{0};
  std::atomic<std::uint64_t> heard_there_at_us_{0};
  std::atomic<std::uint64_t> round_trip_us_{0};
  mutable std::mutex mutex_;  // guards everything below
  peer_actor handle_;
  core::process peer_;
  std::uint64_t sequence_ = 0;
  std::uint64_t sent_position_ = 0;
  std::uint64_t received_position_ = 0;   ///< acknowledged by the other side, or lost for good
  std::uint64_t arrived_position_ = 0;    ///< from the other side
  std::uint64_t receipted_position_ = 0;  ///< told to the other side
};

}  // namespace atlas::actors
