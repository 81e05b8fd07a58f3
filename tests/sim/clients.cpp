#include "tests/sim/clients.hpp"

#include <algorithm>
#include <map>

#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

constexpr unsigned no_client = ~0u;
constexpr unsigned prober = ~0u - 1;
constexpr unsigned probes_max = 8;
constexpr std::uint64_t patient_ms = 600'000;

}  // namespace

void clients::start() {
  for (unsigned c = 0; c < options_.clients; ++c) wake(c);
}

void clients::wake(unsigned client) {
  if (stopped_ || client == no_client || client == prober) return;
  events_.push(events_.now() + random_.below(2 * options_.think_us), [this, client] {
    if (!stopped_) next(client);
  });
}

void clients::next(unsigned client) {
  auto& at = *nodes_[random_.chance(3, 4) ? client % nodes_.size() : random_.below(nodes_.size())];
  if (!at.up()) return wake(client);
  const core::log_id log{2 + random_.below(options_.tables)};
  const std::string row = ".k" + std::to_string(random_.below(options_.keys));
  if (options_.stale && staleness_.below(100) < options_.stale) {
    const auto die = staleness_.below(5);
    const std::optional<std::uint64_t> bounds[] = {std::nullopt, std::nullopt, 0,
                                                   staleness_.below(200), staleness_.below(5'000)};
    submit_stale(client, at, log, row, bounds[die], 300 + staleness_.below(4'000));
    return;
  }
  if (options_.rules && rules_.below(100) < options_.rules)
    return submit_rule(client, at, log, 300 + rules_.below(4'000));
  const auto die = random_.below(10);
  const auto what = die < 5   ? linear::op_kind::put
                    : die < 6 ? linear::op_kind::erase
                              : linear::op_kind::get;
  submit(client, at, log, what, row, 300 + random_.below(4'000));
}

std::uint64_t clients::submit(unsigned client, sim_node& at, core::log_id log, linear::op_kind what,
                              const std::string& row, std::uint64_t timeout_ms) {
  const std::uint64_t ticket = ops_.size() + 1;
  op o;
  o.seen.key = std::to_string(log.value) + row;
  o.seen.what = what;
  if (what == linear::op_kind::put) o.seen.value = "v" + std::to_string(ticket);
  o.log = log;
  o.row = row;
  o.node = at.id();
  o.client = client;
  enter(op(o));
  bool taken = true;
  if (what == linear::op_kind::get) {
    taken = at.read(core::home_table(log), {}, core::read_kind::get, ticket, row, timeout_ms);
  } else {
    const auto code = what == linear::op_kind::put ? core::operation::put : core::operation::erase;
    taken = at.write(core::home_table(log), {},
                     {ticket, code, row, o.seen.value.value_or(""), std::to_string(ticket)},
                     timeout_ms);
  }
  if (!taken) finish(ticket, state::nothing);
  return ticket;
}

std::uint64_t clients::enter(op&& o) {
  o.seen.invoked = events_.now();
  if (story_.heard()) story_.tell(o.node, o.log, "client asks: " + describe(o));
  ops_.push_back(std::move(o));
  return ops_.size();
}

std::uint64_t clients::submit_stale(unsigned client, sim_node& at, core::log_id log,
                                    const std::string& row, std::optional<std::uint64_t> bound_ms,
                                    std::uint64_t timeout_ms) {
  op o;
  o.seen.key = std::to_string(log.value) + row;
  o.log = log;
  o.row = row;
  o.node = at.id();
  o.client = client;
  o.stale = true;
  const auto ticket = enter(std::move(o));
  if (!at.read_stale(core::home_table(log), ticket, row, bound_ms, timeout_ms))
    finish(ticket, state::nothing);
  return ticket;
}

void clients::probe(sim_node& at, core::log_id log, bool writes) {
  if (log.value >= 2 + options_.tables) log = {2 + log.value % options_.tables};
  const std::string row = ".k" + std::to_string(random_.below(options_.keys));
  if (!at.up() || probes_ >= probes_max) return;
  ++probes_;
  submit(prober, at, log, writes ? linear::op_kind::put : linear::op_kind::get, row, 300);
}

void clients::close(sim_node& at, core::log_id log) {
  if (!at.up()) return;
  const std::uint64_t ticket = ops_.size() + 1;
  op o;
  o.seen.key = std::to_string(log.value) + " closed";
  o.seen.what = linear::op_kind::erase;
  o.seen.invoked = events_.now();
  o.log = log;
  o.node = at.id();
  o.client = no_client;
  o.closes = true;
  ops_.push_back(o);
  story_.count(thing::close);
  const bool taken =
      at.write(core::home_table(log), {},
               {ticket, core::operation::close_log, {}, {}, std::to_string(ticket)}, 3'000);
  if (!taken) finish(ticket, state::nothing);
}

/// Who was told that a log is closed will not find it open.
void clients::check_closed(const op& o, bool refused) {
  const auto known = closed_at_.find(o.log);
  const bool later = known != closed_at_.end() && o.seen.invoked > known->second;
  require(refused || o.closes || !later, describe(o) + " was served by a log that was closed");
  if (refused || o.closes) closed_at_.emplace(o.log, events_.now());
}

void clients::ask_everywhere() {
  for (unsigned i = 0; i < options_.tables; ++i)
    for (const auto& node : nodes_) {
      if (!node->is_well()) continue;
      const core::log_id log{2 + i};
      const std::string row = ".k" + std::to_string(node->id().value % options_.keys);
      must_succeed_.insert(submit(no_client, *node, log, linear::op_kind::put, row, patient_ms));
      must_succeed_.insert(submit(no_client, *node, log, linear::op_kind::get, row, patient_ms));
      if (options_.stale)
        must_succeed_.insert(submit_stale(no_client, *node, log, row, 0, patient_ms));
    }
}

void clients::finish(std::uint64_t ticket, state how) {
  auto& o = ops_[ticket - 1];
  if (o.how != state::open) return;
  o.how = how;
  if (o.client == prober) --probes_;
  if (how == state::done || how == state::refused)
    must_succeed_.erase(ticket);
  else
    require(!must_succeed_.contains(ticket), describe(o) + " failed though nothing is broken");
  wake(o.client);
}

void clients::on_answer(std::uint64_t ticket, const core::outcome& result) {
  if (ticket >= mover_tickets) return mover_->on_answer(ticket, result);
  auto& o = ops_[ticket - 1];
  events_.note(ticket * 4 + static_cast<unsigned>(result.code));
  if (story_.heard())
    story_.tell(
        o.node, o.log,
        "client hears: " + describe(o) + " -> " +
            (result.code == core::outcome_code::ok ? "ok " + result.data : std::string("not ok")));
  if (result.code == core::outcome_code::unknown) return finish(ticket, state::unknown);
  const bool refused = result.code == core::outcome_code::dropped;
  check_closed(o, refused);
  if (refused && result.data == dropped_in_doubt) {
    must_succeed_.erase(ticket);
    return finish(ticket, state::unknown);
  }
  if (refused) return finish(ticket, state::refused);
  if (o.what != core::operation::put || o.row.starts_with(".w"))
    on_rule_answer(o, result);
  else
    require(result.code != core::outcome_code::refused,
            describe(o) + " was refused: " + result.data);
  if (o.seen.what == linear::op_kind::get && result.code == core::outcome_code::ok)
    o.seen.value = result.data;
  o.seen.returned = events_.now();
  finish(ticket, state::done);
}

void clients::on_stale(std::uint64_t ticket, const core::outcome& result, std::uint64_t since_us) {
  auto& o = ops_[ticket - 1];
  events_.note(ticket * 4 + static_cast<unsigned>(result.code));
  if (o.how != state::open) return;
  if (story_.heard())
    story_.tell(o.node, o.log, "client hears: " + describe(o) + " -> " + result.data);
  if (result.code == core::outcome_code::dropped) return finish(ticket, state::refused);
  require(result.code != core::outcome_code::refused, describe(o) + " was refused: " + result.data);
  if (result.code == core::outcome_code::ok) o.seen.value = result.data;
  o.since_us = since_us;
  o.seen.returned = events_.now();
  finish(ticket, state::done);
}

void clients::check_stale(const op& o) const {
  // Of the writes that may have put there what was read, one must not be certainly overwritten
  // before the moment that the node vouches for. That nothing was ever written counts as one.
  const auto is_overwritten = [&](std::uint64_t written) {
    return std::any_of(ops_.begin(), ops_.end(), [&](const op& w) {
      return w.seen.key == o.seen.key && w.seen.what != linear::op_kind::get &&
             w.how == state::done && w.seen.invoked > written && *w.seen.returned < o.since_us;
    });
  };
  const auto may_be = [&](const op& w) {
    const bool is_same = o.seen.value
                             ? w.seen.what == linear::op_kind::put && w.seen.value == o.seen.value
                             : w.seen.what == linear::op_kind::erase;
    if (!is_same || w.closes || w.seen.key != o.seen.key || w.how == state::nothing) return false;
    return w.seen.invoked <= *o.seen.returned &&
           (w.how != state::done || !is_overwritten(*w.seen.returned));
  };
  const bool was_blank = !o.seen.value && !is_overwritten(0);
  require(was_blank || std::any_of(ops_.begin(), ops_.end(), may_be),
          describe(o) + " of the own copy is older than it was told to be");
}

void clients::on_expired(std::uint64_t ticket, bool maybe_done) {
  if (ticket >= mover_tickets) return mover_->on_expired(ticket, maybe_done);
  finish(ticket, maybe_done ? state::unknown : state::nothing);
}

void clients::on_crash(core::node_id node) {
  for (std::size_t i = 0; i < ops_.size(); ++i)
    if (ops_[i].how == state::open && ops_[i].node == node) finish(i + 1, state::unknown);
}

std::string clients::describe(const op& o) {
  const char* const name = o.seen.what == linear::op_kind::put     ? "put "
                           : o.seen.what == linear::op_kind::erase ? "erase "
                                                                   : "get ";
  return name + o.seen.key + " " + o.seen.value.value_or("") + " at node " +
         std::to_string(o.node.value);
}

std::string clients::unanswered() const {
  return must_succeed_.empty() ? "nothing" : describe(ops_[*must_succeed_.begin() - 1]);
}

void clients::check(const monitor& watch) const {
  const auto& executed = watch.ledger().executed;
  std::vector<linear::operation> history;
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    const auto& o = ops_[i];
    if (o.stale) {
      if (o.how == state::done) check_stale(o);
      continue;
    }
    const bool reads = o.seen.what == linear::op_kind::get;
    // A read without an answer says nothing, and would only make the check slow.
    const bool may_have = o.how != state::nothing && o.how != state::refused;
    const bool is_register = o.what == core::operation::put || o.what == core::operation::expire;
    const bool is_blob = o.row.starts_with(".b");
    if ((o.how == state::done || (may_have && !reads)) && !o.closes && is_register &&
        !o.row.starts_with(".w") && !is_blob) {
      history.push_back(o.seen);
      // The end comes by itself, some time later or never.
      if (o.what == core::operation::expire) history.back().returned.reset();
    }
    if (reads) continue;
    const bool happened = executed.contains(std::to_string(i + 1));
    require(o.how != state::done || happened,
            describe(o) + " was acknowledged and is lost (invariant 5)");
    require(may_have || !happened, describe(o) + " was reported as certainly not done, but it was");
  }
  check_numbers();
  const auto verdict = linear::check_linearizable(history);
  require(verdict.linearizable, "not linearizable (invariant 4): " + verdict.why);
}

}  // namespace atlas::sim
