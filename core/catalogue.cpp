#include "core/catalogue.hpp"

#include <algorithm>
#include <charconv>

#include "core/bytes.hpp"
#include "core/catalogue_steps.hpp"
#include "core/check.hpp"
#include "core/grid_quorum.hpp"

namespace atlas::core {

std::uint64_t take_number(const char* counter, std::uint64_t first, catalogue_rows& rows) {
  std::uint64_t next = first;
  if (const auto stored = rows.get(counter)) next = byte_reader(*stored).varint();
  std::string after;
  put_varint(after, next + 1);
  rows.put(counter, std::move(after));
  return next;
}

std::vector<acceptor_seat> seats_of(const std::vector<node_record>& members) {
  std::vector<acceptor_seat> seats;
  seats.reserve(members.size());
  for (const auto& m : members) seats.push_back({m.id, m.zone});
  sort_seats(seats);
  return seats;
}

namespace {

// Rows of the meta table: "c/..." counters, "n/<id>" nodes, "u/<uuid>" node ids, "t/<name>" tables.
constexpr const char* next_node_row = "c/node";
// No table is made earlier than this, in microseconds.
constexpr const char* made_row = "c/made";
// A table with fewer changes than this has none at a position of the table that has its name next,
// whatever the clocks of the meta log's owners say.
constexpr std::uint64_t changes_apart = std::uint64_t{1} << 32;

std::string node_row(node_id id) {
  std::string row = "n/";
  put_big_endian(row, id.value);
  return row;
}

std::uint64_t number_at(const char* counter, const catalogue_rows& rows) {
  const auto stored = rows.get(counter);
  return stored ? byte_reader(*stored).varint() : 1;
}

outcome create_table(const command& c, stamp when, catalogue_rows& rows) {
  const std::string row = "t/" + c.row;
  if (auto exists = rows.get(row)) {
    if (decode_table(*exists)->closing) return {outcome_code::dropped, std::move(*exists)};
    return {outcome_code::ok, std::move(*exists)};
  }
  const auto policy = decode_policy(c.value);
  if (!policy) return {outcome_code::refused, "broken table policy"};
  const auto members = read_catalogue(rows.scan("n/")).nodes;
  configuration first;
  first.epoch = {1};
  first.seats = seats_of(members);
  first = resolve_tolerances(std::move(first), *policy);
  if (const auto quorum = grid_quorum::make(first); !quorum)
    return {outcome_code::refused, "table " + c.row + ": " + quorum.error().detail};
  table_record t;
  t.name = c.row;
  t.log = {take_number(next_log_row, meta_log.value + 1, rows)};
  t.policy = *policy;
  t.first = first;
  t.is_group = c.what == operation::create_group;
  t.table = home_table(t.log);
  t.made.us = std::max(when.us, number_at(made_row, rows));
  auto bytes = encode_table(t);
  rows.put(row, bytes);
  return {outcome_code::ok, std::move(bytes)};
}

outcome add_node(const command& c, catalogue_rows& rows) {
  auto node = decode_node(c.value);
  if (!node) return {outcome_code::refused, "broken node record"};
  const std::string by_uuid = "u/" + node->uuid;
  if (const auto id = rows.get(by_uuid)) {
    const node_id given{byte_reader(*id).varint()};
    if (const auto stored = rows.get(node_row(given))) return {outcome_code::ok, *stored};
    return {outcome_code::refused, removed_text(given)};
  }
  for (const auto& other : read_catalogue(rows.scan("n/")).nodes)
    if (other.host == node->host && other.port == node->port)
      return {outcome_code::refused,
              "address " + node->host + ":" + std::to_string(node->port) + " belongs to node " +
                  std::to_string(other.id.value) +
                  " with another disk; if that node is gone for good, send " + "NODE REMOVE " +
                  std::to_string(other.id.value) +
                  " to any other node and start this one again: it joins " + "as a new node"};
  node->id = {take_number(next_node_row, 1, rows)};
  std::string id;
  put_varint(id, node->id.value);
  rows.put(by_uuid, std::move(id));
  auto bytes = encode_node(*node);
  rows.put(node_row(node->id), bytes);
  return {outcome_code::ok, std::move(bytes)};
}

outcome alter_table(const command& c, catalogue_rows& rows) {
  const auto change = decode_policy_change(c.value);
  if (!change) return {outcome_code::refused, "broken change of a table policy"};
  const std::string row = "t/" + c.row;
  const auto stored = rows.get(row);
  if (!stored) return {outcome_code::not_found, {}};
  auto t = decode_table(*stored);
  ATLAS_CHECK(t.has_value(), "the log writes well-formed table records");
  if (t->closing) return {outcome_code::not_found, {}};
  if (!t->group.empty())
    return {outcome_code::refused, "table " + c.row + " is in group " + t->group +
                                       ", whose quorums are its own: send TABLE ALTER " + t->group};
  t->policy = changed_policy(t->policy, *change);
  const auto wrong = policy_conflict(t->policy, read_catalogue(rows.scan("n/")).nodes);
  if (!wrong.empty()) return {outcome_code::refused, "table " + c.row + ": " + wrong};
  auto bytes = encode_table(*t);
  rows.put(row, bytes);
  return {outcome_code::ok, std::move(bytes)};
}

outcome close_table(const command& c, catalogue_rows& rows) {
  const std::string row = "t/" + c.row;
  const auto stored = rows.get(row);
  if (!stored) return {outcome_code::not_found, {}};
  auto t = decode_table(*stored);
  ATLAS_CHECK(t.has_value(), "the log writes well-formed table records");
  if (t->is_group) {
    const auto members = members_of(c.row, rows);
    if (!members.empty())
      return {outcome_code::refused, "group " + c.row + " holds " + members +
                                         ": move them out with " +
                                         "GROUP REMOVE, or drop them first"};
  }
  t->closing = t->closing || !t->from;
  auto bytes = encode_table(*t);
  rows.put(row, bytes);
  return {outcome_code::ok, std::move(bytes)};
}

outcome forget_table(const command& c, catalogue_rows& rows) {
  const std::string row = "t/" + c.row;
  const auto stored = rows.get(row);
  const auto t = stored ? decode_table(*stored) : std::nullopt;
  // Another table of that name was made since: whoever repeats himself only hears that it is done.
  if (!t || !t->closing || std::to_string(t->table.value) != c.value) return {};
  rows.erase(row);
  std::string first;
  put_varint(first, std::max(t->made.us + changes_apart, number_at(made_row, rows)));
  rows.put(made_row, std::move(first));
  return {};
}

outcome remove_node(const command& c, catalogue_rows& rows) {
  node_id id;
  const auto* end = c.row.data() + c.row.size();
  const auto parsed = std::from_chars(c.row.data(), end, id.value);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return {outcome_code::refused, "invalid node id: " + c.row};
  const auto stored = rows.get(node_row(id));
  if (!stored) {
    // Removed before: whoever repeats himself only wants to know that it is done.
    const bool given = id && id.value < number_at(next_node_row, rows);
    return {given ? outcome_code::ok : outcome_code::not_found, {}};
  }
  auto left = read_catalogue(rows.scan("n/")).nodes;
  std::erase_if(left, [&](const node_record& n) { return n.id == id; });
  if (left.empty())
    return {outcome_code::refused, "node " + c.row + " is the last member; a cluster keeps one"};
  for (const auto& t : read_catalogue(rows.scan("t/")).tables)
    if (const auto wrong = policy_conflict(t.policy, left); !wrong.empty())
      return {outcome_code::refused,
              "without node " + c.row + " table " + t.name + " could not keep its tolerances: " +
                  wrong + "; change them first (TABLE ALTER " + t.name + " fn=auto fz=auto)"};
  // The uuid's row stays: this installation never comes back under any number.
  rows.erase(node_row(id));
  return {outcome_code::ok, *stored};
}

}  // namespace

bool catalogue_view::was_removed(node_id id) const {
  return id && id < next_node &&
         std::none_of(nodes.begin(), nodes.end(), [&](const auto& n) { return n.id == id; });
}

bool catalogue_view::was_dropped(log_id id) const {
  return id > meta_log && id < next_log &&
         std::none_of(tables.begin(), tables.end(),
                      [&](const auto& t) { return t.log == id || t.from == id; });
}

const table_record* catalogue_view::find(const std::string& name) const {
  const auto at =
      std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == name; });
  return at == tables.end() ? nullptr : &*at;
}

