// The gateway's backend: finds the log of each request, keeps it until it is answered (one
// core::request_table per log), and turns outcomes into replies. Called by the gateway's thread and
// by actors; one mutex guards it, held for one round or one batch of answers at a time.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/audit.hpp"
#include "actors/board.hpp"
#include "core/request_table.hpp"
#include "core/stale_reads.hpp"
#include "net/gateway.hpp"

namespace atlas::actors {

struct router_options {
  std::uint64_t request_timeout_ms = 10'000;
  core::tolerance_policy quorum;  ///< of tables that are created here
  bool keys_folded = false;
  std::size_t value_bytes_max = 1 << 20;  ///< of one command; larger ones come in parts
  /// So long a part is kept while no value names it.
  std::uint64_t chunk_grace_us = std::uint64_t{3'600} * 1'000'000;
  std::string version;  ///< of the program, for INFO
  /// Told of changes of access and of denied changes; on any thread, may be empty.
  std::function<void(const audit_record&)> audit;
};

/// "<what> too large: <n> bytes, at most <n>".
[[nodiscard]] std::string hex_text(std::string_view bytes);
[[nodiscard]] std::string too_large(const std::string& what, std::size_t bytes, std::size_t most);

class request_router : public net::backend, public request_sink {
 public:
  request_router(std::shared_ptr<board> where, router_options options);

  void submit(std::vector<net::client_request>&& round) override;
  void poll(std::vector<net::client_reply>& out) override;
  /// While anything waits, the gateway's own thread keeps the deadlines: every other thread may be
  /// waiting for the disk.
  int next_deadline_ms() override;
  void on_taken(const std::vector<std::uint64_t>& tickets) override;
  void cancel(const std::vector<std::uint64_t>& tickets) override;

  void on_answers(answers&& a) override;
  void on_returned(returned&& r) override;
  void on_move_reply(move_reply&& r) override;
  void on_stale_answers(std::vector<core::replica_effects::stale_answer>&& list) override;
  void on_watch_part(std::uint64_t watch, std::uint64_t look, core::watch_part&& part) override;
  void on_hashed(std::uint64_t ticket, bool is_up, std::string&& name,
                 std::shared_ptr<std::string>&& bytes) override;
  void on_history(core::log_id log) override;
  void on_routes_changed() override;

  /// Deadlines, repeats, owners that moved; every 50 ms, while no gateway is open too.
  void tick();
  /// Called when replies are ready; set before the gateway starts.
  void set_wake(std::function<void()> wake);
  /// A command of the node itself to the meta log. `done(false, why)` if it could not be decided.
  void run_meta_command(core::operation what, std::string row, std::string value,
                        std::function<void(bool decided, core::outcome result)> done);

 private:
  /// What to do with an outcome.
  using completion = std::function<void(bool decided, core::outcome&& result)>;
  struct waiting {
    std::uint64_t ticket = 0;  ///< the gateway's, for `verb`
    net::verb verb = net::verb::key_get;
    completion done;  ///< instead of a reply, if set
    /// The request as it came, if the reply needs more of it, or if it can not be told from what
    /// was made of it.
    std::shared_ptr<net::client_request> original = {};
    std::uint64_t connection = 0;  ///< of the client
  };
  /// A table that this node's clients use, or a log itself.
  struct route {
    route(core::process self, core::table_id id, std::string name)
        : table(id), label(std::move(name)), requests(self, id), stale(id) {}
    const core::table_id table;
    const std::string label;           ///< name of the table
    bool is_group = false;             ///< no table
    std::uint64_t before_first = 0;    ///< see watch
    std::shared_ptr<log_entry> entry;  ///< the log that holds it, as far as this node knows
    core::request_table requests;
    core::stale_reads stale;
    core::process destination;  ///< where the requests went last
    caf::actor_id tenure = 0;   ///< which local owner, if it was local
    bool dirty = false;         ///< has something to send
  };
  /// A request for a table that this node does not know (yet).
  struct parked {
    net::client_request request;
    std::uint64_t deadline_ms;
    /// The question under way was asked after this request came, so its answer is good for it.
    bool asked = false;
  };
  struct unknown_table {
    std::vector<parked> list;
    bool asked = false;     ///< a lookup or creation is under way
    core::table_id exists;  ///< the meta log says so; this node will see it soon
    std::string why;
  };
  /// At the hasher: a part of an upload, or one that was read.
  struct hashed_request {
    net::client_request request;
    std::string expected;
  };
  struct scan_job;
  /// One TABLE MOVE that is not answered yet.
  struct pending_move {
    std::uint64_t ticket = 0;  ///< the gateway's
    std::shared_ptr<log_entry> entry;
    core::node_id target;
    std::uint64_t deadline_ms = 0;
    core::process asked;  ///< the owner that was asked last, and when
    std::uint64_t asked_at_ms = 0;
  };
  /// A change that is decided and must come into force in the logs of `tables`, back first.
  struct change {
    std::uint64_t ticket = 0;
    std::uint64_t deadline = 0;
    std::vector<std::string> tables;
    std::string what;  ///< what is decided, for who must be told that it is not in force yet
    std::function<bool(const core::configuration&)> is_done;
    bool asked = false;  ///< the log of `tables.back()` was asked for its configuration
  };

