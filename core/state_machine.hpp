// Applies chosen batches to a table: pure function of the log (consensus.md §10: no clock, no
// randomness). Reads the rows it needs through the overlay and describes its writes as records.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/access_list.hpp"
#include "core/command.hpp"
#include "core/entry.hpp"
#include "core/history.hpp"
#include "core/listing.hpp"
#include "core/ports.hpp"
#include "core/result_window.hpp"
#include "core/row_overlay.hpp"
#include "core/row_record.hpp"
#include "core/scan_terms.hpp"
#include "core/table_move.hpp"
#include "core/transaction.hpp"

namespace atlas::core {

/// How a command of an applied batch ended, for whoever waits for it.
struct command_result {
  process from;
  sequence seq;
  outcome result;
  table_id table;  ///< as in the command
};

/// Row whose presence closes a table for good (TABLE DROP). No client can name it: the rows of keys
/// are empty or begin with a dot. Being a row, it survives restarts and is in every snapshot.
inline constexpr const char* closed_row = "!";

class state_machine {
 public:
  state_machine(log_id log, const log_store& disk, const recovered_log& past);

  /// Applies a chosen batch at log time `when`; appends one result per command, in order, if
  /// `results` is not null. A repeated command changes nothing and gets its first result (§8).
  /// What changed is written by the next `save`.
  void apply(const entry& batch, stamp when, std::vector<command_result>* results, slot at = {});
  /// Commands applied so far that bring nothing large: uploads give way to them.
  [[nodiscard]] std::uint64_t small_commands() const { return small_commands_; }
  /// Bytes of the record of what the last batch changed.
  [[nodiscard]] std::size_t history_bytes() const { return history_bytes_; }
  /// Rows changed since the last `save`.
  [[nodiscard]] std::size_t unsaved() const { return rows_.unsaved(); }
  /// Bytes put into rows since then; a row that is put twice counts twice.
  [[nodiscard]] std::size_t unsaved_bytes() const { return rows_.unsaved_bytes(); }
  /// Appends everything changed since the last `save` as records of write group `group`; `at` is
  /// the last applied slot. The caller writes them and the applied slot as one.
  void save(slot at, std::uint64_t group, std::vector<record_write>& writes);
  /// Answers a read from everything applied so far. A row that is over at `wall`, the owner's time,
  /// but not in log time is `expiring`, and so is a listing while any row of the log is.
  [[nodiscard]] outcome answer(const read& r, stamp wall = {}) const;
  /// The walk that answers a listing, a count or a sample. Null for other reads, and where `answer`
  /// needs none.
  [[nodiscard]] std::unique_ptr<listing> list(const read& r) const;
  /// When the next row ends, in log time; 0: none will.
  [[nodiscard]] stamp next_due() const;
  /// Rows with `prefix`, decoded to (row, value), as they stand in the log.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> rows(
      const std::string& prefix) const;
  void written(std::uint64_t group) { rows_.written(group); }

  /// True once after the catalogue changed (meta log only).
  bool take_catalogue_change();

