// Operations with rules of their own: ends, compare-and-set, sums, write-once values, transfers.
// Each kind has keys of its own, so that what may be told of it stays simple.
#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/row_command.hpp"
#include "core/transaction.hpp"
#include "tests/sim/clients.hpp"
#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

void clients::submit_rule(unsigned client, sim_node& at, core::log_id log,
                          std::uint64_t timeout_ms) {
  op o;
  o.log = log;
  o.node = at.id();
  o.client = client;
  const auto named = [&](const char* kind) {
    o.row = kind + std::to_string(rules_.below(2));
    o.seen.key = std::to_string(log.value) + o.row;
  };
  if (options_.blobs && blobs_.below(100) < options_.blobs)
    return submit_blob(client, at, log, timeout_ms);
  switch (rules_.below(6)) {
    case 0: {
      named(".t");
      if (rules_.chance(1, 2)) {
        submit(client, at, log, rules_.chance(1, 2) ? linear::op_kind::put : linear::op_kind::get,
               o.row, timeout_ms);
        return;
      }
      o.seen.what = linear::op_kind::erase;
      const auto us = 1'000 * (50 + rules_.below(1'500));
      return write_rule(std::move(o), at, core::operation::expire, core::encode_expire(us),
                        timeout_ms);
    }
    case 1: {
      named(".v");
      const auto known = versions_[o.seen.key];
      return write_rule(std::move(o), at, core::operation::cas,
                        core::encode_cas(known - (known && rules_.chance(1, 4) ? 1 : 0), "x"),
                        timeout_ms);
    }
    case 2:
    case 3:
      named(".c");
      return write_rule(std::move(o), at, core::operation::increase, core::encode_amount(1),
                        timeout_ms);
    case 4: {
      named(".w");
      const core::period p{true, 1'000 * (50 + rules_.below(1'000))};
      const auto value = "w" + std::to_string(ops_.size() + 1);
      if (rules_.chance(1, 3))
        return write_rule(std::move(o), at, core::operation::put_once,
                          core::encode_put_once(p, value), timeout_ms);
      return write_rule(std::move(o), at,
                        rules_.chance(1, 2) ? core::operation::put : core::operation::erase, value,
                        timeout_ms);
    }
    default: {
      o.seen.key = std::to_string(log.value) + ".x";
      const auto by = 1 + rules_.below(9);
      const auto table = core::home_table(log);
      std::vector<core::txn_step> steps{{core::step_kind::increase, "t.x0", by, {}, table},
                                        {core::step_kind::increase, "t.x1", ~by + 1, {}, table}};
      // A condition that never holds, last: what was decided before it must leave no trace.
      if (rules_.chance(1, 4))
        steps.push_back({core::step_kind::if_version, "t.x1", std::uint64_t{1} << 40, {}, table});
      return write_rule(std::move(o), at, core::operation::transaction, core::encode_steps(steps),
                        timeout_ms);
    }
  }
}

/// Values of a few chunks that other values share: chunks come, are named, lose their names and
/// end. What is read must be what its manifest says, as far as the log has it.
void clients::submit_blob(unsigned client, sim_node& at, core::log_id log,
                          std::uint64_t timeout_ms) {
  op o;
  o.log = log;
  o.node = at.id();
  o.client = client;
  o.row = ".b" + std::to_string(blobs_.below(2));
  o.seen.key = std::to_string(log.value) + o.row;
  const auto chunk = [&] {
    const auto letter = static_cast<char>('a' + blobs_.below(3));
    return std::string(core::hash_bytes, letter);
  };
  const auto die = blobs_.below(10);
  if (die < 5) {
    const auto hash = chunk();
    const core::chunk_put put{1'000 * (100 + blobs_.below(3'000)), hash,
                              std::string_view(hash).substr(0, 4)};
    return write_rule(std::move(o), at, core::operation::put_chunk, core::encode(put), timeout_ms);
  }
  if (die < 8) {
    core::blob_manifest m;
    m.chunks = {chunk()};
    if (blobs_.chance(1, 2)) m.chunks.push_back(chunk());
    m.size = m.chunks.size() * core::chunk_bytes;
    m.hash = std::string(core::hash_bytes, 'h');
    return write_rule(std::move(o), at, core::operation::put_blob, core::encode(m), timeout_ms);
  }
  if (die < 9) return write_rule(std::move(o), at, core::operation::erase, {}, timeout_ms);
  const auto us = 1'000 * (50 + blobs_.below(1'500));
  write_rule(std::move(o), at, core::operation::expire, core::encode_expire(us), timeout_ms);
}

void clients::write_rule(op&& o, sim_node& at, core::operation what, std::string value,
                         std::uint64_t timeout_ms) {
  if (o.seen.what == linear::op_kind::get) o.seen.what = linear::op_kind::put;
  o.what = what;
  const auto row = o.row;
  const auto table = core::home_table(o.log);
  const auto ticket = enter(std::move(o));
  const bool taken = at.write(
      table, {}, {ticket, what, row, std::move(value), std::to_string(ticket)}, timeout_ms);
  if (!taken) finish(ticket, state::nothing);
}

void clients::on_rule_answer(op& o, const core::outcome& result) {
  if (o.seen.what == linear::op_kind::get) return;
  const auto tell = [&](std::string_view head) {
    const auto at = result.data.find(head);
    if (at != std::string::npos) o.number = std::stoull(result.data.substr(at + head.size()));
  };
  if (result.code == core::outcome_code::refused && o.what == core::operation::put_blob) {
    require(result.data.starts_with("parts of the value are gone"),
            describe(o) + " was refused: " + result.data);
    return;
  }
  if (result.code == core::outcome_code::ok && o.what == core::operation::put_blob)
    story_.count(thing::blob);
  if (result.code == core::outcome_code::refused) {
    require(o.row.starts_with(".w") && result.data.starts_with("key is write-once until "),
            describe(o) + " was refused: " + result.data);
    return story_.count(thing::rule_kept);
  }
  if (o.what == core::operation::increase) tell("VALUE:");
  if (o.what != core::operation::cas) return;
  tell("VERSION:");
  if (o.number) versions_[o.seen.key] = *o.number;
  if (!result.data.starts_with("CONFLICT")) return;
  story_.count(thing::conflict);
  o.number.reset();  // it wrote nothing
}

void clients::check_numbers() const {
  std::map<std::string, std::vector<const op*>> told;
  for (const auto& o : ops_)
    if (o.number && o.how == state::done) told[o.seen.key].push_back(&o);
  for (auto& [key, list] : told) {
    std::sort(list.begin(), list.end(),
              [](const op* a, const op* b) { return *a->number < *b->number; });
    std::uint64_t latest_begin = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      require(i == 0 || *list[i - 1]->number < *list[i]->number,
              describe(*list[i]) + ": two clients were told the same number");
      // Nothing with a smaller number began after this one was answered.
      require(latest_begin <= *list[i]->seen.returned || i == 0,
              describe(*list[i]) + ": its number is larger than that of a later request");
      latest_begin = std::max(latest_begin, list[i]->seen.invoked);
    }
  }
}

}  // namespace atlas::sim
