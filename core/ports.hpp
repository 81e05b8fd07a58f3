// The doors of core/ to the disk: what must be written, and what can be read back. Core decides
// what a record is and when it must be durable; storage/ decides which bytes it becomes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ballot.hpp"
#include "core/configuration.hpp"
#include "core/entry.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// One record of one log. Only the fields named beside the kind are meaningful.
struct record_write {
  enum class kind : std::uint8_t {
    promised,  ///< `by`: the acceptor's promise; only ever rises
    accepted,  ///< `at`, `by`, `value`: the entry this acceptor voted for (or learned as chosen)
    applied,   ///< `at`, `when`, `hash`: every slot up to `at` is applied to the rows
    configuration,  ///< `at`, `key` = encoded configuration: chosen at slot `at`
    /// `key` = row, `value`: encoded row record. If `at` is not 0, the last `shared` bytes of the
    /// value are those of the entry of slot `at` from byte `shared_from` on, and may be kept once;
    /// no other row comes from that slot.
    put_row,
    erase_row,      ///< `key` = row
    put_results,    ///< `at`, `value`: results of the commands of slot `at` (dedupe window, §8)
    erase_results,  ///< `at`
    truncate,       ///< `at`: entries of the slots up to here are gone for good
    stage_row,      ///< `key`, `value`: a row of the table that `install` will put in place
    drop_staged,    ///< staged rows, and those that an install replaced, are gone
    handed_on,      ///< `by`: another node than `by` names may hold the log under it
    install,      ///< `at`: staged rows, as of that slot, replace the rows, and no results are left
    put_history,  ///< `at`, `value`: what the commands of slot `at` changed; goes with its entry
  };
  kind what = kind::applied;
  slot at;
  ballot by;
  stamp when;
  std::uint64_t hash = 0;
  std::string key;
  blob value;
  std::size_t shared_from = 0;
  std::size_t shared = 0;
};

/// Entries from here on are put on the disk ahead of the record of the vote, from a thread of their
/// own. A chunk of a value is one; a batch of many small commands should not cost another fsync.
constexpr std::size_t filed_bytes_min = std::size_t{96} << 10;
[[nodiscard]] inline bool is_filed(const record_write& w) {
  return w.what == record_write::kind::accepted && w.value && w.value->size() >= filed_bytes_min;
}

/// Everything one step of one log wants on disk, in order; applied atomically.
struct log_writes {
  log_id log;
  std::vector<record_write> writes;
  bool sync = true;   ///< false: may ride with the next synced group (nothing depends on it yet)
  std::string filed;  ///< the store's notes about entries that it has filed
};

/// What a log left on disk, as read at start.
struct recovered_log {
  ballot promised;
  ballot handed_on;  ///< the last one that was handed from node to node
  slot applied;
  stamp last_stamp;
  std::uint64_t applied_hash = 0;
  slot configuration_at;
  std::optional<configuration> active;                ///< chosen last, at or below `applied`
  std::vector<accepted_entry> tail;                   ///< accepted above `applied`, by slot
  std::vector<std::pair<slot, std::string>> results;  ///< dedupe records, by slot
  slot truncated;       ///< entries up to here are gone; never above `applied`
  bool staged = false;  ///< rows are left that `drop_staged` should remove
};

/// One moment of a log, whatever is written later.
class frozen_log {
 public:
  virtual ~frozen_log() = default;
  /// As `log_store::recover`, without the tail.
  [[nodiscard]] virtual recovered_log state() const = 0;
  /// Every slot up to this one is applied to the rows.
  [[nodiscard]] virtual slot applied() const = 0;
  /// Records of changes of the slots from `first` on, in order, until `visit` says false.
  virtual void history(
      slot first, const std::function<bool(slot at, std::string_view record)>& visit) const = 0;
  /// The entry of a slot; empty if it is not in the log (any more).
  [[nodiscard]] virtual std::optional<entry> entry_of(slot at) const = 0;
  /// As `log_store::scan`. On any thread, one at a time.
  virtual void scan(
      std::string_view prefix, std::string_view from,
      const std::function<bool(std::string_view row, std::string_view value)>& visit) const = 0;
};

/// Read side of one log. Thread-safe. Sees every group that `node_store::write` has returned from.
/// A read that fails or finds damaged bytes ends the process: nothing wrong is ever handed up.
class log_store {
 public:
  virtual ~log_store() = default;
  [[nodiscard]] virtual std::optional<std::string> get(std::string_view row) const = 0;
  /// Rows that start with `prefix`, from row `from` on, in byte order, from one consistent view,
  /// until `visit` says false.
  virtual void scan(
      std::string_view prefix, std::string_view from,
      const std::function<bool(std::string_view row, std::string_view value)>& visit) const = 0;
  /// Entries of slots [first, end) that are on disk, in order, stopping at the first gap and after
  /// the entry that passes `bytes_max`.
  [[nodiscard]] virtual std::vector<accepted_entry> entries(slot first, slot end,
                                                            std::size_t bytes_max) const = 0;
  [[nodiscard]] virtual recovered_log recover() const = 0;
  /// May outlive this object; pins what it sees until it is dropped.
  [[nodiscard]] virtual std::unique_ptr<frozen_log> freeze() const = 0;
};

/// Write side of the node's disk. One thread only (the `store` actor), but for what says otherwise.
class node_store {
 public:
  virtual ~node_store() = default;
  /// Writes all groups, in order and each as a whole: a crash leaves the first ones. With `sync`
  /// returns after the fsync. A failure ends the process with a clear message: after a failed fsync
  /// nothing in memory can be trusted (consensus.md §3).
  virtual void write(std::vector<log_writes>& groups, bool sync) = 0;
  /// Puts the entries of the group that `is_filed` names on the disk ahead of `write`, which does
  /// it otherwise. From one thread, which need not be that of `write`. The group must be written
  /// then, dropped logs' too.
  virtual void file_entries(log_writes& group) = 0;
  /// All that was filed is durable when it returns; before that, no group may be written that was
  /// filed. From the thread of `file_entries`.
  virtual void sync_filed() = 0;
  /// Opens a log, taking a column family from the pool if it is new. Idempotent. `table` is the
  /// name kept beside the log in the catalogue. May be called from another thread than `write`.
  /// Null if the log was dropped: it must never be seen empty.
  virtual std::shared_ptr<log_store> open_log(log_id log, std::string_view table) = 0;
  /// Removes a log with all it holds; from now on it can not be opened, and what is written to it
  /// is skipped. Idempotent. On the thread of `write` only. Its readers stay valid.
  virtual void drop_log(log_id log) = 0;
  /// Logs on disk, with the table name each was opened for.
  [[nodiscard]] virtual std::vector<std::pair<log_id, std::string>> logs() const = 0;
};

}  // namespace atlas::core
