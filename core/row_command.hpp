// What one command makes of one row, as a pure function of the row, the list that guards it and log
// time: permission first, then the write-once period, then the command's own rule. state_machine
// finds the row and keeps the result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/access_list.hpp"
#include "core/command.hpp"
#include "core/entry.hpp"
#include "core/history.hpp"
#include "core/row_record.hpp"

namespace atlas::core {

/// A write-once period as a client named it: from the command's own time on, or up to a time.
struct period {
  bool relative = true;
  std::uint64_t us = 0;
  /// When it ends, at log time `now`.
  [[nodiscard]] stamp end(stamp now) const;
};
// Values of the commands that say more than a row's bytes.
[[nodiscard]] std::string encode_put_once(const period& p, std::string_view value);
/// `version` 0: the row must be absent.
[[nodiscard]] std::string encode_cas(std::uint64_t version, std::string_view value);
[[nodiscard]] std::string encode_amount(std::int64_t by);
/// After so many microseconds; 0: never.
[[nodiscard]] std::string encode_expire(std::uint64_t us);
[[nodiscard]] std::string encode_period(const period& p);
[[nodiscard]] std::string encode_access_change(permission p, std::string_view principal);
/// False if a command's value does not fit its operation.
[[nodiscard]] bool has_whole_value(operation what, std::string_view value);

/// What a principal who may not is told.
[[nodiscard]] std::string denial(std::string_view principal, std::string_view what);

/// RFC 3339, in UTC, with microseconds if there are any.
[[nodiscard]] std::string time_text(stamp at);

class row_command {
 public:
  /// `old` is the row's record, empty if there is none; `of_table` the list that guards rows
  /// without one of their own, or null. All views must outlive the result.
  row_command(const command_view& c, const std::optional<row_record>& old,
              const access_list* of_table, stamp when);

  [[nodiscard]] const outcome& result() const { return result_; }
  outcome&& take_result() { return std::move(result_); }
  /// Whether the row changes: to `next`, or, without one, to nothing.
  [[nodiscard]] bool changes() const { return changes_; }
  [[nodiscard]] const std::optional<row_record>& next() const { return next_; }
  [[nodiscard]] const std::optional<row_record>& old() const { return old_; }
  /// What a watcher is told: a value was written or removed. Without command and guard.
  [[nodiscard]] const std::optional<change>& told() const { return told_; }

 private:
  void decide(const command_view& c);
  void put(std::string_view value, std::string_view principal, stamp write_once = {});
  void put_once(std::string_view value, std::string_view principal);
  void cas(std::string_view value, std::string_view principal);
  void increase(std::string_view value, std::string_view principal);
  void erase();
  void expire(std::string_view value);
  void protect(std::string_view value);
  void change_access(const command_view& c);
  void refuse(std::string text) { result_ = {outcome_code::refused, std::move(text)}; }
  void keep(row_record next);

  std::optional<row_record> old_;
  const access_list* of_table_;
  stamp when_;
  bool there_ = false;  ///< the old value is there
  outcome result_;
  bool changes_ = false;
  std::optional<row_record> next_;
  std::optional<change> told_;
  std::string scratch_;  ///< what `next_` shows of, where it is nobody else's
};

/// The list in force for a row: its own if somebody owns it, else the table's if somebody owns
/// that; else its own, which guards nothing yet.
[[nodiscard]] access_list guard_of(const std::optional<row_record>& row,
                                   const access_list* of_table);
/// The same without a copy: `own` is filled with the row's list, if it has one.
[[nodiscard]] const access_list& guard_of(const std::optional<row_record>& row,
                                          const access_list* of_table, access_list& own);
/// Whether the row has a value at log time `now` that `principal` may read.
[[nodiscard]] bool may_see(const row_record& row, const access_list& of_table,
                           std::string_view principal, stamp now);

}  // namespace atlas::core
