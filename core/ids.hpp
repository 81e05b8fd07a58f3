// Identities and positions as types of their own, so that a node can never be passed where a slot
// is meant. All are unsigned 64-bit numbers; zero always means "none".
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace atlas::core {

/// A number that can only be compared and copied.
template <class Tag>
struct id {
  std::uint64_t value = 0;

  friend auto operator<=>(const id&, const id&) = default;
  explicit operator bool() const { return value != 0; }
};

/// A position or counter: an id that can move forward and be subtracted.
template <class Tag>
struct position {
  std::uint64_t value = 0;

  friend auto operator<=>(const position&, const position&) = default;
  explicit operator bool() const { return value != 0; }

  position& operator++() {
    ++value;
    return *this;
  }
  friend position operator+(position p, std::uint64_t n) { return {p.value + n}; }
  friend position operator-(position p, std::uint64_t n) { return {p.value - n}; }
  friend std::uint64_t operator-(position a, position b) { return a.value - b.value; }
};

/// One `atlas-node` with one disk; never reused.
using node_id = id<struct node_tag>;
/// One ordered log with one owner; never reused.
using log_id = id<struct log_tag>;
/// A table for life, whichever log orders it: the number of the log it was created with.
using table_id = id<struct table_tag>;
/// Rises with each start of a node.
using boot_epoch = id<struct boot_tag>;
/// Number of a log's configuration, from 1.
using config_epoch = position<struct config_tag>;
/// Position in a log, from 1.
using slot = position<struct slot_tag>;
/// Number of a client command from one origin to one table, from 1.
using sequence = position<struct sequence_tag>;
/// How often a ballot was handed from owner to owner, from 0.
using generation = position<struct generation_tag>;

/// Milliseconds on the caller's monotonic clock; core never reads one itself.
struct tick {
  std::uint64_t ms = 0;
  friend auto operator<=>(const tick&, const tick&) = default;
  friend tick operator+(tick t, std::uint64_t later_ms) { return {t.ms + later_ms}; }
};

/// Microseconds since the Unix epoch, as the owner stamped a batch (consensus.md §10); 0 = none.
struct stamp {
  std::uint64_t us = 0;
  friend auto operator<=>(const stamp&, const stamp&) = default;
};

/// One start of one node: what a peer must have spoken to for its answers to count.
struct process {
  node_id node;
  boot_epoch boot;
  friend auto operator<=>(const process&, const process&) = default;
  explicit operator bool() const { return static_cast<bool>(node); }
};

/// The table that a log without history holds.
constexpr table_id home_table(log_id log) {
  return {log.value};
}
/// In place of a table: what is said to the log itself, about tables that come and go.
inline constexpr table_id log_itself{~std::uint64_t{0}};

}  // namespace atlas::core

template <class Tag>
struct std::hash<atlas::core::id<Tag>> {
  std::size_t operator()(atlas::core::id<Tag> x) const noexcept {
    return std::hash<std::uint64_t>{}(x.value);
  }
};
template <class Tag>
struct std::hash<atlas::core::position<Tag>> {
  std::size_t operator()(atlas::core::position<Tag> x) const noexcept {
    return std::hash<std::uint64_t>{}(x.value);
  }
};
