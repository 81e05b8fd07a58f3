// The workload: clients that send one request at a time to some node, with values that are never
// used twice, and the history of what they were told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/sim_node.hpp"
#include "tests/support/linearizability.hpp"

namespace atlas::sim {

/// Tickets from here on are of whoever moves tables.
inline constexpr std::uint64_t mover_tickets = std::uint64_t{1} << 40;

class clients final : public client_desk {
 public:
  using nodes = std::vector<std::unique_ptr<sim_node>>;

  clients(event_queue& events, core::rng& random, story& tale, const sim_options& options,
          const nodes& all)
      : events_(events),
        random_(random),
        staleness_(options.seed),
        rules_(options.seed + 1),
        blobs_(options.seed + 2),
        story_(tale),
        options_(options),
        nodes_(all) {}

  void start();
  void stop() { stopped_ = true; }
  /// A write and a read of every log at every node that is up, which must all succeed.
  void ask_everywhere();
  /// True once nothing of `ask_everywhere` is unanswered; throws `sim_failure` if one failed.
  [[nodiscard]] bool all_answered() const { return must_succeed_.empty(); }
  [[nodiscard]] std::string unanswered() const;
  /// A read, or a write, that nobody waits for.
  void probe(sim_node& at, core::log_id log, bool writes = false);
  /// Closes a log for good, as TABLE DROP does.
  void close(sim_node& at, core::log_id log);
  void on_crash(core::node_id node);

  void on_answer(std::uint64_t ticket, const core::outcome& result) override;
  void on_expired(std::uint64_t ticket, bool maybe_done) override;
  void on_stale(std::uint64_t ticket, const core::outcome& result, std::uint64_t since_us) override;

  /// Linearizable per key (invariant 4); acknowledged writes are in the chosen log, those reported
  /// as certainly not done are not (invariants 5 and 7).
  void check(const monitor& watch) const;
  /// Who gets the answers to its tickets; outlives the run.
  void set_mover(client_desk* mover) { mover_ = mover; }
  [[nodiscard]] std::size_t operations() const { return ops_.size(); }

 private:
  enum class state : std::uint8_t { open, done, unknown, nothing, refused };
  struct op {
    linear::operation seen;
    core::log_id log;
    std::string row;
    core::node_id node;
    unsigned client = 0;
    state how = state::open;
    bool closes = false;
    bool stale = false;  ///< a get of the node's own copy
    core::operation what = core::operation::put;
    std::optional<std::uint64_t> number = {};  ///< version, or sum, that it was told
    std::uint64_t since_us = 0;  ///< of these: what was acknowledged by then must be seen
  };

  void next(unsigned client);
  std::uint64_t submit(unsigned client, sim_node& at, core::log_id log, linear::op_kind what,
                       const std::string& row, std::uint64_t timeout_ms);
  std::uint64_t submit_stale(unsigned client, sim_node& at, core::log_id log,
                             const std::string& row, std::optional<std::uint64_t> bound_ms,
                             std::uint64_t timeout_ms);
  std::uint64_t enter(op&& o);
  // clients_rules.cpp
  void submit_rule(unsigned client, sim_node& at, core::log_id log, std::uint64_t timeout_ms);
  void submit_blob(unsigned client, sim_node& at, core::log_id log, std::uint64_t timeout_ms);
  void write_rule(op&& o, sim_node& at, core::operation what, std::string value,
                  std::uint64_t timeout_ms);
  void on_rule_answer(op& o, const core::outcome& result);
  /// Versions and sums that clients were told are different and rise in real time.
  void check_numbers() const;
  /// What was read was there at some moment between what the node vouches for and its answer.
  void check_stale(const op& o) const;
  void finish(std::uint64_t ticket, state how);
  void check_closed(const op& o, bool refused);
  void wake(unsigned client);
  [[nodiscard]] static std::string describe(const op& o);

  event_queue& events_;
  core::rng& random_;
  core::rng staleness_;  ///< apart, so that seeds without stale reads stay what they are
  core::rng rules_;
  core::rng blobs_;
  std::map<std::string, std::uint64_t> versions_;  ///< last ones told
  story& story_;
  const sim_options& options_;
  const nodes& nodes_;
  std::vector<op> ops_;  ///< [ticket - 1]
  std::set<std::uint64_t> must_succeed_;
  std::map<core::log_id, std::uint64_t> closed_at_;  ///< when somebody was told so
  client_desk* mover_ = nullptr;
  bool stopped_ = false;
  unsigned probes_ = 0;  ///< reads in flight that nobody waits for
};

}  // namespace atlas::sim
