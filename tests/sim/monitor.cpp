#include "tests/sim/monitor.hpp"

#include "core/row_record.hpp"
#include "core/running_hash.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {
namespace {

std::string name(core::ballot b) {
  return std::to_string(b.round) + "." + std::to_string(b.node.value);
}
std::string name(core::log_id log, core::slot s) {
  return "log " + std::to_string(log.value) + " slot " + std::to_string(s.value);
}
std::string name(core::node_id node) {
  return "node " + std::to_string(node.value);
}

}  // namespace

monitor::log_model& monitor::model(core::log_id log) {
  auto& m = logs_[log];
  if (m.configurations.empty()) m.configurations.emplace_back(core::slot{0}, first_);
  return m;
}

bool monitor::has_q2(const core::configuration& c, const std::set<core::node_id>& voters) {
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> zones;  // size, votes
  for (const auto& seat : c.seats) {
    auto& [size, votes] = zones[seat.zone];
    ++size;
    if (voters.contains(seat.node)) ++votes;
  }
  std::uint32_t enough = 0;
  for (const auto& [zone, count] : zones) {
    const auto need = count.first > c.fn ? count.first - c.fn : 1;
    if (count.second >= need) ++enough;
  }
  return enough >= c.fz + 1;
}

void monitor::on_proposed(const core::accept& m) {
  auto& log = model(m.log);
  core::slot at = m.first;
  for (const auto& value : m.entries) {
    const auto [known, fresh] = log.proposed.emplace(std::pair{m.by, at}, value);
    require(known->second == value,
            name(m.log, at) + ": ballot " + name(m.by) + " proposes two values");
    ++at;
  }
}

void monitor::choose(core::log_id id, core::slot at, core::ballot by) {
  auto& log = model(id);
  const auto proposed = log.proposed.find({by, at});
  require(proposed != log.proposed.end(),
          name(id, at) + ": chosen under ballot " + name(by) + " that never proposed it");
  const auto& value = proposed->second;
  if (at.value <= log.chosen.size()) {
    const auto& before = log.chosen[at.value - 1];
    require(before.value == value, name(id, at) + ": two values are chosen, under ballots " +
                                       name(before.by) + " and " + name(by) + " (invariant 1)");
    return;
  }
  require(at.value == log.chosen.size() + 1, name(id, at) +
                                                 ": an owner counts slots below it as "
                                                 "chosen that nobody got chosen");
  const auto& force = log.configurations.back().second;
  require(has_q2(force, log.votes[{by, at}]),
          name(id, at) + ": counted as chosen under ballot " + name(by) +
              " without a Q2 of votes in configuration " + std::to_string(force.epoch.value));
  const auto before = log.chosen.empty() ? 0 : log.chosen.back().hash;
  log.chosen.push_back({value, by, core::running_hash(before, at.value, *value.bytes)});
  if (const auto c = core::decode_configuration_entry(value); c && c->parent == force.epoch)
    log.configurations.emplace_back(at, *c);
}

void monitor::on_owner(const core::proposer& owner, core::log_id log) {
  auto& counted = counted_[{log, owner.by()}];
  for (; counted < owner.chosen(); ++counted) {
    const auto at = counted + 1;
    if (model(log).proposed.contains({owner.by(), at}))
      choose(log, at, owner.by());
    else
      require(at <= last_chosen(log), name(log, at) + ": counted as chosen, but nobody got it so");
  }
}

void monitor::on_replica(core::node_id node, const core::replica& copy) {
  const auto log = copy.log();
  auto& [promised, watermark] = last_seen_[{node, log}];
  require(copy.promised() >= promised, name(node) + ": the promise fell");
  require(copy.watermark() >= watermark, name(node) + ": the watermark fell");
  promised = copy.promised();
  if (copy.watermark() == watermark) return;
  watermark = copy.watermark();
  require(watermark <= last_chosen(log),
          name(node) + " applied " + name(log, watermark) + " which was never chosen");
  require(copy.applied_hash() == model(log).chosen[watermark.value - 1].hash,
          name(node) + " applied another log than was chosen up to " + name(log, watermark) +
              " (invariant 3)");
}

