// Judges client histories: is there one order of all operations, each placed between its invocation
// and its return, in which every read sees the latest write? Keys are independent registers, so
// each key is judged alone (linearizability is local). Used by the simulator and by tests of real
// clusters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace atlas::linear {

enum class op_kind : std::uint8_t { put = 1, erase = 2, get = 3 };

/// One operation of one client on one key. A key begins absent.
struct operation {
  std::string key;
  op_kind what = op_kind::get;
  /// put: what was written; get: what was read, empty = not found; erase: unused.
  std::optional<std::string> value;
  std::uint64_t invoked = 0;  ///< any unit, one clock for the whole history
  /// Empty: outcome unknown; it may take effect at any time after `invoked`, or never. An operation
  /// that certainly did nothing does not belong into the history at all.
  std::optional<std::uint64_t> returned;
};

struct verdict {
  bool linearizable = true;
  std::string why;  ///< the first read or write that fits nowhere, with its surroundings
};

/// Just-in-time linearization (Lowe, "Testing for linearizability", 2017): walks through the events
/// of a key in time order and keeps every reachable pair of (operations that took effect, value).
/// An operation is placed only when some return forces it, so a point where nothing is in flight
/// leaves very few pairs, and the cost is linear in the length of the history.
///
/// Bounds   at most 64 operations of known outcome in flight per key at a time; more are reported
///          as not linearizable with that reason.
/// Unknown  writes of unknown outcome are placed only directly before a read that needs them: one
///          that nobody reads changes nothing.
/// Cost     O(events x pairs). Reads are placed as soon as they fit, writes that nobody reads as
///          soon as they change nothing; pairs can grow to 2^(read writes in flight) only.
[[nodiscard]] verdict check_linearizable(const std::vector<operation>& history);

}  // namespace atlas::linear