  /// A TABLE DROP that is decided: the log must be closed, or the table be sealed and cleared in
  /// the log of its group; then the name is free.
  struct pending_drop {
    core::table_record table;
    /// The gateway's, and when each is answered at the latest; none if nobody here asked for it.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> tickets;
    std::uint64_t deadline = 0;  ///< no earlier than theirs
    bool asked = false;
    bool closed = false;
    bool cleared = false;
  };
  /// A WATCH that goes on; named by the gateway's ticket.
  struct watch {
    std::string table;
    core::watch_terms terms;
    /// What the client calls the position in front of the table's first change: when the table was
    /// made, in microseconds. Changes are counted from there; the next table of the name begins far
    /// behind it (catalogue.cpp), so that their positions are apart.
    std::uint64_t before_first = 0;
    std::optional<std::uint64_t> named;  ///< the client goes on from this
    std::shared_ptr<log_entry> entry;
    bool is_told = false;        ///< `WATCHING` was said
    bool is_asked = false;       ///< the reader looks
    bool is_full = false;        ///< the client has not taken the last part
    bool again = false;          ///< there may be more by now
    core::log_id asked;          ///< the log that the reader looks at
    std::uint64_t number = 0;    ///< of that look
    bool is_orphan = false;      ///< that log is gone from this node, and was looked at since
    std::uint64_t question = 0;  ///< for the frontier, which is out; 0: none
    /// From here on the copy holds every change that was acknowledged when the owner was asked.
    std::optional<core::slot> frontier;
    std::uint64_t looked_at_ms = 0;
    std::uint64_t deadline_ms = 0;  ///< for `WATCHING`
  };
  enum class leg : std::uint8_t { seal, read_part, adopt, clear, report };
  /// A table on its way from log to log, carried by this node (and maybe by others).
  struct travel {
    core::table_record table;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> tickets;  ///< the gateway's; deadline
    leg next = leg::seal;
    core::table_state arrived;  ///< as the log that it enters said last
    std::string part;
    bool asked = false;
  };

