// One connection of the load generator: its requests in flight, and the bytes on the way out and
// in. Non-blocking; which key comes next and what a result means is the worker's business.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_answer.hpp"
#include "cli/bench_wire.hpp"
#include "cli/client_socket.hpp"

namespace atlas::cli {

/// A request in flight.
struct bench_slot {
  std::uint64_t started_ns = 0;  ///< taken before the send; 0 = the slot is free
  std::uint32_t attempts = 0;    ///< while populating: how often this key was refused
  bench_request request;
  bench_answer answer;
  std::uint64_t bytes = 0;  ///< of blobs, sent or received
};

/// Owns a connected, greeted socket and switches it to non-blocking.
class bench_client {
 public:
  bench_client(unique_fd fd, std::size_t target, const bench_wire& wire, std::uint32_t pipeline);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool open() const { return fd_.get() >= 0; }
  [[nodiscard]] std::size_t target() const { return target_; }
  [[nodiscard]] std::vector<bench_slot>& slots() { return slots_; }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
  [[nodiscard]] bool has_output() const { return sent_ < out_.size(); }

  /// Whether the event loop was asked to wake this client when it may send. Kept by the loop.
  bool waits_to_send = false;

  /// Encodes a request into slot `slot`, which must be free. Nothing is sent before flush().
  void issue(std::uint32_t slot, const bench_slot& request);

  /// Sends what it can. False when the connection is gone; `why` then says how.
  bool flush(std::string& why);

  /// Receives once. False when the connection is gone; `why` then says how.
  bool receive(std::string& why);

  /// The next whole reply in the buffer with its slot: `success` or `error`. `incomplete` when
  /// there is none, `broken` when the bytes answer nothing that was asked. The caller then calls
  /// release(). `text` is valid until the next call or receive().
  bench_reply next_reply();

  /// Frees the slot of a reply. Returns what was in it.
  bench_slot release(std::uint32_t slot);

  void close() { fd_.reset(); }

 private:
  bool skip_body();
  bool locate(bench_reply& reply) const;

  unique_fd fd_;
  std::size_t target_;
  const bench_wire& wire_;
  std::vector<bench_slot> slots_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t oldest_ = 0;  // without tags: the slot that the next reply answers
  std::string out_;
  std::size_t sent_ = 0;  // bytes of out_ that the kernel took
  std::vector<char> in_;
  std::size_t first_ = 0;  // unread bytes are in_[first_, end_)
  std::size_t end_ = 0;
  // The body behind the last frame, dropped as it comes: of a blob, and of a listing.
  std::uint64_t body_bytes_ = 0;
  std::uint64_t body_lines_ = 0;
  std::uint32_t listing_ = 0;  // the slot of the last listing: its MORE has no tag
  std::string refusal_;        // the first error of a transaction that has not ended
  std::string told_;           // the same when it has
};

}  // namespace atlas::cli
