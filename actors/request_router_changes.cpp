// The operator's changes: decided by the meta log, brought about by the owner of each log
// (consensus .md §9), and answered only when the logs' own configurations say so. That is asked of
// the owners by reads, because this node's copies may be a moment behind.
#include <algorithm>
#include <charconv>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "actors/table_settings.hpp"
#include "core/grid_quorum.hpp"
#include "core/state_machine.hpp"
#include "net/tokens.hpp"

namespace atlas::actors {

void request_router::start_change(net::client_request&& r, std::uint64_t deadline) {
  if (options_.keys_folded && r.what != net::verb::node_remove) r.key = net::upper(r.key);
  switch (r.what) {
    case net::verb::table_create:
      return start_create(r, deadline);
    case net::verb::table_alter:
      return start_alter(r, deadline);
    case net::verb::table_drop:
      return start_drop(r, deadline);
    case net::verb::group_create:
      return start_group_create(r, deadline);
    case net::verb::group_add:
    case net::verb::group_remove:
      r.value = options_.keys_folded ? net::upper(r.value) : r.value;
      return start_regroup(r, deadline);
    default:
      return start_remove(r, deadline);
  }
}

void request_router::start_create(const net::client_request& r, std::uint64_t deadline) {
  const auto wanted = read_table_settings(r.value);
  auto wrong = wanted ? table_name_error(r.key) : wanted.error().detail;
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  const auto policy = core::changed_policy(options_.quorum, wanted.value());
  decide(core::operation::create_table, r.key, core::encode_policy(policy), r.ticket, deadline,
         [this, policy, ticket = r.ticket, deadline, table = r.key](core::outcome&& result) {
           const auto made = core::decode_table(result.data);
           if (made && made->is_group)
             return reply(ticket, net::reply_kind::warn,
                          table + " is a group already; choose another name for the table");
           if (made && made->policy != policy)
             return reply(ticket, net::reply_kind::warn,
                          "table " + table + " exists already with " + settings_text(made->policy) +
                              "; TABLE ALTER changes them");
           if (made) caf::anon_send(board_->coordinator, created_here{made->log});
           changes_.push_back({ticket,
                               deadline,
                               {table},
                               "table " + table + " is made",
                               [](const core::configuration&) { return true; }});
         });
}

void request_router::start_alter(const net::client_request& r, std::uint64_t deadline) {
  const auto wanted = read_table_settings(r.value);
  auto wrong = wanted ? table_name_error(r.key) : wanted.error().detail;
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  decide(core::operation::alter_table, r.key, core::encode_policy_change(wanted.value()), r.ticket,
         deadline, [this, ticket = r.ticket, deadline, table = r.key](core::outcome&& result) {
           if (result.code == core::outcome_code::not_found)
             return reply(ticket, net::reply_kind::warn,
                          "not found: table " + table + " does not exist");
           const auto now = core::decode_table(result.data);
           const auto policy = now ? now->policy : core::tolerance_policy{};
           changes_.push_back({ticket,
                               deadline,
                               {table},
                               settings_text(policy) + " is decided",
                               [policy](const core::configuration& c) {
                                 const auto as_asked = core::resolve_tolerances(c, policy);
                                 return c.fn == as_asked.fn && c.fz == as_asked.fz;
                               }});
         });
}

void request_router::start_remove(const net::client_request& r, std::uint64_t deadline) {
  core::node_id id;
  const auto* end = r.key.data() + r.key.size();
  const auto parsed = std::from_chars(r.key.data(), end, id.value);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return reply(r.ticket, net::reply_kind::warn, "invalid node id: " + r.key);
  if (id == board_->self().node)
    return reply(r.ticket, net::reply_kind::warn,
                 "node " + r.key + " can not remove itself; send this to another node");
  decide(core::operation::remove_node, r.key, {}, r.ticket, deadline,
         [this, id, ticket = r.ticket, deadline, text = r.key](core::outcome&& result) {
           if (result.code == core::outcome_code::not_found)
             return reply(ticket, net::reply_kind::warn, "node " + text + " not found");
           list_tables_of_removal(id, ticket, deadline);
         });
}

void request_router::list_tables_of_removal(core::node_id id, std::uint64_t ticket,
                                            std::uint64_t deadline) {
  auto* meta = find_route(std::string(core::meta_table));
  const auto listed = [this, id, ticket, deadline](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    const auto rows = decided ? core::decode_rows(result.data) : std::nullopt;
    const std::string done = "node " + std::to_string(id.value) + " is no member any more";
    if (!rows) {
      reply(ticket, net::reply_kind::warn, "not in force yet: " + done + "; " + result.data);
    } else {
      std::vector<std::string> tables{std::string(core::meta_table)};
      for (const auto& [row, value] : *rows) tables.push_back(row.substr(2));
      changes_.push_back({ticket, deadline, std::move(tables), done,
                          [id](const core::configuration& c) { return !c.has(id); }});
      continue_changes(monotonic_us() / 1000);
    }
    wake_if_ready(lock);
  };
  add_read(*meta, core::read_kind::scan, "t/", waiting{0, net::verb::scan, listed}, deadline);
}

void request_router::decide(core::operation what, const std::string& row, std::string value,
                            std::uint64_t ticket, std::uint64_t deadline,
                            std::function<void(core::outcome&&)> then) {
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) return reply(ticket, net::reply_kind::warn, "this node is still starting");
  const auto decided = [this, ticket, then = std::move(then)](bool is_decided,
                                                              core::outcome&& result) {
    std::unique_lock lock(mutex_);
    if (is_decided && result.code == core::outcome_code::dropped)
      reply(ticket, net::reply_kind::warn, "the table is being dropped; try again in a moment");
    else if (!is_decided || result.code == core::outcome_code::refused ||
             result.code == core::outcome_code::unknown)
      reply(ticket, net::reply_kind::warn,
            (result.code == core::outcome_code::unknown ? "outcome unknown: " : "") + result.data);
    else
      then(std::move(result));
    const auto now = monotonic_us() / 1000;
    continue_changes(now);
    flush_dirty(now);
    wake_if_ready(lock);
  };
  add_write(*meta, {0, what, row, std::move(value), {}}, waiting{0, net::verb::key_put, decided},
            deadline);
}

