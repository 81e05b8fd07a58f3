#include "actors/peer_link.hpp"

#include <algorithm>

namespace atlas::actors {
std::size_t wire_bytes(const core::accept& m) {
  std::size_t bytes = 128;
  for (const auto& e : m.entries) bytes += e.size() + 8;
  return bytes;
}

std::size_t wire_bytes(const core::chosen& m) {
  std::size_t bytes = 64;
  for (const auto& e : m.entries) bytes += e.size() + 8;
  return bytes;
}

std::size_t wire_bytes(const core::promise& m) {
  std::size_t bytes = 96;
  for (const auto& e : m.entries) bytes += e.value.size() + 32;
  return bytes;
}

std::size_t wire_bytes(const core::snapshot_chunk& m) {
  std::size_t bytes = 128 + m.results.size();
  for (const auto& [row, value] : m.rows) bytes += row.size() + value.size() + 16;
  return bytes;
}

std::size_t wire_bytes(const forward& m) {
  std::size_t bytes = 64;
  for (const auto& c : m.commands) bytes += 64 + c.row.size() + c.value.size();
  for (const auto& r : m.reads) bytes += 48 + r.row.size();
  return bytes;
}

std::size_t wire_bytes(const answers& m) {
  std::size_t bytes = 64;
  for (const auto& a : m.list) bytes += 24 + a.result.data.size();
  return bytes;
}

namespace {

bool is_recent(const std::atomic<std::uint64_t>& at_us) {
  const auto at = at_us.load(std::memory_order_relaxed);
  return at != 0 && monotonic_us() < at + peer_link::miss_after_us;
}

}  // namespace

std::uint64_t monotonic_us() {
  // Goes on while the machine sleeps: leases run out meanwhile (consensus.md §5).
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

void peer_link::connect(peer_actor handle, core::process peer) {
  const std::lock_guard lock(mutex_);
  handle_ = std::move(handle);
  if (peer_ != peer) arrived_position_ = receipted_position_ = 0;
  peer_ = peer;
  // What was under way on an earlier connection has arrived or never will.
  received_position_ = sent_position_;
}

void peer_link::disconnect() {
  const std::lock_guard lock(mutex_);
  handle_ = nullptr;
  heard_at_us_ = answered_at_us_ = heard_there_at_us_ = 0;
}

bool peer_link::accepts(const wire_header& header) {
  const std::lock_guard lock(mutex_);
  if (header.from != peer_ || header.to != self_) return false;
  arrived_position_ = std::max(arrived_position_, header.position);
  heard_at_us_.store(monotonic_us(), std::memory_order_relaxed);
  return true;
}

void peer_link::on_receipt(std::uint64_t received_position) {
  const std::lock_guard lock(mutex_);
  if (received_position > received_position_ && received_position <= sent_position_)
    received_position_ = received_position;
}

std::uint64_t peer_link::due_receipt() {
  const std::lock_guard lock(mutex_);
  if (arrived_position_ < receipted_position_ + receipt_every_bytes) return 0;
  receipted_position_ = arrived_position_;
  return arrived_position_;
}

std::uint64_t peer_link::arrived() const {
  const std::lock_guard lock(mutex_);
  return arrived_position_;
}

void peer_link::on_round_trip(std::uint64_t us) {
  const auto before = round_trip_us_.load(std::memory_order_relaxed);
  round_trip_us_.store(before == 0 ? us : (before * 7 + us) / 8, std::memory_order_relaxed);
}

core::process peer_link::peer() const {
  const std::lock_guard lock(mutex_);
  return peer_;
}

bool peer_link::heard_lately() const {
  return is_recent(heard_at_us_) && is_recent(heard_there_at_us_);
}

bool peer_link::answered_lately() const {
  return is_recent(answered_at_us_);
}

}  // namespace atlas::actors
