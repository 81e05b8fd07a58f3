// Reads from this node's own copy of a table, with a bound on how old the answer can be
// (consensus.md §5, `STALE`). The bound comes from asking: a question is a linearizable read of how
// far the owner has applied the log, so a copy that holds that slot shows everything that was
// acknowledged before the question left this node. No clock but the node's own is involved. One per
// table, on the side that takes the client's request; `replica::on_stale` is the copy's side.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// A read for the own copy of a log, to be executed once that holds every slot up to `least`.
struct stale_ask {
  slot least;
  read what;  ///< its ticket is the request's
  tick deadline;
};

/// What a question is answered with.
struct frontier {
  log_id log;  ///< that holds the table
  slot upto;   ///< everything acknowledged before the question is at or below
};
[[nodiscard]] std::string encode_frontier(const frontier& f);
/// Empty if the bytes are broken.
[[nodiscard]] std::optional<frontier> decode_frontier(std::string_view bytes);

class stale_reads {
 public:
  explicit stale_reads(table_id table = {}) : table_(table) {}

  struct request {
    std::uint64_t ticket = 0;
    std::string row;
    tick deadline;
    /// Oldest age that will do, in ms; empty: any, but one of the last `fresh_ms` is waited for up
    /// to `patience_ms`: the owner's word, and the copy that does not hold it yet.
    std::optional<std::uint64_t> bound_ms;
    std::string principal = {};
  };
  void submit(request&& r, tick now);

  /// Whether the owner should be asked now: somebody waits for it, or what is known grows old.
  [[nodiscard]] bool wants_question(tick now) const;
  /// A question leaves; its answer comes, or an empty one when it is given up.
  void on_asked(tick now);
  void on_answer(const std::optional<frontier>& f, tick now);

  /// The log whose copy is read; 0 while the owner was never asked.
  [[nodiscard]] log_id log() const { return log_; }
  /// What the copy of `log()` should answer now; it holds every slot up to `held`. A ticket may
  /// come twice; its first answer counts.
  [[nodiscard]] std::vector<stale_ask> take(tick now, slot held);
  /// The copy's answer. Returns the age in ms: every write that was acknowledged earlier than that
  /// before the request came is in the answer. Empty if the ticket is not waited for any more, or
  /// goes on waiting because the copy does not hold the table.
  [[nodiscard]] std::optional<std::uint64_t> on_result(std::uint64_t ticket, const outcome& o,
                                                       tick now);
  /// Removes and returns everything that waits, because the table is gone.
  [[nodiscard]] std::vector<request> withdraw_all();
  /// Removes and returns the tickets of what is past its deadline.
  [[nodiscard]] std::vector<std::uint64_t> expire(tick now);
  [[nodiscard]] bool empty() const { return waiting_.empty() && reading_.empty(); }

  static constexpr std::uint64_t fresh_ms = 10'000;
  static constexpr std::uint64_t patience_ms = 1'000;
  /// At least so long between two questions that nobody waits for.
  static constexpr std::uint64_t ask_every_ms = 100;

 private:
  static constexpr std::size_t anchors_max = 32;

  struct waiting {
    request what;
    tick arrived;
    std::uint64_t questions = 0;  ///< asked before it arrived
    std::uint64_t age_ms = 0;     ///< once it is read
    slot least;                   ///< that the copy must hold, once it is read
  };
  /// "Nothing above `upto` was acknowledged before question `number` left at `asked`."
  struct anchor {
    std::uint64_t number = 0;
    tick asked;
    slot upto;
  };

  [[nodiscard]] static std::uint64_t age(const waiting& w, const anchor& a);
  [[nodiscard]] static bool will_do(const waiting& w, const anchor& a, tick now);
  [[nodiscard]] const anchor* choose(const waiting& w, tick now, slot held) const;
  [[nodiscard]] stale_ask ask(waiting& w, const anchor& a) const;
  void fall_back(tick now, slot held, std::vector<stale_ask>& out);

  table_id table_;
  std::deque<waiting> waiting_;  ///< bound: the gateway's requests in flight, as for `reading_`
  std::map<std::uint64_t, waiting> reading_;  ///< by ticket: at the copy
  /// Tickets without a bound that wait for the copy, by when any age will do. Bound: as `reading_`,
  /// and those that were answered within their patience.
  std::multimap<tick, std::uint64_t> fallbacks_;
  /// By number; of those that the copy holds only the last is of use. Bound: anchors_max.
  std::deque<anchor> anchors_;
  log_id log_;  ///< that the anchors are about
  std::uint64_t questions_ = 0;
  std::optional<anchor> asking_;
  tick not_before_;       ///< an owner that gave no answer is not asked again at once
  bool is_used_ = false;  ///< a copy was read since the last question
};

}  // namespace atlas::core
