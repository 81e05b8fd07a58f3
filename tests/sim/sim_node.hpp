// One simulated process around the real core/: replicas, owners, the coordinator and the request
// tables, wired the way the actors wire them, with the disk's group commit and the node's own
// clocks. A crash drops everything but the disk and the boot counter.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/coordinator.hpp"
#include "core/proposer.hpp"
#include "core/replica.hpp"
#include "core/request_table.hpp"
#include "tests/sim/monitor.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/sim_disk.hpp"
#include "tests/sim/sim_leases.hpp"

namespace atlas::sim {

/// Data of an outcome `dropped`: the request may have been executed before the table was dropped.
inline constexpr const char* dropped_in_doubt = "in doubt";

/// Where the outcomes of client requests go.
class client_desk {
 public:
  virtual ~client_desk() = default;
  virtual void on_answer(std::uint64_t ticket, const core::outcome& result) = 0;
  virtual void on_expired(std::uint64_t ticket, bool maybe_done) = 0;
  /// A read of the own copy: everything acknowledged by `since_us` is in it, says the node.
  virtual void on_stale(std::uint64_t ticket, const core::outcome& result,
                        std::uint64_t since_us) = 0;
};

/// What all nodes share.
struct world {
  event_queue& events;
  core::rng& random;
  network& net;
  monitor& watch;
  client_desk& desk;
  story& tale;
  const sim_options& options;
};

class sim_node {
 public:
  sim_node(world& w, core::node_id id, unsigned nodes);

  void start();
  void crash();
  /// The process stands still until `until_us`; what arrives waits.
  void pause(std::uint64_t until_us);
  /// Every write of the disk takes longer by this.
  /// The next write fails, which ends the process (consensus.md §3: fail-stop). `ended` is called.
  void fill_disk(std::function<void()> ended) { on_full_ = std::move(ended); }
  void slow_down(std::uint64_t us) { disk_penalty_us_ = us; }
  void receive(envelope&& e);

  /// One request of a client of this node. False: nothing was taken.
  /// `log` only counts for what is said to the log itself; tables are found wherever they are.
  bool write(core::table_id table, core::log_id log, core::request_table::write_request&& w,
             std::uint64_t timeout_ms);
  bool read(core::table_id table, core::log_id log, core::read_kind what, std::uint64_t ticket,
            std::string row, std::uint64_t timeout_ms);
  /// A read of this node's own copy, not older than `bound_ms`.
  bool read_stale(core::table_id table, std::uint64_t ticket, std::string row,
                  std::optional<std::uint64_t> bound_ms, std::uint64_t timeout_ms);

  [[nodiscard]] bool up() const { return run_ != nullptr; }
  /// What its actors did so far, over all its starts.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  /// From now on nothing is demanded of it.
  void give_up() { given_up_ = true; }
  [[nodiscard]] bool is_well() const { return up() && !given_up_; }
  [[nodiscard]] core::node_id id() const { return self_.node; }
  [[nodiscard]] core::process self() const { return self_; }
  /// Owner of the log on this node, or null.
  [[nodiscard]] core::proposer* owner(core::log_id log);
  void reconfigure(core::log_id log, const core::configuration& next);
  /// Asks the owner on this node, if there is one, to hand the log to `target`.
  void move(core::log_id log, core::node_id target);
  /// Starts a candidate whatever the coordinator thinks: safety must not depend on its manners.
  void usurp(core::log_id log);
  [[nodiscard]] const core::replica& copy(core::log_id log) const;
  [[nodiscard]] const sim_disk& disk() const { return disk_; }
  /// One line per log, for a person who reads a failure.
  [[nodiscard]] std::string describe() const;

