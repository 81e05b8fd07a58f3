// How much of the applied log is worth keeping (consensus.md §7): enough that a follower that was
// away for a short time catches up from the log, bounded in slots, bytes and age whoever is away.
// The log is measured in pieces of an eighth, so that truncation comes in few large steps.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "core/ids.hpp"
#include "core/replica_limits.hpp"

namespace atlas::core {

class log_retention {
 public:
  /// Slots (truncated, applied] are on disk already. Their number counts, their age begins anew,
  /// and their size is not known: each piece of them counts as a full one.
  log_retention(const replica_limits& limits, slot truncated, slot applied)
      : slots_(limits.keep_slots), bytes_(limits.keep_bytes), ms_(limits.keep_ms) {
    restart(truncated, applied);
  }

  /// Forgets all pieces: slots (truncated, applied] are what is there.
  void restart(slot truncated, slot applied);
  /// Slot `at` was applied, the next one after the last.
  void note(slot at, std::size_t bytes);
  /// Where to truncate, at `upto` at most; 0 if everything is worth keeping. To be asked every now
  /// and then: slots that came since it was last asked count as applied now, a little late, and
  /// never too early, whatever the time before was.
  [[nodiscard]] slot surplus(slot upto, tick now = {});
  /// The log was truncated at `at`.
  void dropped(slot at);

 private:
  struct piece {
    slot last;
    std::uint64_t slots = 0;
    std::uint64_t bytes = 0;
    std::optional<tick> applied_at = {};  ///< of the last slot
    tick began_at = {};                   ///< or the last time that is known before
  };

  std::uint64_t slots_;
  std::uint64_t bytes_;
  std::uint64_t ms_;
  slot applied_;
  tick now_;  ///< when `surplus` was asked last
  std::uint64_t total_ = 0;
  std::deque<piece> pieces_;
};

}  // namespace atlas::core
