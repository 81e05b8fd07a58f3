// GROUP commands, and tables on their way from log to log (core/table_move.hpp): the meta log
// decides where a table belongs; then it is sealed where it is, carried over part by part, what is
// left behind is cleared, and the meta log is told that it has arrived. Any node may take any step
// again: whoever was asked does it, and whoever owns the log that the table enters, in case the
// first is gone.
#include <algorithm>

#include "actors/request_router.hpp"
#include "actors/table_settings.hpp"

namespace atlas::actors {
namespace {

constexpr std::uint64_t look_every_ms = 1'000;

}  // namespace

void request_router::start_group_create(const net::client_request& r, std::uint64_t deadline) {
  const auto wanted = read_table_settings(r.value);
  auto wrong = wanted ? table_name_error(r.key) : wanted.error().detail;
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  const auto policy = core::changed_policy(options_.quorum, wanted.value());
  decide(core::operation::create_group, r.key, core::encode_policy(policy), r.ticket, deadline,
         [this, policy, ticket = r.ticket, deadline, name = r.key](core::outcome&& result) {
           const auto made = core::decode_table(result.data);
           if (made && !made->is_group)
             return reply(ticket, net::reply_kind::warn,
                          name + " is a table already; choose another name for the group");
           if (made && made->policy != policy)
             return reply(ticket, net::reply_kind::warn,
                          "group " + name + " exists already with " + settings_text(made->policy) +
                              "; TABLE ALTER changes them");
           if (made) caf::anon_send(board_->coordinator, created_here{made->log});
           changes_.push_back({ticket,
                               deadline,
                               {name},
                               "group " + name + " is made",
                               [](const core::configuration&) { return true; }});
         });
}

void request_router::start_regroup(const net::client_request& r, std::uint64_t deadline) {
  auto wrong = table_name_error(r.key);
  if (wrong.empty()) wrong = table_name_error(r.value);
  if (!wrong.empty()) return reply(r.ticket, net::reply_kind::warn, std::move(wrong));
  const bool joins = r.what == net::verb::group_add;
  decide(joins ? core::operation::join_group : core::operation::leave_group, r.key, r.value,
         r.ticket, deadline, [this, r, deadline, joins](core::outcome&& result) {
           const auto t = core::decode_table(result.data);
           if (!t)
             return reply(r.ticket, net::reply_kind::warn,
                          "not found: table " + r.key + " does not exist");
           const bool as_asked = joins ? t->group == r.value : t->group.empty();
           const auto now = monotonic_us() / 1000;
           if (as_asked && !t->from) return reply(r.ticket, net::reply_kind::ok);
           if (as_asked) {
             if (!joins) caf::anon_send(board_->coordinator, created_here{t->log});
             travel_of(*t).tickets.emplace_back(r.ticket, deadline);
             return press_travels(now);
           }
           if (now < deadline) {
             next_tick_.emplace_back([this, r, deadline] { start_regroup(r, deadline); });
             return;
           }
           reply(r.ticket, net::reply_kind::warn,
                 "nothing was done: table " + r.key + " is still on its way " +
                     destination_text(*t) + "; try again later");
         });
}

/// The present travel of a table. One that began before may still be here, and wait for an answer:
/// what this node's catalogue told it was older than what the meta log decided since.
request_router::travel& request_router::travel_of(const core::table_record& t) {
  auto& one = travels_[t.table];
  if (one.table.moves >= t.moves && one.table.table) return one;
  for (const auto& [ticket, deadline] : one.tickets) reply(ticket, net::reply_kind::ok);
  one = {};
  one.table = t;
  return one;
}

std::string request_router::destination_text(const core::table_record& t) {
  return t.group.empty() ? "to a log of its own" : "into group " + t.group;
}

void request_router::look_after_tables(std::uint64_t now) {
  if (now < looked_after_at_ms_ + look_every_ms) return;
  looked_after_at_ms_ = now;
  const auto catalogue = board_->catalogue();
  for (const auto& t : catalogue->tables) {
    if (!t.closing && !t.from) continue;
    const auto entry = board_->log(t.log);
    if (!entry || !entry->owner()) continue;
    if (t.from) {
      travel_of(t);
    } else if (const auto [at, fresh] = drops_.try_emplace(t.table); fresh) {
      at->second.table = t;
      at->second.deadline = now + options_.request_timeout_ms;
    }
  }
}

void request_router::press_travels(std::uint64_t now) {
  for (auto it = travels_.begin(); it != travels_.end();) {
    auto& t = it->second;
    expire_travelers(t, now);
    const auto catalogue = board_->catalogue();
    const auto* const record = catalogue->find(it->first);
    const bool is_over =
        record ? record->moves > t.table.moves || (record->moves == t.table.moves && !record->from)
               : catalogue->was_forgotten(it->first);
    if (is_over)
      for (const auto& [ticket, deadline] : t.tickets) reply(ticket, net::reply_kind::ok);
    // Nobody waits here: the owner of the log that it enters goes on.
    const auto entry = board_->log(t.table.log);
    const bool is_ours = !t.tickets.empty() || (entry && entry->owner());
    if (is_over || (!is_ours && !t.asked)) {
      it = travels_.erase(it);
      continue;
    }
    if (!t.asked) press_travel(t);
    ++it;
  }
}

void request_router::expire_travelers(travel& t, std::uint64_t now) {
  std::erase_if(t.tickets, [&](const auto& one) {
    if (now < one.second) return false;
    reply(one.first, net::reply_kind::warn,
          "not finished yet: table " + t.table.name + " is on its way " +
              destination_text(t.table) + ", " + std::to_string(t.arrived.parts) +
              " parts have come; it goes on by itself, and requests for it wait until then");
    return true;
  });
}

void request_router::press_travel(travel& t) {
  const auto& r = t.table;
  const auto sealed_at = r.moves - 1;
  const bool is_report = t.next == leg::report;
  auto* const to = is_report ? find_route(std::string(core::meta_table))
                             : admin_route(t.next == leg::adopt ? r.log : r.from);
  if (!to) return;  // not open here yet
  t.asked = true;
  waiting w{
      0, net::verb::key_put,
      [this, id = r.table, moves = r.moves, asked = t.next](bool decided, core::outcome&& result) {
        std::unique_lock lock(mutex_);
        const auto found = travels_.find(id);
        // The answer may be to a question of an earlier travel of the table.
        if (found != travels_.end() && found->second.table.moves == moves &&
            found->second.next == asked)
          on_leg_done(id, decided, result);
        wake_if_ready(lock);
      }};
  const auto deadline = monotonic_us() / 1000 + options_.request_timeout_ms;
  core::request_table::write_request what;
  switch (t.next) {
    case leg::read_part:
      return add_read(*to, core::read_kind::part,
                      core::encode(core::part_request{r.table, sealed_at, r.log, t.arrived.parts,
                                                      t.arrived.after}),
                      std::move(w), deadline);
    case leg::seal:
      what.what = core::operation::seal;
      what.value = core::encode(core::seal_request{r.table, sealed_at, r.log});
      break;
    case leg::adopt:
      what.what = core::operation::adopt;
      what.value = t.part;
      break;
    case leg::clear:
      what.what = core::operation::clear_table;
      what.value = core::encode(core::clear_request{r.table, sealed_at});
      break;
    case leg::report:
      what.what = core::operation::table_arrived;
      what.row = r.name;
      what.value = std::to_string(r.moves);
      break;
  }
  add_write(*to, std::move(what), std::move(w), deadline);
}

void request_router::on_leg_done(core::table_id table, bool decided, const core::outcome& result) {
  const auto found = travels_.find(table);
  if (found == travels_.end()) return;
  auto& t = found->second;
  t.asked = false;
  // What could not be decided is tried again by the next tick.
  if (!decided || !advance(t, result)) return;
  const auto now = monotonic_us() / 1000;
  if (t.next == leg::report && result.code == core::outcome_code::ok && t.part == "reported") {
    for (const auto& [ticket, deadline] : t.tickets) reply(ticket, net::reply_kind::ok);
    travels_.erase(found);
  } else {
    press_travels(now);
  }
  flush_dirty(now);
}

/// False: the same step again, with the next tick.
bool request_router::advance(travel& t, const core::outcome& result) {
  const auto state = core::decode_table_state(result.data);
  const auto sealed_at = t.table.moves - 1;
  // A log that is its table's own goes as a whole, as soon as the catalogue does not name it.
  const auto catalogue = board_->catalogue();
  const bool from_group =
      std::any_of(catalogue->tables.begin(), catalogue->tables.end(),
                  [&](const auto& g) { return g.is_group && g.log == t.table.from; });
  const auto after_adoption = from_group ? leg::clear : leg::report;
  if (result.code == core::outcome_code::unknown) return false;
  switch (t.next) {
    case leg::seal: {
      if (!state) return false;
      const bool is_here = state->moves == sealed_at && state->what == core::custody::sealed;
      const bool was_here = state->moves > sealed_at || state->what == core::custody::gone;
      if (is_here) t.next = leg::read_part;
      if (was_here) t.next = leg::report;
      return is_here || was_here;
    }
    case leg::read_part:
      if (result.code == core::outcome_code::not_found) {
        t.next = leg::seal;  // somebody was faster; the seal's answer says how far it is
        return true;
      }
      if (result.code != core::outcome_code::ok) return false;
      t.part = result.data;
      t.next = leg::adopt;
      return true;
    case leg::adopt:
      if (!state || state->moves < t.table.moves) return false;
      t.arrived = *state;
      t.next = state->moves == t.table.moves && state->what == core::custody::arriving
                   ? leg::read_part
                   : after_adoption;
      return true;
    case leg::clear:
      if (result.data == "done") t.next = leg::report;
      return true;
    case leg::report:
      t.part = "reported";
      return true;
  }
  return false;
}

request_router::route* request_router::admin_route(core::log_id log) {
  if (const auto found = admin_.find(log); found != admin_.end()) return found->second.get();
  auto entry = board_->log(log);
  if (!entry) return nullptr;
  auto made = std::make_unique<route>(board_->self(), core::log_itself, entry->table);
  made->entry = std::move(entry);
  return admin_.emplace(log, std::move(made)).first->second.get();
}

/// Not done there: again where the table went, or there when it has arrived.
void request_router::follow_table(route& r, const core::answer& a) {
  const auto now = monotonic_us() / 1000;
  r.requests.on_moved(a, {now}, "table " + r.label + " is on its way to another log");
  const auto to = core::moved_to(a.result.data);
  auto entry = to ? board_->log(to) : nullptr;
  if (!entry || entry == r.entry || !r.requests.may_follow({now})) return;  // again in a moment
  r.entry = std::move(entry);
  r.requests.on_owner_changed();
  if (!std::exchange(r.dirty, true)) dirty_.push_back(&r);
}

void request_router::follow_catalogue(route& r) {
  if (board_->log(r.entry->log) && !r.entry->leaving) return;
  const auto catalogue = board_->catalogue();
  const auto* const record = catalogue->find(r.table);
  auto entry = record ? board_->log(record->log) : nullptr;
  if (!entry || entry == r.entry) return;
  r.entry = std::move(entry);
  r.requests.on_owner_changed();
}

}  // namespace atlas::actors