 private:
  class catalogue_door;
  outcome execute(const command_view& c, table_id table, stamp when, slot at);
  [[nodiscard]] table_id table_of(table_id named) const { return named ? named : home_; }
  // state_machine_moves.cpp
  void load_tables();
  /// Null if the table was never here.
  [[nodiscard]] const table_state* state_of(table_id table) const;
  void set_state(table_id table, const table_state& s, stamp when);
  /// What is said to requests for a table that the log does not hold.
  [[nodiscard]] static outcome elsewhere(const table_state* s);
  /// The same, once the log is closed.
  [[nodiscard]] outcome closed_answer(table_id table) const;
  outcome execute_move(const command_view& c, stamp when);
  void seal(const seal_request& r, stamp when);
  void adopt(const adopt_part& p, stamp when);
  bool clear(const clear_request& r, stamp when);
  [[nodiscard]] outcome part(const read& r) const;
  /// Rows of one stay of a table with `prefix`, from `from` on.
  void scan_table(
      table_id table, std::uint64_t moves, const std::string& prefix, std::string_view from,
      const std::function<bool(std::string_view row, std::string_view value)>& visit) const;
  void put(std::string_view row, std::string_view value, std::string_view principal, stamp when);
  // state_machine_keys.cpp
  /// One stay of a table in this log.
  struct stay {
    table_id table;
    std::uint64_t moves = 0;
    friend auto operator<=>(const stay&, const stay&) = default;
  };
  using ends = std::set<std::pair<stamp, std::string>>;
  /// A step of a transaction as the command that it would be alone.
  struct step_command {
    command_view view;
    std::unique_ptr<std::string> value;  ///< if it is not the step's own
  };
  [[nodiscard]] static std::string due_row(const stay& of, stamp at, std::string_view row);
  void load_due();
  void note_due(const stay& of, std::string_view row, stamp before, stamp after);
  void expire_due(stamp when);
  /// How much work it was, in rows.
  std::size_t end_row(const stay& of, stamp at, const std::string& row, stamp when);
  // state_machine_blobs.cpp
  outcome put_chunk(const command_view& c, const stay& of, stamp when);
  void count_chunk(const stay& of, std::string_view hash, std::int64_t by, stamp when);
  template <class Next>
  void change_count(const stay& of, std::string_view hash, stamp when, const Next& next);
  [[nodiscard]] bool has_chunks(const stay& of, std::string_view manifest) const;
  void count_chunks(const stay& of, const std::string& before, const std::string& after,
                    stamp when);
  void end_chunk(const stay& of, std::string_view hash);
  [[nodiscard]] bool is_held(const stay& s) const;
  [[nodiscard]] stamp first_end() const;
  [[nodiscard]] const access_list* guard(table_id table) const;
  void load_guard(table_id table);
  outcome execute_row(const command_view& c, table_id table, const std::string& prefix, stamp when);
  outcome execute_transaction(const command_view& c, stamp log_time, slot at);
  /// What a transaction makes of a row; null: erased.
  struct txn_row {
    blob next;
    std::optional<change> told;
  };
  using txn_rows = std::map<std::pair<table_id, std::string_view>, txn_row>;
  void keep_rows(const txn_rows& changed);
  void note_change(table_id table, const std::optional<row_record>& row, change what);
  void note_end(table_id table, const std::optional<row_record>& row, std::string_view name,
                stamp now);
  void keep_changes(slot at);
  void load_positions();
  void set_position(table_id table, std::uint64_t position);
  [[nodiscard]] std::optional<std::string> conflict_of(const txn_step& s,
                                                       const std::optional<row_record>& old,
                                                       std::string_view principal,
                                                       stamp when) const;
  [[nodiscard]] static step_command command_of(const txn_step& s, const command_view& c);
  // state_machine_reads.cpp
  [[nodiscard]] outcome answer_row(const read& r, table_id table, const table_state& state,
                                   stamp wall) const;
  [[nodiscard]] outcome answer_keys(const read& r, table_id table) const;
  [[nodiscard]] outcome answer_chunk(const read& r, table_id table) const;
  /// What a read of this table is told without looking at its rows, if anything.
  [[nodiscard]] std::optional<outcome> fence(table_id table) const;

  log_id log_;
  table_id home_;
  std::map<table_id, table_state> tables_;  ///< every table that is or was here
  /// A list of a whole table that is here, and its encoding, which goes into every record of
  /// changes.
  struct table_guard {
    access_list list;
    std::string encoded;
  };
  std::map<table_id, table_guard> guards_;
  /// Rows that end, those of stays that have not begun or are over included: they go with the rows.
  /// Each also stands as a row of its own. No stay in it is empty.
  std::map<stay, ends> due_;
  stamp next_due_;  ///< nothing that is held ends before; 0: nothing ends
  stamp now_;       ///< log time: of the last batch applied
  /// The batch that is applied, and its slot; 0 once a row shares its bytes.
  std::string_view batch_;
  slot batch_at_;
  row_overlay rows_;
  result_window window_;
  std::uint64_t command_ = 0;                    ///< number of the command in it that is executed
  slot_changes changes_;                         ///< of it
  std::map<table_id, std::uint64_t> positions_;  ///< of the last change of each table
  std::vector<std::pair<slot, std::string>> history_;  ///< records since the last save
  std::size_t history_bytes_ = 0;
  std::uint64_t small_commands_ = 0;
  std::string result_lines_;        ///< results since the last save
  std::vector<slot> result_slots_;  ///< slots that hold a results record on disk, ascending
  bool catalogue_changed_ = true;
  bool closed_ = false;  ///< the row `closed_row` is there
};

/// Result data of a scan: `put_string(row) put_string(value)` repeated.
[[nodiscard]] std::string encode_rows(const std::vector<std::pair<std::string, std::string>>& rows);
/// Empty if the bytes are broken.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> decode_rows(
    std::string_view bytes);

}  // namespace atlas::core
