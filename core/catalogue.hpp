// The meta log's state: which nodes are members and which tables exist, as rows of its one table
// (`atlas.nodes`). Membership is itself a table (consensus.md §9); ids come from counters in the
// log, so no two nodes can ever hand out the same one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/command.hpp"
#include "core/configuration.hpp"
#include "core/ids.hpp"

namespace atlas::core {

inline constexpr log_id meta_log{1};
inline constexpr std::string_view meta_table = "atlas.nodes";

/// A member of the cluster. `id` is assigned by the log; the rest is what the node said of itself.
struct node_record {
  node_id id;
  std::string uuid;       ///< of the node's installation
  std::string disk_uuid;  ///< of its data directory; another disk is another node
  std::string zone;
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const node_record&, const node_record&) = default;
};

/// A table, or a group of tables, and the log that orders it. `first` is the configuration that log
/// began with (epoch 1); later ones are in the log itself.
struct table_record {
  std::string name;
  log_id log;
  tolerance_policy policy;  ///< of the log; rests while the table is in a group
  configuration first;
  bool closing = false;   ///< `TABLE DROP` is decided; the name is free when the log is closed
  bool is_group = false;  ///< no table: a log for several
  table_id table;
  stamp made;                ///< log time, or later: far from the last table of the name
  std::string group;         ///< the table is in, or on its way to, the log of that group
  std::uint64_t moves = 0;   ///< how often the table has moved when it is in `log`
  log_id from;               ///< it is on its way from there; 0: it has arrived
  configuration from_first;  ///< what `from` began with
  friend bool operator==(const table_record&, const table_record&) = default;
};

[[nodiscard]] std::string encode_node(const node_record& n);
[[nodiscard]] std::optional<node_record> decode_node(std::string_view bytes);
[[nodiscard]] std::string encode_table(const table_record& t);
[[nodiscard]] std::optional<table_record> decode_table(std::string_view bytes);
[[nodiscard]] std::string encode_policy(const tolerance_policy& p);
[[nodiscard]] std::optional<tolerance_policy> decode_policy(std::string_view bytes);

/// What `TABLE ALTER` asks for: a tolerance that is not named stays as it is, and one that is named
/// is a number or "auto" (empty inside).
struct policy_change {
  std::optional<std::optional<std::uint32_t>> fn;
  std::optional<std::optional<std::uint32_t>> fz;
  friend bool operator==(const policy_change&, const policy_change&) = default;
};
[[nodiscard]] std::string encode_policy_change(const policy_change& p);
[[nodiscard]] std::optional<policy_change> decode_policy_change(std::string_view bytes);
[[nodiscard]] tolerance_policy changed_policy(tolerance_policy p, const policy_change& by);

/// Rows of the meta table as the state machine sees them while it applies a batch.
class catalogue_rows {
 public:
  virtual ~catalogue_rows() = default;
  [[nodiscard]] virtual std::optional<std::string> get(const std::string& row) const = 0;
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> scan(
      const std::string& prefix) const = 0;
  virtual void put(const std::string& row, std::string value) = 0;
  virtual void erase(const std::string& row) = 0;
};

/// Executes `create_table` (row = name, value = encoded policy; result data = encoded table_record)
/// or `add_node` (row = uuid, value = encoded node_record without id; result data = encoded
/// node_record). Both are idempotent: what exists is answered, not made twice. `refused` names the
/// zone and the number when the tolerances do not fit the members (consensus.md §2).
/// `alter_table` (result data = encoded table_record) and `remove_node` (result data = encoded
/// node_record) too are refused like that, for every table that the change would break; what they
/// do not find is `not_found`. Owners bring the decision about, in each log by itself (§9).
/// `close_table` (result data = encoded table_record) begins a drop, and `forget_table` ends it
/// once the log refuses everything: so no two tables of one name are ever served. In between
/// `create_table` of that name is answered `dropped`.
/// `create_group`, `join_group` and `leave_group` (result data = encoded table_record) decide where
/// a table belongs; `table_arrived` says that it is there, and only then it may go on. While a
/// table is on its way, the next change of it is answered with the record as it is.
[[nodiscard]] outcome execute_catalogue(const command& c, stamp when, catalogue_rows& rows);

/// Everything the catalogue holds, in id (nodes) and name (tables) order.
struct catalogue_view {
  std::vector<node_record> nodes;
  std::vector<table_record> tables;
  node_id next_node{1};  ///< ids below this were given; who has one and is no member was removed
  log_id next_log{meta_log.value + 1};  ///< the same for logs and tables
  [[nodiscard]] bool was_removed(node_id id) const;
  /// No table and no group is in this log any more, or on its way from there.
  [[nodiscard]] bool was_dropped(log_id id) const;
  [[nodiscard]] const table_record* find(const std::string& name) const;
  [[nodiscard]] const table_record* find(table_id id) const;
  /// There was such a table, and there will be none.
  [[nodiscard]] bool was_forgotten(table_id id) const {
    return id.value < next_log.value && !find(id);
  }
};
[[nodiscard]] catalogue_view read_catalogue(
    const std::vector<std::pair<std::string, std::string>>& rows);

/// The next configuration of a log once `members` are the members: everybody votes, tolerances by
/// `policy`. For the meta log (`lenient`) numbers that do not fit fall back to auto, because a
/// cluster grows from one node; for a table that is an error. Empty if nothing is to be changed,
/// and while `view` is older than the present configuration.
[[nodiscard]] std::optional<configuration> next_configuration(const configuration& present,
                                                              const tolerance_policy& policy,
                                                              const catalogue_view& view,
                                                              bool lenient);

/// What a node that is no member any more is told, with the remedy.
[[nodiscard]] std::string removed_text(node_id id);

/// Why the present members can not give a table its tolerances; empty if they can.
[[nodiscard]] std::string policy_conflict(const tolerance_policy& policy,
                                          const std::vector<node_record>& members);

}  // namespace atlas::core
