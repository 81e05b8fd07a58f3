// What is proposed, voted for, chosen and applied. Messages of acceptors: monitor_messages.cpp.
#include "tests/sim/monitor.hpp"

#include <algorithm>
#include <set>

#include "core/history.hpp"
#include "core/row_record.hpp"
#include "core/running_hash.hpp"
#include "tests/sim/monitor_names.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

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
  // Whatever is chosen came from a model that is applied, so no owner can know a newer epoch.
  require(m.epoch <= active(m.log).epoch, "ballot " + name(m.by) + " speaks under epoch " +
                                              std::to_string(m.epoch.value) + " of " +
                                              name(m.log, m.first) + ", which nobody got chosen");
  log.rounds.emplace(std::tuple{m.by, m.gen, m.round}, m.epoch);
  core::slot at = m.first;
  for (const auto& value : m.entries) {
    const auto change = log.replaced.find({m.by, m.epoch});
    require(change == log.replaced.end() || at <= change->second,
            name(m.log, at) + ": ballot " + name(m.by) + " proposes under epoch " +
                std::to_string(m.epoch.value) + " above its proposal to replace it");
    const auto c = core::decode_configuration_entry(value);
    if (c && c->parent == m.epoch) log.replaced[{m.by, m.epoch}] = at;
    const auto [known, fresh] = log.proposed.emplace(std::pair{m.by, at}, value);
    if (fresh) log.authors.emplace(*value.bytes, m.by);
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
  log.chosen.push_back(
      {value, by, core::running_hash(before, at.value, *value.bytes), events_.now()});
  // What recovery found may mix the pipelines of two owners, so only an owner's own batch is
  // stamped above all before it.
  if (const auto batch = core::decode_batch(value); batch && batch->commands.empty()) ++ticks_;
  log.table.apply(value, log.authors.at(*value.bytes) == by, name(id, at), id, ledger_);
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
  check_settled(node, copy);
  if (copy.watermark() == watermark) return;
  watermark = copy.watermark();
  require(watermark <= last_chosen(log),
          name(node) + " applied " + name(log, watermark) + " which was never chosen");
  require(copy.applied_hash() == model(log).chosen[watermark.value - 1].hash,
          name(node) + " applied another log than was chosen up to " + name(log, watermark) +
              " (invariant 3)");
  check_rows(node, copy);
  auto force = model(log).configurations.rbegin();
  while (force->first > watermark) ++force;
  require(copy.active().epoch == force->second.epoch,
          name(node) + " is in epoch " + std::to_string(copy.active().epoch.value) + " after " +
              name(log, watermark) + ", where epoch " + std::to_string(force->second.epoch.value) +
              " is in force");
}

void monitor::on_restart(core::node_id node, const core::replica& copy) {
  require(copy.promised() >= acceptors_[{node, copy.log()}].told,
          name(node) + ": the restart lowered a promise (invariant 2)");
  last_seen_[{node, copy.log()}] = {copy.promised(), {}};
  on_replica(node, copy);
  check_rows(node, copy);
}

const table_model* monitor::table(core::log_id log) const {
  const auto found = logs_.find(log);
  return found == logs_.end() ? nullptr : &found->second.table;
}

const model_rows& monitor::rows_after(core::log_id log, core::slot upto) const {
  static const model_rows none;
  const auto* const model = table(log);
  return model ? model->after(upto) : none;
}

void monitor::check_rows(core::node_id node, const core::replica& copy) const {
  const auto& expected = rows_after(copy.log(), copy.watermark());
  const auto held = copy.rows("");
  bool same = expected.size() == held.size();
  for (const auto& [key, value] : held) {
    const auto row = expected.find(key);
    same = same && row != expected.end() && row->second.value == value;
  }
  require(same, name(node) + ": the rows at " + name(copy.log(), copy.watermark()) +
                    " are not what the chosen log says (invariants 3 and 7)");
}

/// Every change once, in order, with what it was, in the history of every copy.
void monitor::check_history(core::node_id node, core::log_id log, const log_image& disk) {
  const auto* const model = table(log);
  if (!model) return;
  auto& checked = history_checked_[{node, log}];
  if (checked > disk.applied || checked < disk.truncated) checked = disk.truncated;
  for (++checked; checked <= disk.applied; ++checked) {
    std::vector<model_change> told;
    const auto record = disk.history.find(checked);
    const auto entry = disk.entries.find(checked);
    const auto& expected = model->changes(checked);
    std::set<core::table_id> tables;
    for (const auto& c : expected) tables.insert(c.table);
    for (const auto table : tables) {
      if (record == disk.history.end() || entry == disk.entries.end()) break;
      const auto found = core::changes_of(table, *record->second);
      require(found.has_value(), name(node) + ": a record of changes is broken");
      core::change_teller teller(entry->second.value);
      auto position = found->first;
      for (const auto& c : found->list) {
        const auto t = teller.tell(c);
        require(t.has_value(), name(node) + ": a change is not in its entry");
        told.push_back(
            {table, position++, c.what, std::string(t->row), std::string(t->value), c.version});
      }
    }
    auto sorted = expected;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.table < b.table; });
    require(told == sorted && (record != disk.history.end()) == !expected.empty(),
            name(node) + ": the history on disk at " + name(log, checked) +
                " does not tell what the chosen log changed");
  }
  --checked.value;
}

void monitor::check_disk(core::node_id node, core::log_id log, const log_image& disk) {
  check_history(node, log, disk);
  const auto& expected = rows_after(log, disk.applied);
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

monitor::changes monitor::changes_total() const {
  changes total;
  for (const auto& [log, m] : logs_) {
    const auto& all = m.configurations;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto& before = all[i - 1].second;
      const auto& after = all[i].second;
      ++total.all;
      if (i > 1) ++total.in_row;
      if (before.fn != after.fn || before.fz != after.fz) ++total.of_tolerances;
    }
  }
  return total;
}

}  // namespace atlas::sim
