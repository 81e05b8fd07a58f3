// Tables join groups and leave them: the decision, in the meta log. One move of a table at a time;
// carrying it out is table_move.hpp.
#include <utility>

#include "core/catalogue_steps.hpp"
#include "core/grid_quorum.hpp"

namespace atlas::core {
namespace {

/// The table that `c` names, unless something stands against moving it, which is the answer then.
std::optional<table_record> movable_table(const command& c, const catalogue_rows& rows,
                                          outcome& wrong) {
  const auto stored = rows.get("t/" + c.row);
  auto t = stored ? decode_table(*stored) : std::nullopt;
  wrong = {outcome_code::not_found, {}};
  if (!t || t->closing) return std::nullopt;
  wrong = {outcome_code::refused, c.row + " is a group: only tables join and leave groups"};
  if (t->is_group) return std::nullopt;
  wrong = {outcome_code::ok, encode_table(*t)};  // on its way: later
  if (t->from) return std::nullopt;
  return t;
}

outcome send_off(table_record t, log_id to, const configuration& first, catalogue_rows& rows) {
  t.from = std::exchange(t.log, to);
  t.from_first = std::exchange(t.first, first);
  ++t.moves;
  auto bytes = encode_table(t);
  rows.put("t/" + t.name, bytes);
  return {outcome_code::ok, std::move(bytes)};
}

}  // namespace

/// "table a, b"; empty if nobody is in the group or on the way to or from it.
std::string members_of(const std::string& group, const catalogue_rows& rows) {
  const auto home = decode_table(*rows.get("t/" + group));
  std::string names;
  for (const auto& t : read_catalogue(rows.scan("t/")).tables)
    if (t.name != group && (t.log == home->log || t.from == home->log))
      names += (names.empty() ? "table " : ", ") + t.name;
  return names;
}

outcome join_group(const command& c, catalogue_rows& rows) {
  outcome wrong;
  auto t = movable_table(c, rows, wrong);
  if (!t) return wrong;
  const auto stored = rows.get("t/" + c.value);
  const auto group = stored ? decode_table(*stored) : std::nullopt;
  if (!group || group->closing)
    return {outcome_code::refused,
            "group " + c.value + " does not exist; send GROUP CREATE " + c.value + " first"};
  if (!group->is_group)
    return {outcome_code::refused, c.value + " is a table, not a group; send GROUP CREATE <group>"};
  if (t->group == c.value) return wrong;  // as it is
  if (!t->group.empty())
    return {outcome_code::refused, "table " + c.row + " is in group " + t->group +
                                       "; send GROUP REMOVE " + t->group + " " + c.row + " first"};
  t->group = c.value;
  return send_off(std::move(*t), group->log, group->first, rows);
}

outcome leave_group(const command& c, catalogue_rows& rows) {
  outcome wrong;
  auto t = movable_table(c, rows, wrong);
  if (!t) return wrong;
  if (t->group != c.value)
    return {outcome_code::refused, "table " + c.row + " is not in group " + c.value +
                                       (t->group.empty() ? "" : " but in group " + t->group)};
  configuration first;
  first.epoch = {1};
  first.seats = seats_of(read_catalogue(rows.scan("n/")).nodes);
  first = resolve_tolerances(std::move(first), t->policy);
  if (const auto quorum = grid_quorum::make(first); !quorum)
    return {outcome_code::refused, "table " + c.row + ": " + quorum.error().detail};
  t->group.clear();
  return send_off(std::move(*t), {take_number(next_log_row, meta_log.value + 1, rows)}, first,
                  rows);
}

outcome table_arrived(const command& c, catalogue_rows& rows) {
  const auto stored = rows.get("t/" + c.row);
  auto t = stored ? decode_table(*stored) : std::nullopt;
  // Of an earlier move: whoever repeats himself only hears that it is done.
  if (!t || std::to_string(t->moves) != c.value) return {};
  t->from = {};
  t->from_first = {};
  rows.put("t/" + c.row, encode_table(*t));
  return {};
}

}  // namespace atlas::core
