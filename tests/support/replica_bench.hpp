// One replica with its disk, the store between them under the test's thumb: groups become durable
// only when the test says so, held messages leave only then, and a crash loses the rest.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "core/replica.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

namespace atlas::tests {

class replica_bench {
 public:
  explicit replica_bench(std::uint64_t node = 1, core::configuration first = three_nodes(),
                         core::replica_limits limits = {})
      : node_(node), first_(std::move(first)), limits_(limits) {
    crash();
  }

  core::replica& operator*() { return *replica_; }
  core::replica* operator->() { return replica_.get(); }
  memory_log_store& disk() { return disk_; }
  [[nodiscard]] core::process self() const { return proc(node_, boot_); }

  /// One input whose group waits in the store's queue, with what it holds back.
  template <class Message>
  core::replica_effects queue(core::process from, const Message& m) {
    core::replica_effects out;
    feed(from, m, out);
    enqueue(out);
    return out;
  }
  /// One input, durable at once.
  template <class Message>
  core::replica_effects step(core::process from, const Message& m) {
    auto out = queue(from, m);
    write_all();
    return out;
  }
  core::replica_effects tick(std::uint64_t ms) {
    core::replica_effects out;
    replica_->on_tick({ms}, out);
    enqueue(out);
    return out;
  }
  core::replica_effects chase(std::uint64_t source, std::uint64_t upto) {
    core::replica_effects out;
    replica_->on_chase({source}, {upto}, out);
    enqueue(out);
    return out;
  }

  /// The store writes the oldest waiting group; answers what may leave now.
  std::vector<core::outgoing> write_one() {
    ATLAS_CHECK(!waiting_.empty(), "a group waits");
    auto oldest = std::move(waiting_.front());
    waiting_.pop_front();
    disk_.write(oldest.persist);
    if (oldest.group != 0) {
      core::replica_effects out;
      replica_->on_written(oldest.group, true, out);
      if (!out.persist.empty() || !out.held.empty()) enqueue(out);
      last_written_ = std::move(out);
    }
    return std::move(oldest.held);
  }
  void write_all() {
    while (!waiting_.empty()) write_one();
  }
  /// Brings everything applied to the disk, as the tick after it does.
  void settle() {
    tick(0);
    write_all();
  }
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  /// What the replica wanted when it last heard that a group was written.
  [[nodiscard]] const core::replica_effects& last_written() const { return last_written_; }

  /// Loses what was not written and starts again with a higher boot epoch.
  void crash() {
    waiting_.clear();
    ++boot_;
    replica_ = std::make_unique<core::replica>(table_log, self(), first_, disk_, nullptr, limits_);
  }

 private:
  void feed(core::process p, const core::prepare& m, core::replica_effects& out) {
    replica_->on_prepare(p, m, out);
  }
  void feed(core::process p, const core::accept& m, core::replica_effects& out) {
    replica_->on_accept(p, m, out);
  }
  void feed(core::process p, const core::commit& m, core::replica_effects& out) {
    replica_->on_commit(p, m, out);
  }
  void feed(core::process p, const core::fetch& m, core::replica_effects& out) {
    replica_->on_fetch(p, m, out);
  }
  void feed(core::process p, const core::chosen& m, core::replica_effects& out) {
    replica_->on_chosen(p, m, out);
  }
  void feed(core::process p, const core::snapshot_offer& m, core::replica_effects& out) {
    replica_->on_snapshot_offer(p, m, out);
  }
  void feed(core::process p, const core::snapshot_request& m, core::replica_effects& out) {
    replica_->on_snapshot_request(p, m, out);
  }
  void feed(core::process p, const core::snapshot_chunk& m, core::replica_effects& out) {
    replica_->on_snapshot_chunk(p, m, out);
  }
  void enqueue(const core::replica_effects& out) {
    ATLAS_CHECK(out.persist.empty() == (out.group == 0), "a group has writes, writes have a group");
    waiting_.push_back(out);
  }

  std::uint64_t node_;
  std::uint64_t boot_ = 0;
  core::configuration first_;
  core::replica_limits limits_;
  memory_log_store disk_;
  std::deque<core::replica_effects> waiting_;
  core::replica_effects last_written_;
  std::unique_ptr<core::replica> replica_;
};

/// `accept` of one entry per slot from `first` on, under epoch 1.
inline core::accept accept_of(core::ballot by, std::uint64_t first,
                              std::vector<core::entry> entries, std::uint64_t watermark = 0) {
  return {table_log, by, {}, {1}, 1, {first}, std::move(entries), {watermark}};
}

inline core::prepare prepare_of(core::ballot by, std::uint64_t from = 1) {
  return {table_log, by, {from}, {1}};
}

inline core::commit commit_of(core::ballot by, std::uint64_t watermark) {
  return {table_log, by, {watermark}};
}

/// A batch that puts `row` := "v" as command `seq` of node 9.
inline core::entry put_entry(std::uint64_t seq, const std::string& row = "k") {
  return batch_of(seq, put(proc(9), seq, row, "v" + std::to_string(seq)));
}

}  // namespace atlas::tests