const table_record* catalogue_view::find(table_id id) const {
  const auto at =
      std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.table == id; });
  return at == tables.end() ? nullptr : &*at;
}

std::string removed_text(node_id id) {
  return "node " + std::to_string(id.value) +
         " was removed from this cluster for good; stop it, empty its db_path and start it: it "
         "joins as a new node";
}

tolerance_policy changed_policy(tolerance_policy p, const policy_change& by) {
  if (by.fn) p.fn = *by.fn;
  if (by.fz) p.fz = *by.fz;
  return p;
}

std::string policy_conflict(const tolerance_policy& policy,
                            const std::vector<node_record>& members) {
  configuration c;
  c.seats = seats_of(members);
  const auto quorum = grid_quorum::make(resolve_tolerances(std::move(c), policy));
  return quorum.ok() ? std::string() : quorum.error().detail;
}

outcome execute_catalogue(const command& c, stamp when, catalogue_rows& rows) {
  if (c.what == operation::create_table || c.what == operation::create_group)
    return create_table(c, when, rows);
  if (c.what == operation::join_group) return join_group(c, rows);
  if (c.what == operation::leave_group) return leave_group(c, rows);
  if (c.what == operation::table_arrived) return table_arrived(c, rows);
  if (c.what == operation::add_node) return add_node(c, rows);
  if (c.what == operation::alter_table) return alter_table(c, rows);
  if (c.what == operation::remove_node) return remove_node(c, rows);
  if (c.what == operation::close_table) return close_table(c, rows);
  if (c.what == operation::forget_table) return forget_table(c, rows);
  return {outcome_code::refused, "table atlas.nodes is kept by the cluster itself"};
}

