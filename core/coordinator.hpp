// When to take a log over (consensus.md §6, steal): only after a Q1-shaped set of its acceptors
// says that it misses the owner too, so that a node that can talk but not hear deposes nobody; and
// spread in time, so that candidates do not duel (§4).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/ballot.hpp"
#include "core/configuration.hpp"
#include "core/ids.hpp"
#include "core/messages.hpp"
#include "core/rng.hpp"

namespace atlas::core {

/// What this node knows about one log; made by the shell from its replica and owner.
struct log_view {
  log_id log;
  const configuration* active = nullptr;
  ballot promised;
  process holder;           ///< whom the own acceptor follows; node 0 = nobody
  bool owned_here = false;  ///< an owner or candidate runs on this node
};

struct coordinator_effects {
  std::vector<outgoing> send;
  std::vector<std::pair<log_id, ballot>> take_over;  ///< start a candidate above this ballot
};

class coordinator {
 public:
  /// Whether this node has heard `p` lately. The own process counts as heard only through
  /// `log_view::owned_here`.
  using hears = std::function<bool(process p)>;

  coordinator(process self, std::uint64_t seed) : self_(self), random_(seed) {}

  /// Every ~100 ms with all logs of the node.
  void on_tick(tick now, const std::vector<log_view>& logs, const hears& heard,
               coordinator_effects& out);
  /// Somebody asks; answered from `view` (the log's, empty if this node does not hold it).
  [[nodiscard]] owner_report on_query(const owner_query& q, const log_view* view,
                                      const hears& heard) const;
  void on_report(tick now, process from, const owner_report& m);
  /// A candidate of this node lost or gave up; waits longer before the next attempt.
  void on_lost(tick now, log_id log, ballot seen);
  /// This node just created the log: nobody else will own it first.
  void expect_ownership(log_id log) {
    created_here_.insert(log);
    attempts_.erase(log);  // it may have looked at the log before it heard of this
  }

  /// Whom others say they follow, if this node's own acceptor follows nobody.
  [[nodiscard]] process hinted_owner(log_id log) const;

 private:
  struct attempt {
    tick started;     ///< when the owner was first missed here
    tick not_before;  ///< back-off: no candidate earlier than this
    std::optional<tick> asked_at;
    std::map<node_id, tick> missed_by;   ///< who misses it too, and when it said so
    std::map<process, tick> named;       ///< who is followed by others, and when they said so
    std::map<process, tick> disclaimed;  ///< who said that it is not the owner itself
    ballot promised;                     ///< a change means: somebody else is a candidate
  };

  struct hint {
    process owner;
    ballot by;  ///< what the speaker had promised
    tick heard_at;
  };

  void ask(tick now, const log_view& view, attempt& a, coordinator_effects& out);
  void consider(tick now, const log_view& view, const hears& heard, coordinator_effects& out);
  [[nodiscard]] std::uint64_t first_pause_ms(const log_view& view);

  process self_;
  rng random_;
  std::map<log_id, attempt> attempts_;
  std::map<log_id, hint> hints_;
  std::map<log_id, ballot> seen_;            ///< highest ballot heard of in reports and defeats
  std::map<log_id, std::uint64_t> defeats_;  ///< in a row; ends when somebody owns the log
  std::set<log_id> created_here_;
};

}  // namespace atlas::core