 private:
  /// In order, but each with its own small delay: an actor's mailbox.
  struct mailbox {
    std::uint64_t last_us = 0;
  };
  struct held_log {
    held_log(core::log_id id, core::process self, const sim_options& options, const sim_disk& disk,
             sim_leases* leases)
        : log(id), store(disk, id), copy(id, self, options.first, store, leases, options.limits) {}
    core::log_id log;
    sim_log_store store;
    core::replica copy;
    std::unique_ptr<core::proposer> owner;
    std::uint64_t tenure = 0;          ///< number of owners made
    std::uint64_t elected_tenure = 0;  ///< the last of them that became owner
    mailbox to_copy, to_owner, from_store;
  };
  /// Where requests went last, and in which tenure.
  struct destination {
    core::log_id log;
    core::process owner;
    std::uint64_t tenure = 0;
    friend bool operator==(const destination&, const destination&) = default;
  };
  /// Requests for one table, or to one log itself.
  struct route {
    core::log_id log;
    core::request_table requests;
    destination sent_to;
    core::stale_reads stale;
    std::map<std::uint64_t, std::uint64_t> arrived_us = {};  ///< of stale reads, by ticket
  };
  struct job {
    core::log_writes writes;
    std::uint64_t group = 0;
    std::vector<core::outgoing> held;
  };
  struct process_state {
    std::unique_ptr<sim_leases> leases;
    std::map<core::log_id, std::unique_ptr<held_log>> logs;
    std::map<std::pair<core::table_id, core::log_id>, route> routes;
    std::unique_ptr<core::coordinator> coordinator;
    /// Boot, and when a ping last said that this node is heard there, too; 0: never.
    std::map<core::node_id, std::pair<core::boot_epoch, std::uint64_t>> heard;
    std::map<core::node_id, std::uint64_t> answered;  ///< when its last pong came
    std::vector<core::node_id> reachable;
    std::deque<job> jobs;
    bool store_busy = false;
    std::uint64_t ticks = 0;
  };

  // sim_node.cpp: life, clocks, timers, arrival.
  void later(std::uint64_t delay_us, std::function<void()> what);
  void post(mailbox& box, std::function<void()> what);
  void tick();
  void tick_coordinator();
  void tell_nearness();
  void ping_all();
  void on_ping(core::process from, const ping& p);
  void on_pong(core::node_id from, const pong& p);
  void update_reachable();
  [[nodiscard]] core::clock_reading clocks() const;
  [[nodiscard]] bool hears(core::process p) const;
  [[nodiscard]] core::log_view view(const held_log& h) const;
  void arrive(core::process from, core::message&& m);
  void to_copy(held_log& h, core::process from, core::message&& m);
  void to_owner(held_log& h, core::process from, const core::message& m);
  void take_over(core::log_id log, core::ballot above);
  void inherit(held_log& h, const core::taken_log& taken);
  [[nodiscard]] std::vector<core::node_id> everybody() const;
  // sim_node_effects.cpp: what core wants done.
  template <class Step>
  void step_copy(held_log& h, Step step);
  template <class Step>
  void step_owner(held_log& h, Step step);
  void emit(held_log& h, core::replica_effects& out);
  void note_leaving(const core::message& m);
  void look_at(held_log& h, core::proposer::stage before);
  void tell(core::log_id log, const char* what) const {
    if (world_.tale.heard()) world_.tale.tell(self_.node, log, what);
  }
  void emit(held_log& h, core::proposer_effects& out);
  void send(held_log* h, core::outgoing&& m, mailbox* own);
  void send_to(core::process to, payload&& what);
  void start_store();
  void finish_store(std::vector<job>& batch);
  /// Reads of the tenure `tenure`, which `by` confirmed or a lease until `lease_until` covers.
  struct leave_to_read {
    core::slot applied_min;
    core::tick lease_until;
    core::ballot by;
    core::generation gen;
    std::uint64_t tenure;
  };
  void answer_reads(held_log& h, const leave_to_read& leave, std::vector<core::read>& reads);
  // sim_node_requests.cpp
  route& route_to(core::table_id table, core::log_id log);
  void follow_table(route& r, const core::answer& a);
  void tick_requests();
  void press_stale(route& r);
  void on_stale(core::table_id table, std::uint64_t ticket, const core::outcome& result);
  [[nodiscard]] bool end_question(route& r, std::uint64_t ticket, const core::outcome* result);
  void serve(held_log& h, forward&& f);
  void relay(const held_log& h, core::proposer_effects& out);
  void give_back(core::log_id log, const std::vector<core::command>& commands,
                 const std::vector<core::read>& reads, const std::string& why);
  void flush(route& r);
  void on_forward(core::process from, forward&& f);
  void on_answers(const answers& a);
  void on_returned(const returned& r);

  world& world_;
  core::process self_;
  unsigned nodes_;
  sim_disk disk_;
  std::int64_t drift_permille_;
  std::uint64_t clock_offset_us_;
  std::uint64_t steps_ = 0;
  std::uint64_t paused_until_ = 0;
  bool given_up_ = false;
  bool has_granted_ = false;  ///< some process of this node has granted leases
  std::uint64_t disk_penalty_us_ = 0;
  std::function<void()> on_full_;  ///< the disk has no space left
  std::unique_ptr<process_state> run_;
};

}  // namespace atlas::sim
