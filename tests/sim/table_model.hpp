// What a chosen log makes of an empty table, slot by slot, the naive way: rows with versions and
// which request was executed where. core/'s state machine must agree with it after every slot.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/entry.hpp"
#include "core/history.hpp"
#include "core/table_move.hpp"

namespace atlas::sim {

struct model_row {
  std::string value;
  std::uint64_t version = 0;
  std::uint64_t expires = 0;     ///< log time in us, 0: never
  std::uint64_t write_once = 0;  ///< until then
  bool chunked = false;          ///< the value is a manifest
  [[nodiscard]] std::uint64_t due() const { return expires ? std::max(expires, write_once) : 0; }
  friend bool operator==(const model_row&, const model_row&) = default;
};
using model_rows = std::map<std::string, model_row, std::less<>>;

/// What is true of tables whichever log they are in: the history of a table is one sequence over
/// all of them.
struct table_ledger {
  struct origin {
    core::boot_epoch boot;
    core::sequence floor;
    std::set<core::sequence> done;
  };
  /// Per table, and per log for what is said to the log itself.
  std::map<std::tuple<core::table_id, core::log_id, core::node_id>, origin> origins;
  std::set<std::string> executed;  ///< principals of all commands; each is used once
  /// Rows of a table when it was sealed at that count, and the log that it went to.
  std::map<std::pair<core::table_id, std::uint64_t>, std::pair<core::log_id, model_rows>> sealed;
  /// Position of a table when it was sealed at that count.
  std::map<std::pair<core::table_id, std::uint64_t>, std::uint64_t> positions;
  std::uint64_t seals = 0;
  std::uint64_t parts = 0;
  std::uint64_t adoptions = 0;
};

/// A value that was written or removed, as a watcher must hear of it.
struct model_change {
  core::table_id table;
  std::uint64_t position = 0;
  core::change_kind what = core::change_kind::put;
  std::string row;
  std::string value;
  std::uint64_t version = 0;
  friend bool operator==(const model_change&, const model_change&) = default;
};

class table_model {
 public:
  /// Applies the next slot. Throws `sim_failure` if a request is executed a second time or a
  /// `fresh` batch (of the owner that got it chosen) is stamped no later than those before it
  /// (§10); `where` names the slot.
  void apply(const core::entry& value, bool fresh, const std::string& where, core::log_id log,
             table_ledger& ledger);

  /// Rows after slot `upto`, which was applied.
  [[nodiscard]] const model_rows& after(core::slot upto) const { return history_[upto.value]; }
  /// What slot `at`, which was applied, changed, in the order of positions.
  [[nodiscard]] const std::vector<model_change>& changes(core::slot at) const {
    return changes_[at.value];
  }
  /// Nothing of the log may be executed or read any more.
  [[nodiscard]] bool is_closed() const { return closed_; }
  /// Commands in the log that were not executed, because they were before or are too old.
  [[nodiscard]] std::uint64_t repeats() const { return repeats_; }
  [[nodiscard]] std::uint64_t no_ops() const { return no_ops_; }

 private:
  /// False: the command must not be executed (§8).
  static bool admit(const core::command& c, core::log_id log, table_ledger& ledger);
  void execute(const core::command& c, core::log_id log, table_ledger& ledger);
  void execute_row(const core::command& c, core::table_id table);
  void execute_transaction(const core::command& c);
  void execute_chunk(const core::command& c, core::table_id table);
  /// The manifest of a row comes or goes.
  void name_chunks(core::table_id table, const model_row* row, int by);
  /// What ends by `when_` goes.
  void expire();
  void note_change(core::table_id table, core::change_kind what, const std::string& row,
                   const model_row& now);
  void sort_changes(std::size_t first);
  void keep_position(core::table_id table, std::uint64_t position);
  void set(core::table_id table, const std::string& row, const model_row* next);
  void execute_move(const core::command& c, core::log_id log, table_ledger& ledger);
  void adopt(const core::adopt_part& p, core::log_id log, table_ledger& ledger);
  void keep(core::table_id table, core::table_state s);
  /// Row that says when another one ends.
  [[nodiscard]] static std::string end_row(std::uint64_t due, core::table_id table,
                                           std::uint64_t moves, const std::string& row);
  [[nodiscard]] static model_rows rows_of(const model_rows& all, const std::string& prefix);

  std::vector<model_rows> history_{1};  ///< [s] is after slot s
  std::map<core::table_id, core::table_state> tables_;
  std::map<core::table_id, std::uint64_t> positions_;
  std::vector<std::vector<model_change>> changes_{1};  ///< [s] is of slot s
  std::string where_;
  core::stamp when_;
  core::stamp last_stamp_;
  bool closed_ = false;
  std::uint64_t repeats_ = 0;
  std::uint64_t no_ops_ = 0;
};

}  // namespace atlas::sim
