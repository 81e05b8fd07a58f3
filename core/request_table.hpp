// The requests of this node's clients to one table, from arrival to answer: numbers them, sends
// them to whoever owns its log, sends them again after owner changes and silence (consensus.md §8
// makes that safe), and knows at the deadline whether the outcome is unknown or certainly nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/command.hpp"
#include "core/ids.hpp"

namespace atlas::core {

class request_table {
 public:
  /// `table` 0: the home table of the log.
  explicit request_table(process self, table_id table = {}) : self_(self), table_(table) {}

  struct write_request {
    std::uint64_t ticket = 0;
    operation what = operation::put;
    std::string row;
    std::string value;
    std::string principal;
  };
  /// Takes a command; it leaves with the next `take`. False if the window is full: push back.
  bool submit(write_request&& w, tick deadline);
  void submit_read(std::uint64_t ticket, read_kind what, std::string row, tick deadline,
                   std::string principal = {});

  struct parcel {
    std::vector<command> commands;
    std::vector<read> reads;
    [[nodiscard]] bool empty() const { return commands.empty() && reads.empty(); }
  };
  /// Everything that waits for an owner, in order; from now on it may have been proposed.
  [[nodiscard]] parcel take(tick now);
  [[nodiscard]] bool has_unsent(tick now) const;

  /// The ticket that `a` answers, empty for a repeated answer.
  [[nodiscard]] std::optional<std::uint64_t> on_answer(const answer& a);
  /// A request that is taken out without an answer.
  struct withdrawn {
    std::uint64_t ticket = 0;
    tick deadline;
    bool in_doubt = false;  ///< a write that may have been proposed
    write_request write;    ///< of reads only row and principal
  };
  /// Takes out what `a` answers; empty for a repeated answer.
  [[nodiscard]] std::optional<withdrawn> withdraw(const answer& a);
  /// Takes out everything, because the log is gone.
  [[nodiscard]] std::vector<withdrawn> withdraw_all();
  /// The owner gave these back: they were not proposed by it. Sent again after `retry_ms`.
  void on_returned(const std::vector<sequence>& commands, const std::vector<sequence>& reads,
                   tick now, const std::string& why);
  /// `a` says that a log does not hold the table: sent again after `retry_ms`. One sending may be
  /// answered more than once (by its proposer and by who recovered it), so after the first such
  /// answer no other proves that the sending before it did nothing.
  void on_moved(const answer& a, tick now, const std::string& why);
  /// Whether everything may go to another log now, because `on_moved` said so: once per
  /// `retry_ms`. Two logs may point at each other until a table on its way has arrived.
  [[nodiscard]] bool may_follow(tick now);
  /// Another process owns the log now: everything unanswered goes there too.
  void on_owner_changed();
  /// Sends again what got no answer for long; duplicates are harmless.
  void on_tick(tick now);

  struct expired_request {
    std::uint64_t ticket = 0;
    bool is_read = false;
    bool maybe_done = false;  ///< sent to an owner that has not given it back
    std::string why;          ///< what the last owner said, may be empty
  };
  /// Removes and returns what is past its deadline.
  [[nodiscard]] std::vector<expired_request> expire(tick now);
  [[nodiscard]] std::size_t size() const { return writes_.size() + reads_.size(); }

  static constexpr std::uint64_t retry_ms = 100;
  static constexpr std::uint64_t repeat_ms = 1'500;

 private:
  struct pending {
    std::uint64_t ticket = 0;
    tick deadline;
    tick send_at;                 ///< not before this
    std::optional<tick> sent_at;  ///< empty while it waits to be sent
    bool in_doubt = false;        ///< an earlier sending was never answered nor given back
    bool was_moved = false;       ///< some sending met a log without the table
    std::string why;
  };
  struct pending_write : pending {
    write_request what;
  };
  struct pending_read : pending {
    read_kind what = read_kind::get;
    std::string row;
    std::string principal;
  };

  process self_;
  table_id table_;
  sequence last_write_;
  sequence last_read_;
  std::map<sequence, pending_write> writes_;  ///< bound: result_window::sequences_max / 2
  std::map<sequence, pending_read> reads_;
  std::size_t unsent_ = 0;
  std::optional<tick> followed_;
};

}  // namespace atlas::core
