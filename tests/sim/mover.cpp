#include "tests/sim/mover.hpp"

#include <algorithm>

#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

constexpr std::uint64_t patience_ms = 1'500;
constexpr std::uint64_t tries_max = 30;  // in the storm; others carry on

}  // namespace

mover::mover(event_queue& events, core::rng& random, story& tale, const sim_options& options,
             const clients::nodes& all)
    : events_(events), random_(random), story_(tale), options_(options), nodes_(all) {}

void mover::regroup() {
  const core::table_id table{2 + random_.below(options_.tables)};
  const auto known = last_.find(table);
  if (known != last_.end() && (!moves_[known->second].done || !moves_[known->second].to)) return;
  move m;
  m.table = table;
  m.from = known == last_.end() ? core::log_id{table.value} : moves_[known->second].to;
  m.moves = known == last_.end() ? 0 : moves_[known->second].moves + 1;
  do m.to = {2 + random_.below(options_.logs)};
  while (m.to == m.from);
  if (random_.chance(1, 40)) m.to = {};  // dropped
  last_[table] = moves_.size();
  moves_.push_back(m);
  carry(last_[table]);
  if (random_.chance(1, 2)) carry(last_[table]);
}

void mover::meddle() {
  if (!moves_.empty()) carry(random_.below(moves_.size()));
}

void mover::finish() {
  calm_ = true;
  for (std::size_t i = 0; i < moves_.size(); ++i)
    if (!moves_[i].done) carry(i);
}

bool mover::is_finished() const {
  return std::all_of(moves_.begin(), moves_.end(), [](const move& m) { return m.done; });
}

std::string mover::unfinished() const {
  for (const auto& m : moves_)
    if (!m.done)
      return "table " + std::to_string(m.table.value) + " on its way from log " +
             std::to_string(m.from.value) + " to log " + std::to_string(m.to.value);
  return "nothing";
}

void mover::carry(std::size_t which) {
  carriers_.push_back({});
  carriers_.back().which = which;
  take_step(carriers_.size() - 1);
}

core::request_table::write_request mover::request(const carrier& c) {
  const auto& m = moves_[c.which];
  const auto name = "m" + std::to_string(c.ticket);
  switch (c.next) {
    case step::seal:
      return {c.ticket,
              core::operation::seal,
              {},
              core::encode(core::seal_request{m.table, m.moves, m.to}),
              name};
    case step::adopt:
      return {c.ticket, core::operation::adopt, {}, c.part, name};
    case step::clear:
    case step::read_part:
      break;
  }
  return {c.ticket,
          core::operation::clear_table,
          {},
          core::encode(core::clear_request{m.table, m.moves}),
          name};
}

void mover::take_step(std::size_t number) {
  auto& c = carriers_[number];
  if (c.over) return;
  if (!calm_ && ++c.tries > tries_max) return end(c);
  const auto& m = moves_[c.which];
  c.ticket = ++tickets_;
  asked_[c.ticket] = number;
  auto which = random_.below(nodes_.size());
  while (calm_ && !nodes_[which]->is_well()) which = (which + 1) % nodes_.size();
  auto& node = *nodes_[which];
  if (c.next == step::read_part) {
    core::part_request r{m.table,         m.moves,         m.to,
                         c.arrived.parts, c.arrived.after, options_.part_bytes};
    node.read(core::log_itself, m.from, core::read_kind::part, c.ticket, core::encode(r),
              patience_ms);
  } else {
    node.write(core::log_itself, c.next == step::adopt ? m.to : m.from, request(c), patience_ms);
  }
  // Asked by a node that is down, or that goes down: nobody will answer.
  events_.push(events_.now() + patience_ms * 1'500, [this, number, ticket = c.ticket] {
    if (carriers_[number].ticket == ticket) take_step(number);
  });
}

void mover::end(carrier& c) {
  c.over = true;
  c.ticket = 0;
}

void mover::on_expired(std::uint64_t, bool) {}

void mover::on_answer(std::uint64_t ticket, const core::outcome& result) {
  const auto number = asked_.at(ticket);
  auto& c = carriers_[number];
  if (c.ticket != ticket) return;  // given up since
  if (story_.heard()) story_.tell({}, moves_[c.which].from, "a step of a table's move is done");
  on_outcome(c, result);
  if (c.over) return;
  c.ticket = 0;
  events_.push(events_.now() + random_.below(5'000), [this, number] {
    if (carriers_[number].ticket == 0) take_step(number);
  });
}

void mover::on_outcome(carrier& c, const core::outcome& result) {
  auto& m = moves_[c.which];
  if (result.code == core::outcome_code::unknown) return;  // an old boot's: again
  require(result.code != core::outcome_code::refused,
          "a step of a move is refused: " + result.data);
  const auto state = core::decode_table_state(result.data);
  switch (c.next) {
    case step::seal: {
      require(result.code == core::outcome_code::ok && state, "a log does not know its table");
      const bool acted = state->moves > m.moves || state->what == core::custody::gone ||
                         state->what == core::custody::sealed;
      require(acted, "a seal did not act, though the table is there");
      const bool is_here = state->moves == m.moves && state->what == core::custody::sealed;
      if (!m.to) m.done = true;
      if (!is_here) return end(c);
      if (!m.to) {
        c.next = step::clear;
        return;
      }
      c.next = random_.chance(1, 50) ? step::seal : step::read_part;
      return;
    }
    case step::read_part:
      // Somebody was faster, and the table is not here any more.
      if (result.code == core::outcome_code::not_found) return end(c);
      c.part = result.data;
      c.next = step::adopt;
      return;
    case step::adopt:
      require(result.code == core::outcome_code::ok && state, "an adoption has no state");
      c.arrived = *state;
      if (state->moves == m.moves + 1 && state->what == core::custody::arriving) {
        c.next = random_.chance(1, 20) ? step::adopt : step::read_part;
        return;
      }
      require(state->moves > m.moves, "an adoption did not act, though it was due");
      m.done = true;
      c.next = step::clear;
      return;
    case step::clear:
      if (result.data == "done") end(c);
  }
}

}  // namespace atlas::sim