  // All with mutex_ held.
  void start(net::client_request&& r, std::uint64_t now_ms, std::uint64_t deadline_ms);
  void start_key(net::client_request&& r, std::uint64_t now_ms, std::uint64_t deadline_ms);
  /// What keeps a key from being read or written; empty: nothing.
  [[nodiscard]] static std::string key_error(const std::string& key, bool is_write);
  // request_router_keys.cpp: what only some clients say
  void start_rule(route& to, net::client_request&& r, std::string row, std::uint64_t deadline_ms);
  void start_many(const net::client_request& r, std::uint64_t deadline_ms);
  void start_transaction(net::client_request&& r, std::uint64_t deadline_ms);
  [[nodiscard]] std::string info_text() const;
  void reply_rule(const waiting& w, core::outcome&& result);
  /// Replies to a change that was denied, and says so in the audit log.
  void deny(route& r, const core::answer& a);
  // request_router_blobs.cpp
  void make_parts(std::vector<net::client_request>& round) const;
  void start_blob(net::client_request&& r);
  void start_commit(net::client_request&& r, std::uint64_t now, std::uint64_t deadline);
  void restart(net::client_request&& r, std::uint64_t deadline_ms);
  void check_chunk(const net::client_request& r, std::string&& bytes);
  void on_chunked(route& r, core::answer&& a);
  void reply_chunked(const waiting& w, std::string_view data, std::string_view key = {});
  // request_router_scans.cpp
  void start_scan(net::client_request&& r, std::uint64_t now_ms, std::uint64_t deadline_ms);
  void finish_scan(scan_job& job);
  static void take_part(scan_job& job, const std::string& table, const std::string& data);
  static std::vector<std::string> draw_sample(scan_job& job);
  // request_router_watch.cpp
  void add_watch(route& to, const net::client_request& r, std::string row,
                 std::uint64_t deadline_ms);
  void look(std::uint64_t ticket, watch& w);
  void take_watch_part(std::uint64_t ticket, watch& w, core::watch_part&& part);
  void begin_telling(std::uint64_t ticket, watch& w, core::watch_part& part);
  void give_events(std::uint64_t ticket, watch& w, std::vector<core::watch_event>&& events);
  static void follow_to(watch& w, std::shared_ptr<log_entry> entry);
  void follow_on(watch& w, core::log_id log);
  bool look_after_orphan(watch& w);
  void ask_where(std::uint64_t ticket, watch& w);
  void on_told_where(std::uint64_t ticket, watch& w, bool decided, const core::outcome& result);
  void check_position(std::uint64_t ticket, watch& w, const core::watch_part& part);
  void ask_again(std::uint64_t ticket);
  void end_watch(std::uint64_t ticket, const std::string& why);
  void forget_watch(std::uint64_t ticket);
  void look_after_watches(std::uint64_t now_ms);
  // request_router_stale.cpp
  void add_stale(route& to, const net::client_request& r, std::string row,
                 std::uint64_t deadline_ms);
  void press_stale(route& r, std::uint64_t now_ms);
  void ask_frontier(route& r, std::uint64_t now_ms);
  void on_frontier(core::table_id table, bool decided, const core::outcome& result);
  void expire_stale(route& r, std::uint64_t now_ms);
  void withdraw_stale(route& r);
  // request_router_changes.cpp
  void start_change(net::client_request&& r, std::uint64_t deadline_ms);
  void start_create(const net::client_request& r, std::uint64_t deadline_ms);
  void start_alter(const net::client_request& r, std::uint64_t deadline_ms);
  void start_remove(const net::client_request& r, std::uint64_t deadline_ms);
  void list_tables_of_removal(core::node_id id, std::uint64_t ticket, std::uint64_t deadline_ms);
  /// Runs a command through the meta log. What is refused is replied; else `then` goes on.
  void decide(core::operation what, const std::string& row, std::string value, std::uint64_t ticket,
              std::uint64_t deadline_ms, std::function<void(core::outcome&&)> then);
  void continue_changes(std::uint64_t now_ms);
  void ask_configuration(change& c);
  [[nodiscard]] std::string describe_unfinished(const change& c) const;
  /// A table of the scan is on its way in or out: again with the next tick.
  void rescan(scan_job& job);
  void repeat_scans();
  void scan_tables(std::shared_ptr<scan_job> job, std::vector<std::string> tables);
  void ask_whether_group(const std::string& table, std::uint64_t deadline, completion then);
  void scan_table(const std::shared_ptr<scan_job>& job, const std::string& table);
  // request_router_moves.cpp
  void start_move(const net::client_request& r, std::uint64_t now_ms, std::uint64_t deadline_ms);
  [[nodiscard]] core::node_id move_target(const log_entry& entry, const std::string& text,
                                          std::string& wrong) const;
  /// Asks whoever owns the table now; true if the target does.
  bool press(std::uint64_t number, pending_move& m, std::uint64_t now_ms);
  void tick_moves(std::uint64_t now_ms);
  // request_router_drops.cpp
  void start_drop(const net::client_request& r, std::uint64_t deadline_ms);
  void press_drops(std::uint64_t now_ms);
  bool press_drop(core::table_id table, pending_drop& d);
  void step_drop(pending_drop& d, const completion& answered);
  void on_drop_step(core::table_id table, bool decided, const core::outcome& result);
  void expire_droppers(pending_drop& d, std::uint64_t now_ms);
  void end_drop(pending_drop& d);
  void retire(core::table_id table);
  void leave_dropped_tables();
  // request_router_groups.cpp
  void start_group_create(const net::client_request& r, std::uint64_t deadline_ms);
  void start_regroup(const net::client_request& r, std::uint64_t deadline_ms);
  void look_after_tables(std::uint64_t now_ms);
  void press_travels(std::uint64_t now_ms);
  travel& travel_of(const core::table_record& t);
  void press_travel(travel& t);
  void on_leg_done(core::table_id table, bool decided, const core::outcome& result);
  bool advance(travel& t, const core::outcome& result);
  void expire_travelers(travel& t, std::uint64_t now_ms);
  [[nodiscard]] static std::string destination_text(const core::table_record& t);
  route* admin_route(core::log_id log);
  void follow_table(route& r, const core::answer& a);
  void follow_catalogue(route& r);
  void sweep_retired();
  void send_elsewhere(const route& from, core::request_table::withdrawn&& r);
  void park(const std::string& table, net::client_request&& r, std::uint64_t deadline_ms);
  void look_up(const std::string& table);
  void create(const std::string& table);
  void leave_group(const core::table_record& known);
  void on_looked_up(const std::string& table, bool decided, core::outcome&& result);
  void unpark_known();
  void expire_parked(std::uint64_t now_ms);
  void reply_absent(const std::string& table, const net::client_request& r);
  void reply(std::uint64_t ticket, net::reply_kind what, std::string text = {});
  void reply_outcome(const waiting& w, core::outcome&& result);
  route* find_route(const std::string& table);
  /// There was such a table, and its name is free or will be.
  [[nodiscard]] bool is_gone(core::table_id table) const;
  [[nodiscard]] route* route_of(core::table_id table) const {
    const auto found = by_table_.find(table);
    return found == by_table_.end() ? nullptr : found->second;
  }
  void add_read(route& to, core::read_kind what, std::string row, waiting w,
                std::uint64_t deadline_ms, std::string principal = {});
  void add_write(route& to, core::request_table::write_request&& what, waiting w,
                 std::uint64_t deadline_ms);
  void flush(route& r, std::uint64_t now_ms);
  void flush_dirty(std::uint64_t now_ms);
  void finish(core::request_table& table, const core::answer& a);
  void expire(route& r, std::uint64_t now_ms);
  void tick_locked();
  void run_after(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] core::process owner_of(const log_entry& entry, owner_actor& local) const;
  void wake_if_ready(std::unique_lock<std::mutex>& lock);

