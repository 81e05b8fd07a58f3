// One proposer on node 1 whose replica and peers are played by the test: it sees every message the
// owner sends and decides who answers what, and when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "core/proposer.hpp"
#include "tests/support/samples.hpp"

namespace atlas::tests {

using stage = core::proposer::stage;

class owner_bench {
 public:
  static constexpr core::tick start{10'000};

  /// A candidate that found slots up to `watermark` applied and ballot (4, 2) promised.
  explicit owner_bench(core::configuration c = three_nodes(), std::uint64_t watermark = 0,
                       const core::lease_source* leases = nullptr)
      : clock_{start, {500}}, config_(std::move(c)) {
    owner_.emplace(
        core::proposer::beginning{table_log, proc(1), ballot_of(4, 2), {watermark}, {}, config_},
        clock_, first, leases);
    std::vector<core::node_id> everybody;
    for (const auto& seat : config_.seats) everybody.push_back(seat.node);
    reachable(everybody);
  }

  core::proposer& operator*() { return *owner_; }
  core::proposer* operator->() { return &*owner_; }
  void at(std::uint64_t ms_after_start) { clock_.now = start + ms_after_start; }
  void wall(std::uint64_t us) { clock_.wall = {us}; }

  core::proposer_effects promise(std::uint64_t node, std::uint64_t watermark = 0,
                                 std::vector<core::accepted_entry> votes = {}) {
    core::proposer_effects out;
    owner_->on_promise(
        proc(node),
        core::promise{table_log, owner_->by(), {watermark}, config_.epoch, std::move(votes)},
        clock_, out);
    return out;
  }
  /// `node` answers accept (or confirm) `m` with a vote for all of it.
  core::proposer_effects vote(std::uint64_t node, const core::accept& m,
                              core::lease_session session = 0) {
    core::proposer_effects out;
    owner_->on_accepted(proc(node),
                        core::accepted{table_log, m.by, m.gen, m.round, m.first,
                                       static_cast<std::uint32_t>(m.entries.size()), session},
                        clock_, out);
    return out;
  }
  core::proposer_effects nack(std::uint64_t node, core::nack_reason why, core::ballot promised,
                              std::uint64_t epoch = 1, std::uint64_t wait_ms = 0) {
    core::proposer_effects out;
    owner_->on_nack(
        proc(node),
        core::nack{table_log, owner_->by(), why, promised, {epoch}, wait_ms, owner_->gen() + 1},
        out);
    return out;
  }
  /// The own replica has applied up to `upto`.
  core::proposer_effects applied(std::uint64_t upto,
                                 std::optional<core::configuration> changed = {}) {
    core::proposer_effects out;
    owner_->on_progress({{upto}, {}, std::move(changed)}, clock_, out);
    return out;
  }
  core::proposer_effects commands(std::vector<core::command> all) {
    core::proposer_effects out;
    owner_->on_commands(std::move(all), clock_, out);
    return out;
  }
  /// One put of node 9 with the next sequence.
  core::proposer_effects put_one(const std::string& row = "k") {
    return commands({put(proc(9), ++sequence_, row, "value")});
  }
  core::proposer_effects read_one() {
    core::proposer_effects out;
    owner_->on_reads({{proc(9), {++ticket_}, core::read_kind::get, "k"}}, clock_, out);
    return out;
  }
  core::proposer_effects reachable(const std::vector<core::node_id>& nodes) {
    core::proposer_effects out;
    owner_->on_reachable(nodes, clock_, out);
    return out;
  }
  core::proposer_effects reconfigure(const core::configuration& next) {
    core::proposer_effects out;
    owner_->on_reconfigure(next, out, clock_);
    return out;
  }
  core::proposer_effects tick() {
    core::proposer_effects out;
    owner_->on_tick(clock_, out);
    return out;
  }

  /// Wins the election of an empty log with the promises of nodes 1, 2, ...; its first confirm.
  core::accept serve() {
    for (std::uint64_t node = 1; node <= config_.seats.size(); ++node) {
      const auto sent = messages_to<core::accept>(promise(node).send, 1);
      if (!sent.empty()) return sent[0];
    }
    ATLAS_CHECK(false, "the promises of all seats win an election");
    return {};
  }
  /// Nodes 1 and 2 vote for `m` and the own replica applies it.
  void choose(const core::accept& m) {
    vote(1, m);
    vote(2, m);
    applied(m.first.value + m.entries.size() - 1);
  }

  core::proposer_effects first;  ///< what the beginning sent

 private:
  core::clock_reading clock_;
  core::configuration config_;
  std::optional<core::proposer> owner_;
  std::uint64_t sequence_ = 0;
  std::uint64_t ticket_ = 0;
};

/// The accepts in `out`, one copy of each: those to the own node.
inline std::vector<core::accept> accepts(const core::proposer_effects& out) {
  return messages_to<core::accept>(out.send, 1);
}

/// The one accept in `out`.
inline core::accept the_accept(const core::proposer_effects& out) {
  const auto all = accepts(out);
  ATLAS_CHECK(all.size() == 1, "exactly one accept was sent");
  return all[0];
}

}  // namespace atlas::tests
