// Rows that are applied but not yet written by the store: the newest state of a table is this layer
// over the disk. Bounded by what the store has in its queue.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/entry.hpp"
#include "core/ports.hpp"

namespace atlas::core {

class row_overlay {
 public:
  explicit row_overlay(const log_store& disk) : disk_(&disk) {}

  /// Encoded row record, newest first; empty if the row does not exist.
  [[nodiscard]] std::optional<std::string> get(const std::string& row) const;
  /// All rows with `prefix` in byte order, as encoded records.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> scan(
      const std::string& prefix) const;

  /// Row := `value` (null = erased) as of write group `group`.
  void set(const std::string& row, blob value, std::uint64_t group);
  /// The store has written every group up to `group`: the disk knows these rows now.
  void written(std::uint64_t group);

 private:
  struct layer {
    blob value;
    std::uint64_t group = 0;
  };
  const log_store* disk_;
  std::unordered_map<std::string, layer> rows_;
  std::deque<std::pair<std::uint64_t, std::string>> order_;  ///< (group, row), oldest first
};

}  // namespace atlas::core
