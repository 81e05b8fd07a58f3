// Requests of the node's clients: to whoever owns the log that holds their table, wherever that
// goes, and back. What is said to a log itself, about tables that come and go, takes the same way.
#include <map>

#include "tests/sim/sim_node.hpp"
#include "tests/sim/sim_node_steps.hpp"

namespace atlas::sim {

sim_node::route& sim_node::route_to(core::table_id table, core::log_id log) {
  const bool to_log = table == core::log_itself;
  const std::pair name{table, to_log ? log : core::log_id{}};
  const auto found = run_->routes.find(name);
  if (found != run_->routes.end()) return found->second;
  // A table is looked for where it began; from there on its logs say where it went.
  const auto first = to_log ? log : core::log_id{table.value};
  return run_->routes
      .emplace(name, route{first, core::request_table(self_, table), {}, core::stale_reads(table)})
      .first->second;
}

bool sim_node::write(core::table_id table, core::log_id log, core::request_table::write_request&& w,
                     std::uint64_t timeout_ms) {
  if (!run_) return false;
  auto& r = route_to(table, log);
  const bool taken = r.requests.submit(std::move(w), clocks().now + timeout_ms);
  later(0, [this, &r] { flush(r); });
  return taken;
}

bool sim_node::read(core::table_id table, core::log_id log, core::read_kind what,
                    std::uint64_t ticket, std::string row, std::uint64_t timeout_ms) {
  if (!run_) return false;
  auto& r = route_to(table, log);
  r.requests.submit_read(ticket, what, std::move(row), clocks().now + timeout_ms);
  later(0, [this, &r] { flush(r); });
  return true;
}

void sim_node::give_back(core::log_id log, const std::vector<core::command>& commands,
                         const std::vector<core::read>& reads, const std::string& why) {
  std::map<std::pair<core::process, core::table_id>, returned> back;
  const auto to = [&](core::process origin, core::table_id table) -> returned& {
    auto& r = back[{origin, table}];
    r.log = log;
    r.table = table;
    r.why = why;
    return r;
  };
  for (const auto& c : commands) to(c.from, c.table).commands.push_back(c.seq);
  for (const auto& r : reads) to(r.from, r.table).reads.push_back(r.ticket);
  for (auto& [name, r] : back) send_to(name.first, std::move(r));
}

void sim_node::flush(route& r) {
  auto& h = *run_->logs.at(r.log);
  auto to = h.owner ? self_ : h.copy.holder();
  if (!h.owner && (!to || to == self_ || !hears(to))) to = run_->coordinator->hinted_owner(h.log);
  if (!to || (to == self_ && !h.owner)) return;
  const destination now{h.log, to, h.owner ? h.tenure : 0};
  if (now != r.sent_to) {
    if (r.sent_to.log) r.requests.on_owner_changed();
    r.sent_to = now;
  }
  auto parcel = r.requests.take(clocks().now);
  if (parcel.empty()) return;
  send_to(to, forward{h.log, std::move(parcel.commands), std::move(parcel.reads)});
}

void sim_node::tick_requests() {
  for (auto& [name, r] : run_->routes) {
    r.requests.on_tick(clocks().now);
    for (const auto& e : r.requests.expire(clocks().now))
      if (!end_question(r, e.ticket, nullptr)) world_.desk.on_expired(e.ticket, e.maybe_done);
    for (const auto ticket : r.stale.expire(clocks().now)) world_.desk.on_expired(ticket, false);
    press_stale(r);
    flush(r);
  }
}

void sim_node::on_forward(core::process, forward&& f) {
  auto& h = *run_->logs.at(f.log);
  if (!h.owner) {
    // Behind a hand-off that may have come just before it.
    auto late = std::make_shared<forward>(std::move(f));
    return post(h.to_copy, [this, &h, late] {
      post(h.to_owner, [this, &h, late] { serve(h, std::move(*late)); });
    });
  }
  serve(h, std::move(f));
}

void sim_node::serve(held_log& h, forward&& f) {
  if (!h.owner) return give_back(f.log, f.commands, f.reads, "this node does not own the table");
  for (const auto& r : f.reads) world_.watch.on_read_arrived(h.log, r);
  step_owner(h, [&](core::proposer& o, core::proposer_effects& out) {
    if (!f.reads.empty()) o.on_reads(std::move(f.reads), clocks(), out);
    if (!f.commands.empty()) o.on_commands(std::move(f.commands), clocks(), out);
  });
}

void sim_node::on_answers(const answers& a) {
  for (const auto& one : a.list) {
    auto& r = route_to(one.table, a.log);
    if (one.result.code == core::outcome_code::moved) {
      follow_table(r, one);
    } else if (one.result.code == core::outcome_code::dropped && !one.is_read) {
      auto gone = one.result;
      const auto back = r.requests.withdraw(one);
      if (back && back->in_doubt) gone.data = dropped_in_doubt;
      if (back) world_.desk.on_answer(back->ticket, gone);
    } else if (const auto ticket = r.requests.on_answer(one)) {
      if (!end_question(r, *ticket, &one.result)) world_.desk.on_answer(*ticket, one.result);
    }
  }
}

/// Not done there: again where the table went, or here when it has arrived.
void sim_node::follow_table(route& r, const core::answer& a) {
  const auto to = core::moved_to(a.result.data);
  r.requests.on_moved(a, clocks().now, "the table is on its way to another log");
  if (!to || to == r.log || !r.requests.may_follow(clocks().now)) return;
  world_.tale.count(thing::followed);
  r.log = to;
  flush(r);
}

void sim_node::on_returned(const returned& r) {
  route_to(r.table, r.log).requests.on_returned(r.commands, r.reads, clocks().now, r.why);
}

}  // namespace atlas::sim
