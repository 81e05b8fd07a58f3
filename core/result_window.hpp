// Exactly once (consensus.md §8): per table and origin, the results of its commands that may still
// be repeated. Replicated state: every replica holds the same window after the same slot.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.hpp"
#include "core/entry.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// Results of the commands of a log's tables, per origin node, for its latest boot.
///
/// Window   [floor, floor + 65,536): the origin says with each command below which sequence all its
///          commands are answered; the bound holds against an origin that never does. The floor
///          rises too while the results above it are more than 16 MiB; the last one always stays.
/// Rules    a sequence in the window with a result: the stored result, nothing is executed.
///          Below the window or of an older boot: never executed, `outcome_code::unknown`.
class result_window {
 public:
  static constexpr std::uint64_t sequences_max = 65'536;
  static constexpr std::uint64_t bytes_max = 16 << 20;

  /// The stored or "unknown" outcome of a repeated command; empty if it must be executed now.
  [[nodiscard]] std::optional<outcome> find(table_id table, const command_id& c) const;
  /// Remembers the outcome of a command that was just executed.
  void remember(table_id table, const command_id& c, outcome result);
  /// The table has left, with its results.
  void forget(table_id table);

  /// One line of a persisted record: what `remember` was told.
  static void encode_line(std::string& out, table_id table, const command_id& c,
                          const outcome& result);
  /// Replays a persisted record; false if the bytes are broken.
  bool replay(std::string_view record);
  /// All live results as one record.
  [[nodiscard]] std::string encode_all() const;
  /// The same in records of whole lines that end with the line that passes `bytes`.
  [[nodiscard]] std::vector<std::string> encode_parts(std::size_t bytes) const;
  /// The same of one table.
  [[nodiscard]] std::vector<std::string> encode_parts_of(table_id table, std::size_t bytes) const;
  /// Tables of which something is remembered.
  [[nodiscard]] std::vector<table_id> tables() const;

 private:
  struct origin {
    boot_epoch boot;
    sequence floor{1};
    std::uint64_t bytes = 0;  ///< of data in `results`
    /// results[i] is of sequence floor + i; empty if that one has not been executed.
    std::deque<std::optional<outcome>> results;

    void raise_floor(sequence to);
    void fit_bytes();
  };

  using origins = std::map<std::pair<table_id, node_id>, origin>;
  static void encode(const origins::value_type& one, std::size_t bytes,
                     std::vector<std::string>& parts);

  origins origins_;
};

}  // namespace atlas::core