  std::shared_ptr<board> board_;
  const router_options options_;
  std::mutex mutex_;
  std::function<void()> wake_;
  static constexpr std::uint64_t tick_every_ms = 50;
  std::uint64_t ticked_at_ms_ = 0;
  std::uint64_t next_ticket_ = 1;
  std::unordered_map<std::uint64_t, waiting> waiting_;
  std::unordered_map<std::string, std::unique_ptr<route>> routes_;  ///< by table
  std::unordered_map<core::table_id, route*> by_table_;
  std::map<core::log_id, std::unique_ptr<route>> admin_;  ///< to logs themselves
  std::vector<route*> dirty_;
  /// Dropped, as their log, the catalogue or a newer table of the name says; bound: drops of this
  /// run.
  std::set<core::table_id> closed_;
  std::vector<std::unique_ptr<route>> retired_;   ///< of dropped tables, until all is answered
  std::map<core::table_id, pending_drop> drops_;  ///< each ends by its deadline
  std::map<core::table_id, travel> travels_;
  std::uint64_t looked_after_at_ms_ = 0;
  std::vector<std::function<void()>> next_tick_;  ///< with deadlines of their own
  std::vector<parked> rescans_;  ///< SCANs that met a table on its way in or out; with deadlines
  std::map<std::string, unknown_table> unknown_;
  std::map<std::uint64_t, pending_move> moves_;  ///< by number; each ends by its deadline
  std::uint64_t last_move_ = 0;
  std::unordered_map<std::uint64_t, hashed_request> hashing_;
  std::uint64_t denied_upload_ = 0;         ///< the last one that the audit log was told of
  std::map<std::uint64_t, watch> watches_;  ///< bound: the gateway's requests in flight
  std::uint64_t last_look_ = 0;             ///< or question
  std::vector<change> changes_;  ///< bound: the gateway's requests in flight; each has a deadline
  std::vector<net::client_reply> ready_;
  /// Parts of requests for several keys: their tickets are none of the gateway's.
  static constexpr std::uint64_t first_part = std::uint64_t{1} << 62;
  std::uint64_t next_part_ = first_part;
  std::unordered_map<std::uint64_t, std::function<void(net::client_reply&&)>> parts_;
  std::vector<std::function<void()>> after_;  ///< run after the lock is released
};

}  // namespace atlas::actors
