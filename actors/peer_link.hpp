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
[[nodiscard]] std::size_t wire_bytes(const forward& m);
[[nodiscard]] std::size_t wire_bytes(const answers& m);
template <class M>
[[nodiscard]] std::size_t wire_bytes(const M&) {
  return 64;
}

[[nodiscard]] std::uint64_t monotonic_us();

class peer_link {
 public:
  /// Unacknowledged bytes above which messages are dropped: a stopped receiver must not eat this
  /// node's memory (CAF's own queues have no bound).
  static constexpr std::uint64_t window_bytes = 16u << 20;
  /// Silence after which a node counts as missed.
  static constexpr std::uint64_t miss_after_us = 1'500'000;

  peer_link(core::process self, core::node_id node, net::delay_line* delay,
            std::chrono::microseconds one_way)
      : self_(self), node_(node), delay_(delay), one_way_(one_way) {}

  template <class M>
  bool send(M message) {
    const std::size_t bytes = wire_bytes(message);
    const std::lock_guard lock(mutex_);
    if (!handle_) return false;
    if (sent_bytes_ + bytes > received_bytes_ + window_bytes) {
      ++dropped_;
      return false;
    }
    sent_bytes_ += bytes;
    const wire_header header{self_, peer_, ++sequence_};
    if (delay_ && one_way_.count() > 0) {
      delay_->run_after(node_.value, one_way_,
                        [to = handle_, header, m = std::move(message)]() mutable {
                          caf::anon_send(to, header, std::move(m));
                        });
    } else {
      caf::anon_send(handle_, header, std::move(message));
    }
    return true;
  }

  void connect(peer_actor handle, core::process peer);
  void disconnect();
  /// True if `header` comes from the process that this link is connected to, for this boot of ours.
  bool accepts(const wire_header& header);
  void on_credit(std::uint64_t received_bytes);
  /// Counts what came in; returns the total to acknowledge, or 0 if that can wait.
  std::uint64_t on_received(std::size_t bytes);
  void on_round_trip(std::uint64_t us);

  [[nodiscard]] core::node_id node() const { return node_; }
  /// The process at the other end; node 0 while there is none.
  [[nodiscard]] core::process peer() const;
  [[nodiscard]] bool heard_lately() const;
  [[nodiscard]] bool hears(core::process p) const { return peer() == p && heard_lately(); }
  /// Smoothed; 0 before the first answer.
  [[nodiscard]] std::uint64_t round_trip_us() const { return round_trip_us_.load(); }

 private:
  const core::process self_;
  const core::node_id node_;
  net::delay_line* const delay_;
  const std::chrono::microseconds one_way_;
  std::atomic<std::uint64_t> heard_at_us_{0};
  std::atomic<std::uint64_t> round_trip_us_{0};
  mutable std::mutex mutex_;  // guards everything below
  peer_actor handle_;
  core::process peer_;
  std::uint64_t sequence_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;  ///< acknowledged by the other side
  std::uint64_t arrived_bytes_ = 0;   ///< from the other side
  std::uint64_t receipted_bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace atlas::actors
