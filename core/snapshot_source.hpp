// Snapshots as the holder hands them out (consensus.md §7): one frozen view of the disk per
// transfer, read in bounded parts that the follower pulls. Apart from its views it remembers
// nothing: a repeated request gets the same part again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/messages.hpp"
#include "core/ports.hpp"
#include "core/replica_limits.hpp"

namespace atlas::core {

class snapshot_source {
 public:
  snapshot_source(log_id log, const log_store& disk, const replica_limits& limits)
      : log_(log), disk_(&disk), limits_(limits) {}

  /// Answers a request, or leaves it unanswered when too many others are served: the follower asks
  /// again, or somebody else. `truncated` is this replica's truncation point.
  void on_request(process from, const snapshot_request& m, slot truncated, tick now,
                  std::vector<outgoing>& out);
  /// Closes the views of transfers that nobody goes on with.
  void on_tick(tick now);
  /// The lowest slot of a running transfer: its follower will want the log from there on.
  [[nodiscard]] std::optional<slot> oldest() const;
  [[nodiscard]] std::size_t views() const { return views_.size(); }

 private:
  struct view {
    std::uint64_t transfer = 0;
    std::unique_ptr<frozen_log> frozen;
    recovered_log state;
    std::vector<std::string> results;  ///< all live results, in parts
    tick opened;
    tick used;
    bool done = false;  ///< the last part was handed out
  };

  /// False if as many transfers run as may.
  bool make_room();
  [[nodiscard]] view open(std::uint64_t transfer, tick now) const;
  [[nodiscard]] snapshot_chunk part_of(const view& v, const snapshot_request& m) const;

  log_id log_;
  const log_store* disk_;
  replica_limits limits_;
  std::map<process, view> views_;  ///< one per follower; bound: limits_.views_max
};

}  // namespace atlas::core