void request_router::continue_changes(std::uint64_t now) {
  for (auto it = changes_.begin(); it != changes_.end();) {
    auto& c = *it;
    if (!c.asked && c.tables.empty()) {
      reply(c.ticket, net::reply_kind::ok);
    } else if (now >= c.deadline) {
      reply(c.ticket, net::reply_kind::warn, describe_unfinished(c));
    } else {
      if (!c.asked) ask_configuration(c);
      ++it;
      continue;
    }
    it = changes_.erase(it);
  }
}

void request_router::ask_configuration(change& c) {
  auto* const to = find_route(c.tables.back());
  if (!to) return;  // made a moment ago, or dropped since: looked for again by the next tick
  c.asked = true;
  const auto answered = [this, ticket = c.ticket](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    const auto found = std::find_if(changes_.begin(), changes_.end(),
                                    [&](const change& one) { return one.ticket == ticket; });
    if (found != changes_.end()) {
      found->asked = false;
      std::string_view in = result.data;
      const auto configuration = decided ? core::decode_configuration(in) : std::nullopt;
      if (configuration && found->is_done(*configuration)) {
        found->tables.pop_back();
        // The next table at once; one that is not ready is asked again by the next tick.
        continue_changes(monotonic_us() / 1000);
        flush_dirty(monotonic_us() / 1000);
      }
    }
    wake_if_ready(lock);
  };
  add_read(*to, core::read_kind::configuration, {}, waiting{0, net::verb::key_get, answered},
           c.deadline);
}

std::string request_router::describe_unfinished(const change& c) const {
  const std::string text = "not in force yet: " + c.what + ", and goes on by itself; ";
  const auto entry = board_->log_of(c.tables.back());
  if (!entry) return text + "table " + c.tables.back() + " is not open here yet";
  const auto heard = board_->reachable_nodes();
  const auto now = entry->now();
  const auto catalogue = board_->catalogue();
  for (const auto& n : catalogue->nodes)
    if (!now.active->has(n.id) && std::find(heard.begin(), heard.end(), n.id) == heard.end())
      return text + "node " + std::to_string(n.id.value) +
             " is a member without a vote and does not answer: start it, or send NODE REMOVE " +
             std::to_string(n.id.value);
  const auto wrong = core::policy_conflict(entry->tolerances(), catalogue->nodes);
  if (!wrong.empty()) return text + "table " + entry->table + ": " + wrong;
  return text + describe_missing(*board_, *entry);
}

}  // namespace atlas::actors
