#include "actors/describe.hpp"

#include <algorithm>
#include <charconv>

#include "core/grid_quorum.hpp"
#include "core/quorum_slack.hpp"

namespace atlas::actors {
namespace {

constexpr const char* crlf = "\r\n";

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

const core::node_record* find_node(const core::catalogue_view& c, core::node_id id) {
  const auto found =
      std::find_if(c.nodes.begin(), c.nodes.end(), [&](const auto& n) { return n.id == id; });
  return found == c.nodes.end() ? nullptr : &*found;
}

std::uint64_t rtt_ms(const board& where, core::node_id node) {
  const auto link = where.link(node);
  return link ? (link->round_trip_us() + 500) / 1000 : 0;
}

bool is_active(const board& where, core::node_id node) {
  if (node == where.self().node) return true;
  const auto link = where.link(node);
  return link && link->heard_lately();
}

std::string node_line(const board& where, const core::node_record& n) {
  const bool active = is_active(where, n.id);
  return "NODE id=" + number(n.id.value) + " region=" + n.zone +
         " status=" + (active ? "ACTIVE" : "INACTIVE") + " rtt_ms=" + number(rtt_ms(where, n.id)) +
         " addr=" + n.host + " port=" + number(n.port);
}

/// The node that `text` names; otherwise the error text in `wrong`.
const core::node_record* parse_node(const core::catalogue_view& c, const std::string& text,
                                    std::string& wrong) {
  core::node_id id;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id.value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    wrong = "invalid node id: " + text;
    return nullptr;
  }
  const auto* node = find_node(c, id);
  if (!node) wrong = "node " + text + " not found";
  return node;
}

/// Who owns a log and how it votes: what tables and groups have in common.
std::string log_fields(const board& where, const log_entry& entry) {
  const auto now = entry.now();
  const auto catalogue = where.catalogue();
  core::process owner = entry.owner() ? where.self() : now.holder;
  if (owner && owner != where.self() && !where.hears(owner)) owner = {};
  const auto* node = owner ? find_node(*catalogue, owner.node) : nullptr;
  std::string acceptors;
  for (const auto& seat : now.active->seats)
    acceptors += (acceptors.empty() ? "" : ",") + number(seat.node.value);
  return " owner=" + (owner ? number(owner.node.value) : "-") +
         " region=" + (node ? node->zone : "-") + " ballot=" + number(now.promised.round) + "." +
         number(now.promised.node.value) + " slot=" + number(now.watermark.value) +
         " epoch=" + number(now.active->epoch.value) + " fn=" + number(now.active->fn) +
         " fz=" + number(now.active->fz) + " group=- acceptors=" + acceptors;
}

/// Of the meta table, which the catalogue does not name, `t` is null.
std::string table_line(const board& where, const log_entry& entry, const core::table_record* t) {
  auto fields = log_fields(where, entry);
  if (t && !t->group.empty()) fields.replace(fields.find("group=-") + 6, 1, t->group);
  return "TABLE name=" + (t ? t->name : entry.table) + fields +
         (t && t->closing ? " state=closing"
          : t && t->from  ? " state=moving"
                          : "");
}

std::string group_line(const board& where, const log_entry& entry, const core::table_record& g) {
  std::string tables;
  const auto catalogue = where.catalogue();
  for (const auto& t : catalogue->tables)
    if (t.group == g.name) tables += (tables.empty() ? "" : ",") + t.name;
  auto fields = log_fields(where, entry);
  fields.replace(fields.find("group=-"), 7, "tables=" + (tables.empty() ? "-" : tables));
  return "GROUP name=" + g.name + fields + (g.closing ? " state=closing" : "");
}

/// A line for each table, or for each group.
std::string all_lines(const board& where, bool groups) {
  std::string text;
  const auto add = [&](const std::string& line) { text += (text.empty() ? "" : crlf) + line; };
  const auto meta = where.log_of(std::string(core::meta_table));
  if (!groups && meta) add(table_line(where, *meta, nullptr));
  const auto catalogue = where.catalogue();
  for (const auto& t : catalogue->tables) {
    const auto entry = where.log_of(t.name);
    if (!entry || t.is_group != groups) continue;
    add(groups ? group_line(where, *entry, t) : table_line(where, *entry, &t));
  }
  return text;
}

std::string one_line(const board& where, const net::client_request& r, net::reply_kind& kind) {
  const bool groups = r.what == net::verb::group_info;
  const auto catalogue = where.catalogue();
  const auto entry = where.log_of(r.key);
  const auto* const t = catalogue->find(r.key);
  const bool is_meta = !groups && r.key == core::meta_table;
  if (entry && is_meta) return table_line(where, *entry, nullptr);
  if (entry && t && t->is_group == groups)
    return groups ? group_line(where, *entry, *t) : table_line(where, *entry, t);
  kind = net::reply_kind::warn;
  if (t && t->is_group) return r.key + " is a group of tables; send GROUP INFO " + r.key;
  if (groups) return "not found: group " + r.key + " does not exist; GROUP LIST shows all";
  return "not found: table " + r.key + " does not exist; it is created by the first write";
}

std::string quorum_lines(const board& where, const core::catalogue_view& catalogue,
                         const std::vector<core::node_id>& nodes, const char* name) {
  std::string text = std::string(name) + " size=" + number(nodes.size());
  for (const auto id : nodes) {
    const auto* n = find_node(catalogue, id);
    text += crlf;
    text += "id=" + number(id.value) + " region=" + (n ? n->zone : "-") +
            " addr=" + (n ? n->host : "-") + " port=" + number(n ? n->port : 0);
  }
  static_cast<void>(where);
  return text;
}

/// Who answers at present, zone by zone, and what the next loss does.
std::string slack_lines(const board& where, const core::configuration& c) {
  const auto slack = core::slack_of(c, where.reachable_nodes());
  std::string text;
  for (const auto& z : slack.zones) {
    std::string silent;
    for (const auto node : z.silent) silent += (silent.empty() ? "" : ",") + number(node.value);
    text += crlf;
    text += "ZONE region=" + z.zone + " nodes=" + number(z.nodes) + " answer=" + number(z.answer) +
            " need=" + number(z.need) + " silent=" + (silent.empty() ? "-" : silent);
  }
  return text + crlf + "SLACK " + slack.next_loss;
}

std::string quorum_info(const board& where, const std::string& name,
                        const core::tolerance_policy& policy, net::reply_kind& kind) {
  const auto catalogue = where.catalogue();
  const bool is_meta = name == core::meta_table;
  const auto table = is_meta ? name : name.substr(0, name.find('.'));
  core::configuration c;
  std::string conflict;
  if (const auto entry = where.log_of(table)) {
    c = *entry->now().active;
    if (!is_meta) conflict = core::policy_conflict(entry->tolerances(), catalogue->nodes);
  } else {
    // No such table: the quorums that it would get if it were created now.
    for (const auto& n : catalogue->nodes) c.seats.push_back({n.id, n.zone});
    core::sort_seats(c.seats);
    c = core::resolve_tolerances(std::move(c), policy);
  }
  const auto quorum = core::grid_quorum::make(c);
  if (!quorum) {
    kind = net::reply_kind::warn;
    return "unable to form a quorum: " + quorum.error().detail;
  }
  return quorum_lines(where, *catalogue, quorum.value().example_q1(where.zone()), "Q1") + crlf +
         quorum_lines(where, *catalogue, quorum.value().example_q2(where.zone()), "Q2") +
         slack_lines(where, c) + (conflict.empty() ? "" : crlf + ("ASKED " + conflict));
}

std::string ping_node(const board& where, const core::node_record& n, net::reply_kind& kind) {
  if (!is_active(where, n.id)) {
    kind = net::reply_kind::warn;
    return "node " + number(n.id.value) + " is not active (status: 3)";
  }
  return "PONG node=" + number(n.id.value) + " rtt_ms=" + number(rtt_ms(where, n.id));
}

std::string one_node(const board& where, const net::client_request& r, net::reply_kind& kind) {
  std::string wrong;
  const auto catalogue = where.catalogue();
  const auto* node = parse_node(*catalogue, r.key, wrong);
  if (!node) {
    kind = net::reply_kind::warn;
    return wrong;
  }
  return r.what == net::verb::node_ping ? ping_node(where, *node, kind) : node_line(where, *node);
}

}  // namespace