void monitor::note_accepted(core::node_id node, const core::accepted& m, const log_image& durable) {
  require(m.by >= acceptors_[{node, m.log}].told,
          name(node) + " votes under ballot " + name(m.by) + " below its promise (invariant 2)");
  require(durable.promised >= m.by, name(node) + " voted before its promise was durable");
  auto& log = model(m.log);
  for (std::uint32_t i = 0; i < m.count; ++i) {
    const auto at = m.first + i;
    const auto held = durable.entries.find(at);
    const bool holds = held != durable.entries.end() && held->second.by >= m.by;
    // A slot that is chosen already may be answered without a vote: no other value can get there.
    require(holds || at <= last_chosen(m.log), name(node) + " said that it accepted " +
                                                   name(m.log, at) +
                                                   " but its disk does not have it (invariant 2)");
    log.votes[{m.by, at}].insert(node);
  }
}

void monitor::on_leaving(core::node_id node, const core::message& m, const log_image& durable) {
  if (const auto* p = std::get_if<core::promise>(&m)) {
    require(durable.promised >= p->by, name(node) + " promised before it was durable");
    auto& told = acceptors_[{node, p->log}].told;
    told = std::max(told, p->by);
  } else if (const auto* a = std::get_if<core::accepted>(&m)) {
    note_accepted(node, *a, durable);
  }
}

void monitor::on_restart(core::node_id node, const core::replica& copy) {
  require(copy.promised() >= acceptors_[{node, copy.log()}].told,
          name(node) + ": the restart lowered a promise (invariant 2)");
  last_seen_[{node, copy.log()}] = {copy.promised(), {}};
  on_replica(node, copy);
  check_rows(node, copy);
}

monitor::replayed monitor::replay(core::log_id log, core::slot upto) const {
  replayed out;
  const auto found = logs_.find(log);
  if (found == logs_.end()) return out;
  std::map<core::node_id, origin> origins;
  for (std::uint64_t i = 0; i < upto.value; ++i) {
    const auto batch = core::decode_batch(found->second.chosen.at(i).value);
    if (!batch) continue;
    for (const auto& c : batch->commands) {
      auto& o = origins[c.from.node];
      if (c.from.boot < o.boot || (c.from.boot == o.boot && c.seq < o.floor)) continue;
      if (c.from.boot > o.boot) o = origin{c.from.boot, {}, {}};
      if (!o.done.insert(c.seq).second) continue;
      o.floor = std::max(o.floor, c.floor);
      require(out.executed.insert(c.principal).second,
              name(log, {i + 1}) + " executes request " + c.principal + " again (invariant 7)");
      if (c.what == core::operation::put) {
        auto& row = out.rows[c.row];
        row.value = c.value;
        ++row.version;
      } else {
        out.rows.erase(c.row);
      }
    }
  }
  return out;
}

void monitor::check_rows(core::node_id node, const core::replica& copy) const {
  std::map<std::string, std::string> expected;
  for (const auto& [key, row] : replay(copy.log(), copy.watermark()).rows)
    expected.emplace(key, row.value);
  std::map<std::string, std::string> held;
  for (auto& [row, value] : copy.rows("")) held.emplace(row, value);
  require(held == expected, name(node) + ": the rows at " + name(copy.log(), copy.watermark()) +
                                " are not what the chosen log says (invariants 3 and 7)");
}

void monitor::check_disk(core::node_id node, core::log_id log, const log_image& disk) const {
  const auto expected = replay(log, disk.applied).rows;
  bool same = expected.size() == disk.rows.size();
  for (const auto& [key, bytes] : disk.rows) {
    const auto row = expected.find(key);
    const auto record = core::decode_row(*bytes);
    same = same && row != expected.end() && record && record->value == row->second.value &&
           record->version == row->second.version;
  }
  require(same, name(node) + ": the rows on disk at " + name(log, disk.applied) +
                    " are not what the chosen log says (invariants 3 and 7)");
}

std::set<std::string> monitor::executed(core::log_id log) const {
  return replay(log, last_chosen(log)).executed;
}

core::slot monitor::last_chosen(core::log_id log) const {
  const auto found = logs_.find(log);
  return found == logs_.end() ? core::slot{} : core::slot{found->second.chosen.size()};
}

const core::configuration& monitor::active(core::log_id log) const {
  const auto found = logs_.find(log);
  return found == logs_.end() || found->second.configurations.empty()
             ? first_
             : found->second.configurations.back().second;
}

std::uint64_t monitor::chosen_total() const {
  std::uint64_t total = 0;
  for (const auto& [log, m] : logs_) total += m.chosen.size();
  return total;
}

}  // namespace atlas::sim
