// A snapshot on its way in (consensus.md §7): pulls part after part from one holder, sends rows to
// the staging place on disk, and keeps what is small until all has arrived. It changes nothing of
// the replica: that is done by one atomic group at the end, so a transfer that breaks off at any
// point leaves the old state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/messages.hpp"
#include "core/ports.hpp"
#include "core/result_window.hpp"

namespace atlas::core {

class snapshot_intake {
 public:
  enum class step : std::uint8_t {
    ignored,   ///< not the part that was asked for
    more,      ///< taken; ask for the next one
    complete,  ///< taken; install
    useless,   ///< broken, or of a slot that is applied here already: the transfer is over
  };

  [[nodiscard]] bool running() const { return running_; }
  [[nodiscard]] node_id source() const { return source_; }
  /// Number of the last transfer that was begun.
  [[nodiscard]] std::uint64_t transfer() const { return transfer_; }

  void begin(node_id source, tick now);
  void stop() { running_ = false; }
  /// Takes a part that arrived; appends its rows to `writes`. `applied` is what is held here.
  step take(process from, const snapshot_chunk& m, slot applied, tick now,
            std::vector<record_write>& writes);
  /// What to ask for now.
  [[nodiscard]] snapshot_request next(log_id log) const { return {log, transfer_, part_, after_}; }
  /// Gives the request that got no answer once more; stops after too many of them.
  [[nodiscard]] std::optional<snapshot_request> on_tick(log_id log, tick now);
  /// Appends what puts a complete snapshot in place, as one group, and ends the transfer. Gives its
  /// slot.
  slot install(std::vector<record_write>& writes);

 private:
  bool running_ = false;
  node_id source_;
  std::uint64_t transfer_ = 0;
  std::uint64_t part_ = 0;
  std::string after_;    ///< the last row that arrived
  snapshot_chunk head_;  ///< the first part, without its rows: the same in all parts
  result_window results_;
  tick asked_at_;
  unsigned unanswered_ = 0;  ///< in a row
};

}  // namespace atlas::core
