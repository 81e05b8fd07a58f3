// The newest rows of a table, over the disk: rows that are applied but not yet written by the
// store, and, in what room is left, rows that were written lately, because hot rows are read again
// and again by the commands that change them.
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
  /// Bytes of written rows that are kept; applied ones that are not written come on top.
  static constexpr std::size_t kept_bytes_max = 4u << 20;

  explicit row_overlay(const log_store& disk) : disk_(&disk) {}

  /// Encoded row record, newest first; empty if the row does not exist.
  [[nodiscard]] std::optional<std::string> get(const std::string& row) const;
  /// All rows with `prefix` in byte order, as encoded records.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> scan(
      const std::string& prefix) const;

  /// Row := `value` (null = erased); in no write group yet.
  void set(const std::string& row, blob value);
  /// Rows that are in no write group yet.
  [[nodiscard]] std::size_t unsaved() const { return unsaved_.size(); }
  /// Puts them into write group `group`: appends one record per row, in row order, which is the
  /// order that a sorted store takes cheapest.
  void save(std::uint64_t group, std::vector<record_write>& writes);
  /// The store has written every group up to `group`: the disk knows these rows now.
  void written(std::uint64_t group);

 private:
  enum class layer_state : std::uint8_t { unsaved, saved, kept };
  struct layer {
    blob value;
    std::uint64_t group = 0;  ///< of the last save
    layer_state state = layer_state::unsaved;
    bool listed = false;  ///< its row stands in `kept_`
  };
  using layer_map = std::unordered_map<std::string, layer>;

  void keep(layer_map::iterator row);
  [[nodiscard]] static std::size_t size_of(const layer_map::value_type& row);

  const log_store* disk_;
  layer_map rows_;
  std::vector<layer_map::value_type*> unsaved_;              ///< nodes of `rows_`; these never move
  std::deque<std::pair<std::uint64_t, std::string>> saved_;  ///< (group, row), oldest first
  std::deque<std::string> kept_;  ///< oldest first; also rows that changed since
  std::size_t kept_bytes_ = 0;
};

}  // namespace atlas::core