std::string describe(const board& where, const net::client_request& r,
                     const core::tolerance_policy& new_tables, net::reply_kind& kind) {
  kind = net::reply_kind::payload;
  switch (r.what) {
    case net::verb::node_list: {
      std::string text;
      const auto catalogue = where.catalogue();  // another thread may publish the next one
      for (const auto& n : catalogue->nodes)
        text += (text.empty() ? "" : crlf) + node_line(where, n);
      return text;
    }
    case net::verb::node_info:
    case net::verb::node_ping:
      return one_node(where, r, kind);
    case net::verb::table_list:
    case net::verb::group_list:
      return all_lines(where, r.what == net::verb::group_list);
    case net::verb::table_info:
    case net::verb::group_info:
      return one_line(where, r, kind);
    case net::verb::quorum_info:
      return quorum_info(where, r.key, new_tables, kind);
    default:
      break;
  }
  kind = net::reply_kind::warn;
  return "command not implemented:";
}

std::string describe_missing(const board& where, const log_entry& entry) {
  const auto now = entry.now();
  const auto quorum = core::grid_quorum::make(*now.active);
  if (!quorum) return "table " + entry.table + ": " + quorum.error().detail;
  const auto reach = quorum.value().votes_of(where.reachable_nodes());
  if (!quorum.value().has_q2(reach))
    return "table " + entry.table + ": " + quorum.value().describe_q2(reach);
  if (!quorum.value().has_q1(reach))
    return "table " + entry.table + ": " + quorum.value().describe_q1(reach);
  return "table " + entry.table + ": no owner answered in time";
}

}  // namespace atlas::actors
