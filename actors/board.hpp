// Who is where on this node: the logs with their acceptor and owner actors, the links to other
// nodes, the members. Every actor and the gateway hold it; all of it is thread-safe. It also routes
// the messages of core/: to the own node by handle, to others by link.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/lease_desk.hpp"
#include "actors/locals.hpp"
#include "actors/metered.hpp"
#include "actors/peer_link.hpp"
#include "actors/small_writes.hpp"
#include "core/coordinator.hpp"
#include "core/nearest_quorum.hpp"

namespace atlas::actors {

/// What is known of one log on this node; updated by its acceptor and owner.
class log_entry {
 public:
  log_entry(core::log_id id, std::string table_name, core::tolerance_policy policy)
      : log(id), table(std::move(table_name)), tolerances_(policy) {}

  struct status {
    core::ballot promised;
    core::process holder;
    core::slot watermark;
    core::stamp last_stamp;
    std::shared_ptr<const core::configuration> active;
    bool settled = true;  ///< see core::replica
  };
  void update(const status& s);
  [[nodiscard]] status now() const;

  void set_owner(owner_actor owner);
  [[nodiscard]] owner_actor owner() const;
  /// What the catalogue asks for; the log's configuration follows it.
  void set_tolerances(const core::tolerance_policy& p);
  [[nodiscard]] core::tolerance_policy tolerances() const;

  /// Nothing is in it any more: it is left in a moment.
  std::atomic<bool> leaving{false};

  /// What an owner or candidate of this node says of itself: ballot and generation, round 0 once it
  /// does not go on, and the number under which it may read, or 0. Ignored from anybody but who is
  /// in office: another one may be there already.
  void report(caf::actor_id who, core::ballot by, core::generation gen, std::uint64_t reads);
  void leave_office(caf::actor_id who);
  [[nodiscard]] std::pair<core::ballot, core::generation> present_tenure() const;

  /// Number of the tenure under which reads may be answered on a lease; 0 = none. The owner takes
  /// it back before anything else leaves it that lets another node go on.
  std::atomic<std::uint64_t> reading_tenure{0};

  /// How many watches of this node's clients follow the log.
  std::atomic<std::uint32_t> watches{0};

  const core::log_id log;
  const std::string table;  ///< or group that it was opened for
  // Set before the entry is published, never changed.
  acceptor_actor acceptor;
  std::shared_ptr<const core::log_store> disk;

 private:
  mutable std::mutex mutex_;
  status status_;
  owner_actor owner_;
  std::pair<core::ballot, core::generation> tenure_;
  core::tolerance_policy tolerances_;
};

/// Where answers for this node's clients go; the gateway's request router.
class request_sink {
 public:
  virtual ~request_sink() = default;
  virtual void on_answers(answers&& a) = 0;
  virtual void on_returned(returned&& r) = 0;
  virtual void on_move_reply(move_reply&& r) = 0;
  /// Answers of this node's own copies to its clients' stale reads.
  virtual void on_stale_answers(std::vector<core::replica_effects::stale_answer>&& list) = 0;
  /// What was found for a watch.
  virtual void on_watch_part(std::uint64_t watch, std::uint64_t look, core::watch_part&& part) = 0;
  /// The name that was asked for, of a part of an upload or of one that was read, and its bytes
  /// back.
  virtual void on_hashed(std::uint64_t ticket, bool is_up, std::string&& name,
                         std::shared_ptr<std::string>&& bytes) = 0;
  /// More of a log that is watched is on this node's disk.
  virtual void on_history(core::log_id log) = 0;
  /// An owner, a table or a reachable node came or went: look at the routes again.
  virtual void on_routes_changed() = 0;
};

class board {
 public:
  board(core::process self, std::string zone) : self_(self), zone_(std::move(zone)) {}

  [[nodiscard]] core::process self() const { return self_; }
  [[nodiscard]] const std::string& zone() const { return zone_; }
  meter_board& meters() { return meters_; }