catalogue_view read_catalogue(const std::vector<std::pair<std::string, std::string>>& rows) {
  catalogue_view view;
  for (const auto& [row, value] : rows) {
    if (row.starts_with("n/")) {
      auto n = decode_node(value);
      ATLAS_CHECK(n.has_value(), "the log writes well-formed node records");
      view.nodes.push_back(std::move(*n));
    } else if (row.starts_with("t/")) {
      auto t = decode_table(value);
      ATLAS_CHECK(t.has_value(), "the log writes well-formed table records");
      view.tables.push_back(std::move(*t));
    } else if (row == next_node_row) {
      view.next_node = {byte_reader(value).varint()};
    } else if (row == next_log_row) {
      view.next_log = {byte_reader(value).varint()};
    }
  }
  return view;
}

std::optional<configuration> next_configuration(const configuration& present,
                                                const tolerance_policy& policy,
                                                const catalogue_view& view, bool lenient) {
  // Whoever never heard of a seat's node has an older list than this configuration was made from.
  for (const auto& seat : present.seats)
    if (seat.node >= view.next_node) return std::nullopt;
  configuration next;
  next.epoch = present.epoch + 1;
  next.parent = present.epoch;
  next.seats = seats_of(view.nodes);
  next = resolve_tolerances(std::move(next), policy);
  if (!grid_quorum::make(next).ok()) {
    if (!lenient) return std::nullopt;
    next = resolve_tolerances(std::move(next), {});
    if (!grid_quorum::make(next).ok()) return std::nullopt;
  }
  if (next.seats == present.seats && next.fn == present.fn && next.fz == present.fz)
    return std::nullopt;
  return next;
}

}  // namespace atlas::core
