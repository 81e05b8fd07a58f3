// The node's disk: all logs of a node in one RocksDB, one column family per log, one write-ahead
// log for all of them. This header is the whole public face of storage/; no RocksDB type leaves it.
// Which bytes the records become: docs/formats.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ports.hpp"
#include "core/result.hpp"
#include "storage/identity.hpp"
#include "storage/store_options.hpp"

namespace atlas::storage {

/// `core::node_store` on RocksDB. Logs handed out by `open_log` stay usable after the store is
/// gone; the directory stays locked until the last of them is.
class rocks_store : public core::node_store {
 public:
  /// Opens or creates the data directory, checks it and raises the boot number durably.
  /// Errors: `refused` (another process uses it), `wrong_version`, `corrupt` (damaged, or synced
  /// writes are missing; the node must not vote with it), `disk` (cannot be created, read or
  /// written).
  static core::result<std::unique_ptr<rocks_store>> open(const store_options& options);
  ~rocks_store() override;

  /// Not to be read while `set_membership` runs on another thread.
  [[nodiscard]] const node_identity& identity() const;

  /// Makes the node a member, once and for all; durable before it returns. The same membership
  /// again succeeds. Errors: `refused` if it would change the membership or is no membership at
  /// all.
  core::result<core::done> set_membership(std::string_view cluster_id, core::node_id node,
                                          bool keys_folded);

  /// The last start seen of each other node, from this run and earlier ones.
  /// The longest lease, in ms, that this node may have granted before its present start.
  [[nodiscard]] std::uint64_t lease_ms() const;
  /// Leases of up to `ms` may be granted once this has returned without a failure.
  core::result<core::done> allow_leases(std::uint64_t ms);
  [[nodiscard]] std::map<core::node_id, sighting> sightings() const;
  /// Remembers a start of another node; durable before it returns. Errors: `disk`. Any thread.
  core::result<core::done> remember(core::node_id node, const sighting& seen);

  /// Only `sync` decides whether to wait for the disk; the flags inside the groups are the caller's
  /// notes. Every log must have been opened once, in this run or an earlier one.
  void write(std::vector<core::log_writes>& groups, bool sync) override;
  void file_entries(core::log_writes& group) override;
  void sync_filed() override;
  /// A log that exists keeps the table name it was first opened for.
  std::shared_ptr<core::log_store> open_log(core::log_id log, std::string_view table) override;
  void drop_log(core::log_id log) override;
  [[nodiscard]] std::vector<std::pair<core::log_id, std::string>> logs() const override;

 private:
  struct parts;
  explicit rocks_store(std::unique_ptr<parts> p);

  std::unique_ptr<parts> parts_;
};

}  // namespace atlas::storage
