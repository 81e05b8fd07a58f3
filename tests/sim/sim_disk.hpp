// A node's disk: what was written is visible at once, what was synced survives a crash, and of the
// rest a crash keeps any prefix of whole groups (the store's write-ahead log is one file, and a
// torn last group is dropped by its checksum).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.hpp"
#include "core/rng.hpp"

namespace atlas::sim {

/// One log's records, as after some prefix of all writes.
struct log_image {
  core::ballot promised;
  core::ballot handed_on;
  core::slot applied;
  core::stamp last_stamp;
  std::uint64_t applied_hash = 0;
  core::slot configuration_at;
  std::string configuration;
  std::map<core::slot, core::accepted_entry> entries;
  std::map<std::string, core::blob, std::less<>> rows;
  std::map<core::slot, core::blob> results;
  std::map<core::slot, core::blob> history;
  core::slot truncated;
  core::slot installed;  ///< of the last snapshot put in place
  std::map<std::string, core::blob, std::less<>> staged;

  /// Throws `sim_failure` on a record that no store may be given (a promise that falls).
  void apply(const core::record_write& w);
  void check_origin(const core::record_write& w);
  std::map<core::slot, std::string> origins;  ///< slot -> the row that shares its entry
};

class sim_disk {
 public:
  /// Applies the groups to what is visible; with `sync` everything written so far becomes durable.
  void write(std::vector<core::log_writes>& groups, bool sync);
  /// Forgets what the medium did not get: keeps a random prefix of what was never synced.
  void crash(core::rng& random);
  [[nodiscard]] bool dirty() const { return !unsynced_.empty(); }

  [[nodiscard]] const log_image& visible(core::log_id log) const { return at(visible_, log); }
  [[nodiscard]] const log_image& durable(core::log_id log) const { return at(durable_, log); }

 private:
  using images = std::map<core::log_id, log_image>;
  [[nodiscard]] static const log_image& at(const images& all, core::log_id log);

  images visible_;
  images durable_;
  std::vector<std::pair<core::log_id, std::vector<core::record_write>>> unsynced_;
};

/// The read side that core sees.
class sim_log_store final : public core::log_store {
 public:
  sim_log_store(const sim_disk& disk, core::log_id log) : disk_(disk), log_(log) {}

  [[nodiscard]] std::optional<std::string> get(std::string_view row) const override;
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit)
      const override;
  [[nodiscard]] std::vector<core::accepted_entry> entries(core::slot first, core::slot end,
                                                          std::size_t bytes_max) const override;
  [[nodiscard]] core::recovered_log recover() const override;
  [[nodiscard]] std::unique_ptr<core::frozen_log> freeze() const override;

 private:
  const sim_disk& disk_;
  core::log_id log_;
};

}  // namespace atlas::sim