  void add_log(std::shared_ptr<log_entry> entry);
  /// Which log each table or group is in, or on its way to.
  void set_names(std::map<std::string, std::shared_ptr<log_entry>> names);
  void remove_log(core::log_id id);
  [[nodiscard]] std::shared_ptr<log_entry> log(core::log_id id) const;
  [[nodiscard]] std::shared_ptr<log_entry> log_of(const std::string& table) const;
  /// All but those that are being left.
  [[nodiscard]] std::vector<std::shared_ptr<log_entry>> logs() const;

  void add_link(std::shared_ptr<peer_link> link);
  [[nodiscard]] std::shared_ptr<peer_link> link(core::node_id node) const;
  /// Of a node that was removed: from here on it is neither heard nor spoken to.
  void remove_link(core::node_id node);

  void set_catalogue(std::shared_ptr<const core::catalogue_view> view);
  [[nodiscard]] std::shared_ptr<const core::catalogue_view> catalogue() const;

  /// Nodes that can be heard now, this one included, in id order.
  [[nodiscard]] std::vector<core::node_id> reachable_nodes() const;
  /// Smoothed round trips to the nodes that were measured.
  [[nodiscard]] core::round_trips distances() const;
  [[nodiscard]] bool hears(core::process p) const;

  /// Sends a message of core/ to a node; to the own node without a detour.
  void send(core::outgoing&& m);
  void send_all(std::vector<core::outgoing>&& list) {
    for (auto& m : list) send(std::move(m));
  }
  /// Hands a message of `from` to the actor that it is for.
  template <class M>
  void deliver(core::process from, M&& m);
  /// Answers back to the node whose clients wait for them.
  void answer(core::process origin, answers&& a);
  void give_back(core::process origin, returned&& r);
  /// Requests to another node that owns their log, in messages of bounded size.
  void forward_to(core::node_id owner, forward&& f);
  /// These found no owner here.
  void bounce(core::process from, const forward& f);
  void tell_moved(core::process asker, move_reply&& r);

  /// Grants and releases of one heartbeat answer from `granter`.
  void book_leases(core::process granter, std::uint64_t sent_us, const core::lease_grant& grant);

  /// Another member said that this node is none any more.
  /// True for the first who says it: he tells the operator.
  bool note_removed() { return !removed_.exchange(true); }
  [[nodiscard]] bool was_removed() const { return removed_; }

  // Set once while the node starts, before any other thread runs.
  std::unique_ptr<lease_desk> leases;
  bool reads_on_leases = true;  ///< false: `reads: quorum`
  bool thrifty = false;         ///< owners ask the nearest quorum first
  store_actor store;
  filer_actor filer;
  reader_actor reader;
  hasher_actor hasher;
  small_writes small;  ///< commands applied here that bring nothing large
  coordinator_actor coordinator;
  directory_actor directory;
  request_sink* requests = nullptr;

 private:
  const core::process self_;
  const std::string zone_;
  std::atomic<bool> removed_{false};
  meter_board meters_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<core::log_id, std::shared_ptr<log_entry>> logs_;
  std::map<std::string, std::shared_ptr<log_entry>> by_table_;
  std::map<core::node_id, std::shared_ptr<peer_link>> links_;
  std::shared_ptr<const core::catalogue_view> catalogue_ = std::make_shared<core::catalogue_view>();
};

template <class M>
void board::deliver(core::process from, M&& m) {
  using message_type = std::decay_t<M>;
  if constexpr (std::is_same_v<message_type, core::owner_query> ||
                std::is_same_v<message_type, core::owner_report>) {
    caf::anon_send(coordinator, from, std::forward<M>(m));
  } else {
    const auto entry = log(m.log);
    if (!entry) return;  // not known here yet: the sender repeats
    if constexpr (std::is_same_v<message_type, core::promise> ||
                  std::is_same_v<message_type, core::nack> ||
                  std::is_same_v<message_type, core::accepted> ||
                  std::is_same_v<message_type, core::move_ready> ||
                  std::is_same_v<message_type, move_request>) {
      if (const auto owner = entry->owner()) caf::anon_send(owner, from, std::forward<M>(m));
    } else {
      caf::anon_send(entry->acceptor, from, std::forward<M>(m));
    }
  }
}

}  // namespace atlas::actors
