// Leases between processes (consensus.md §5; Gray & Cheriton, 1989): with every heartbeat answer a
// node grants the asking process a lease, and while it runs the node's acceptors refuse phase 1 of
// other nodes for every log whose holder is that process. An owner that is so protected by a
// Q2-sufficient set knows that nobody else can write, and answers reads without asking.
// `lease_ledger` is the granting side of a node, `lease_claims` the receiving side. Both count
// ticks of one clock that goes on while the machine sleeps, and round against themselves: ticks are
// whole milliseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/ballot.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// How long this node grants, and what it assumes of clocks.
struct lease_terms {
  std::uint64_t duration_ms = 3'000;
  /// Bound on the rate of one node's clock against another's, in 1/1000.
  std::uint64_t drift_permille = 10;
};

/// Number of the time during which an acceptor node has not dropped a process as holder of any log.
/// Rises with each drop and with each start of the node; 0 = none.
using lease_session = std::uint64_t;

/// One log with one tenure: for whom phase 1 was refused.
struct held_tenure {
  log_id log;
  ballot by;
  generation gen;
  friend auto operator<=>(const held_tenure&, const held_tenure&) = default;
};

/// What a heartbeat answer carries.
struct lease_grant {
  lease_session session = 0;
  std::uint64_t duration_ms = 0;      ///< 0: nothing is granted
  std::vector<held_tenure> refusals;  ///< phase 1 was refused for their sake since the last answer
};

/// What the replicas of a node ask before they drop a holder. All of them share one, so an
/// implementation used by several threads locks.
class lease_guard {
 public:
  virtual ~lease_guard() = default;
  /// `candidate` wants phase 1 of `held.log`, whose holder is `holder` (node 0: nobody known).
  /// `others_before`: before its start this node may have answered an owner on another node than
  /// the candidate's. Returns 0 if phase 1 may go on; the holder counts as dropped from then on.
  /// Else for how many ms a lease still runs.
  virtual std::uint64_t release_or_wait(process holder, const held_tenure& held, node_id candidate,
                                        bool others_before) = 0;
  /// `holder` was replaced by an owner with a higher ballot, or let go by itself.
  virtual void drop(process holder) = 0;
  /// For an answer to `holder`, which is holder of some log from now on.
  virtual lease_session session_of(process holder) = 0;
};

/// The leases that one process grants. `started` is now; `wait_ms` the largest duration that an
/// earlier process of this node ever granted: until it has passed, the holders it may have had are
/// protected.
class lease_ledger {
 public:
  lease_ledger(process self, lease_terms terms, tick started, std::uint64_t wait_ms);

  [[nodiscard]] lease_grant on_heartbeat(process asker, tick now);
  std::uint64_t release_or_wait(process holder, const held_tenure& held, node_id candidate,
                                bool others_before, tick now);
  void drop(process holder);
  [[nodiscard]] lease_session session_of(process holder);

 private:
  struct account {
    lease_session session = 0;
    tick until;
    std::vector<held_tenure> refusals;
  };
  account& of(process p);

  process self_;
  lease_terms terms_;
  tick no_phase_1_before_;
  lease_session last_session_;
  std::map<process, account> accounts_;
};

/// The leases that one process was granted.
class lease_claims {
 public:
  explicit lease_claims(lease_terms terms) : terms_(terms) {}

  /// `granter` answered a heartbeat that left at `sent`.
  void on_grant(node_id granter, const lease_grant& grant, tick sent);
  /// Until when the grant of `granter` protects a log that was confirmed there in `session`; tick 0
  /// if it does not, or in another session.
  [[nodiscard]] tick valid_until(node_id granter, lease_session session) const;
  /// Session of the latest grant; 0 if there was none.
  [[nodiscard]] lease_session session(node_id granter) const;

 private:
  struct claim {
    lease_session session = 0;
    tick until;
  };
  lease_terms terms_;
  std::map<node_id, claim> claims_;
};

/// What an owner asks about its grants; see `lease_claims`.
class lease_source {
 public:
  virtual ~lease_source() = default;
  [[nodiscard]] virtual tick valid_until(node_id granter, lease_session session) const = 0;
  [[nodiscard]] virtual lease_session session(node_id granter) const = 0;
};

}  // namespace atlas::core
