// What exists on this node: follows the catalogue (the meta log's applied state), opens logs and
// spawns their acceptors, spawns a peer per other member, starts candidates. Detached, because
// opening a log may wait for the disk.
#pragma once

#include <atomic>
#include <deque>

#include "actors/board.hpp"
#include "actors/peer.hpp"
#include "net/delay_line.hpp"

namespace atlas::actors {

/// Inbound actors of the other members, by node; filled by the directory, read by the door.
class peer_book {
 public:
  void add(core::node_id node, peer_actor to);
  void remove(core::node_id node);
  [[nodiscard]] peer_actor find(core::node_id node) const;
  [[nodiscard]] std::vector<core::node_id> nodes() const;

 private:
  mutable std::mutex mutex_;
  std::map<core::node_id, peer_actor> peers_;
};

/// What the directory needs to know of the configuration file.
struct directory_options {
  introduction me;
  core::configuration genesis;             ///< of the meta log
  core::tolerance_policy quorum;           ///< of the meta log
  std::vector<core::node_record> members;  ///< known before the log is caught up (joining)
  std::function<double(const std::string& zone)> emulated_rtt_ms;  ///< empty = no emulation
  net::delay_line* delay = nullptr;
  std::shared_ptr<peer_book> peers;
  std::function<void()> every_tick;  ///< the request router's timer, every 50 ms
  /// False if a later start of that node, or another of the same number, was seen before. Otherwise
  /// this one is on disk when it returns; it may wait for the disk.
  std::function<bool(core::process who, std::uint64_t start_nonce)> admit;
  core::replica_limits limits;  ///< how much of each log is kept
};

/// Idle until its first tick_message, which whoever spawned it sends when the board is complete.
class directory : public metered<directory_actor::base> {
 public:
  directory(caf::actor_config& config, std::shared_ptr<board> where, core::node_store& disk,
            directory_options options);
  behavior_type make_behavior() override;

 private:
  void begin();
  void on_catalogue(const catalogue_news& news);
  void on_take_over(const take_over& t);
  void on_inherit(const inherit& i);
  void put_in_office(log_entry& entry, const owner_actor& who);
  /// False if it is open already, or was dropped.
  bool open_log(core::log_id log, const std::string& table, core::tolerance_policy policy,
                const core::configuration& first);
  /// Whether any of them was opened.
  bool open_logs(const core::catalogue_view& view);
  void leave_log(const std::shared_ptr<log_entry>& entry);
  void close_left_logs();
  void meet(const core::node_record& node);
  /// Closes the links to nodes that were removed and vote in no log any more.
  void part_from_removed();

  std::shared_ptr<board> board_;
  core::node_store& disk_;
  directory_options options_;
  /// Logs of dropped tables, and until when they go on.
  std::deque<std::pair<std::shared_ptr<log_entry>, std::uint64_t>> leaving_;
};

}  // namespace atlas::actors
