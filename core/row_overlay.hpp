// The newest rows of a table, over the disk: rows that are applied but not yet written by the
// store, and, in what room is left, rows that were written lately, because hot rows are read again
// and again by the commands that change them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/entry.hpp"
#include "core/ports.hpp"

namespace atlas::core {

/// The rows of a log as of one moment, whatever is applied later; on any thread, one at a time.
class row_view {
 public:
  /// `fresh`: rows that the disk does not show yet, null: erased.
  row_view(std::unique_ptr<frozen_log> disk, std::map<std::string, blob> fresh)
      : disk_(std::move(disk)), fresh_(std::move(fresh)) {}
  /// As `row_overlay::scan`.
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit) const;

 private:
  std::unique_ptr<frozen_log> disk_;
  std::map<std::string, blob> fresh_;
};

/// Where the end of a row's value came from: bytes of the entry of slot `at`; 0: from nowhere.
struct row_origin {
  slot at;
  std::size_t from = 0;
  std::size_t size = 0;
};

class row_overlay {
 public:
  /// Bytes of written rows that are kept; applied ones that are not written come on top.
  static constexpr std::size_t kept_bytes_max = 4u << 20;
  /// Larger rows are not kept: they would push out what is changed again and again.
  static constexpr std::size_t kept_row_max = 128u << 10;

  explicit row_overlay(const log_store& disk) : disk_(&disk) {}

  /// Encoded row record as of now; null if the row does not exist.
  [[nodiscard]] blob get(std::string_view row) const;
  /// All rows with `prefix`, from row `from` on, in byte order with their encoded records, until
  /// `visit` says false.
  void scan(const std::string& prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit) const;
  /// The rows with `prefix`, from row `from` on, as they are now.
  [[nodiscard]] row_view freeze(std::string_view prefix, std::string_view from) const;

  /// Row := `next(record of the row so far, or null)`; in no write group yet. The row stays as it
  /// is if `next` returns nothing.
  template <class Next>
  void update(std::string_view row, const Next& next) {
    const auto at = find_or_load(row);
    if (std::optional<blob> changed = next(at->second.value))
      replace(at, *std::move(changed), {});
    else if (at->second.state == layer_state::fresh)
      rows_.erase(at);
  }
  /// Row := `value`, whatever it was.
  void put(std::string_view row, blob value, const row_origin& origin) {
    replace(find_or_add(row), std::move(value), origin);
  }
  void erase(std::string_view row) { replace(find_or_add(row), nullptr, {}); }
  /// Rows that are in no write group yet.
  [[nodiscard]] std::size_t unsaved() const { return unsaved_.size(); }
  /// Bytes that were put since the last save.
  [[nodiscard]] std::size_t unsaved_bytes() const { return unsaved_bytes_; }
  /// Puts them into write group `group`: appends one record per row, in row order, which is the
  /// order that a sorted store takes cheapest.
  void save(std::uint64_t group, std::vector<record_write>& writes);
  /// The store has written every group up to `group`: the disk knows these rows now.
  void written(std::uint64_t group);

 private:
  enum class layer_state : std::uint8_t { fresh, unsaved, saved, kept };
  struct layer {
    blob value;
    row_origin origin;
    std::uint64_t group = 0;  ///< of the last save
    layer_state state = layer_state::fresh;
    bool listed = false;  ///< stands in `kept_`
  };
  struct row_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };
  using layer_map = std::unordered_map<std::string, layer, row_hash, std::equal_to<>>;

  /// The row's layer; a new one has no value and is in no list yet.
  layer_map::iterator find_or_add(std::string_view row);
  /// As above, with the disk's value in a new one.
  layer_map::iterator find_or_load(std::string_view row);
  void replace(layer_map::iterator row, blob value, const row_origin& origin);
  void keep(layer_map::value_type& row);
  [[nodiscard]] static std::size_t size_of(const layer_map::value_type& row);

  const log_store* disk_;
  layer_map rows_;
  // The lists point to nodes of `rows_`, which never move. A node in `unsaved_` or `saved_` is not
  // `kept`, and only kept ones are dropped, so no list is left with a dead one.
  std::vector<layer_map::value_type*> unsaved_;
  std::deque<std::pair<std::uint64_t, layer_map::value_type*>>
      saved_;                                ///< (group, row), oldest first
  std::deque<layer_map::value_type*> kept_;  ///< oldest first; also rows that changed since
  std::size_t kept_bytes_ = 0;
  std::size_t unsaved_bytes_ = 0;
};

}  // namespace atlas::core
