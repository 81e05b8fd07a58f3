#include "actors/owner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds owner_tick{25};
constexpr std::uint64_t membership_every_ms = 200;

std::atomic<std::uint64_t> tenures{0};  // of this process, over all logs

}  // namespace

core::clock_reading read_clocks() {
  const auto wall = std::chrono::duration_cast<std::chrono::microseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  return {{monotonic_us() / 1000}, {static_cast<std::uint64_t>(wall)}};
}

owner::owner(caf::actor_config& config, std::shared_ptr<board> where,
             std::shared_ptr<log_entry> entry, core::proposer::beginning begin)
    : metered(config, where->meters(), "owner/" + entry->table),
      board_(std::move(where)),
      entry_(std::move(entry)),
      tenure_(++tenures),
      proposer_(std::move(begin), read_clocks(), first_,
                board_->reads_on_leases ? board_->leases.get() : nullptr) {}

owner::owner(caf::actor_config& config, std::shared_ptr<board> where,
             std::shared_ptr<log_entry> entry, core::proposer::inheritance from)
    : metered(config, where->meters(), "owner/" + entry->table),
      board_(std::move(where)),
      entry_(std::move(entry)),
      tenure_(++tenures),
      proposer_(std::move(from), read_clocks(), first_,
                board_->reads_on_leases ? board_->leases.get() : nullptr) {}

owner_actor::behavior_type owner::make_behavior() {
  return {[this](core::process from, const core::promise& m) {
            core::proposer_effects e;
            proposer_.on_promise(from, m, read_clocks(), e);
            emit(e);
          },
          [this](core::process from, const core::nack& m) {
            core::proposer_effects e;
            proposer_.on_nack(from, m, e);
            emit(e);
          },
          [this](core::process from, const core::accepted& m) {
            core::proposer_effects e;
            proposer_.on_accepted(from, m, read_clocks(), e);
            emit(e);
          },
          [this](core::process from, forward& f) { on_forward(from, f); },
          [this](const core::replica_progress& p) {
            core::proposer_effects e;
            proposer_.on_progress(p, read_clocks(), e);
            emit(e);
          },
          [this](const reachable& r) {
            core::proposer_effects e;
            proposer_.on_reachable(r.nodes, read_clocks(), e);
            emit(e);
          },
          [this](const followers& f) { proposer_.on_followers(f.nodes); },
          [this](const reconfigure& r) {
            core::proposer_effects e;
            proposer_.on_reconfigure(r.next, e, read_clocks());
            emit(e);
          },
          [this](tick_message) { on_tick(); },
          [this](core::process from, const core::move_ready& m) {
            core::proposer_effects e;
            proposer_.on_move_ready(from, m, read_clocks(), e);
            emit(e);
          },
          [this](core::process from, const move_request& m) { on_move_request(from, m); }};
}

void owner::on_forward(core::process, forward& f) {
  core::proposer_effects out;
  const auto at = read_clocks();
  if (!f.reads.empty()) proposer_.on_reads(std::move(f.reads), at, out);
  if (!f.commands.empty()) proposer_.on_commands(std::move(f.commands), at, out);
  emit(out);
}

void owner::on_move_request(core::process from, const move_request& m) {
  movers_[{from, m.number}] = m.target;
  core::proposer_effects out;
  proposer_.on_move(m.target, read_clocks(), out);
  emit(out);
}

void owner::tell_movers(const core::proposer_effects::move_result& result) {
  if (result.done) spdlog::info("table {}: moved to node {}", entry_->table, result.target.value);
  for (auto it = movers_.begin(); it != movers_.end();) {
    if (it->second != result.target) {
      ++it;
      continue;
    }
    board_->tell_moved(it->first.first, {it->first.second, result.done, result.why});
    it = movers_.erase(it);
  }
}

void owner::on_tick() {
  const auto at = read_clocks();
  if (!std::exchange(begun_, true)) emit(first_);
  if (at.now.ms >= last_look_ms_ + membership_every_ms) look_around(at);
  core::proposer_effects out;
  proposer_.on_tick(at, out);
  emit(out);
  if (proposer_.state() == core::proposer::stage::over) return;
  delayed_send(this, owner_tick, tick_message{});
}

void owner::look_around(core::clock_reading at) {
  last_look_ms_ = at.now.ms;
  // Asked here as well as told by the coordinator, whose news may have missed a young owner.
  core::proposer_effects out;
  proposer_.on_reachable(board_->reachable_nodes(), at, out);
  if (board_->thrifty) proposer_.on_nearness(board_->distances(), at, out);
  emit(out);
  follow_membership();
}

void owner::follow_membership() {
  if (proposer_.state() != core::proposer::stage::serving) return;
  const auto catalogue = board_->catalogue();
  std::vector<core::node_id> nodes;
  for (const auto& n : catalogue->nodes) nodes.push_back(n.id);
  proposer_.on_followers(nodes);
  if (catalogue->was_removed(board_->self().node)) {
    core::proposer_effects out;
    proposer_.on_removed(read_clocks(), out);
    emit(out);
    if (proposer_.state() == core::proposer::stage::over) return;
  }
  if (!entry_->now().settled) {
    core::proposer_effects out;
    proposer_.ask_applied(read_clocks(), out);
    return emit(out);
  }
  const auto policy = entry_->tolerances();
  const bool is_meta = entry_->log == core::meta_log;
  const auto next = core::next_configuration(proposer_.active(), policy, *catalogue, is_meta);
  if (!is_meta) warn_of_conflict(core::policy_conflict(policy, catalogue->nodes));
  if (!next) return;
  // A configuration whose new members can not be heard would only stop the writes for a while.
  const auto heard = board_->reachable_nodes();
  for (const auto& seat : next->seats)
    if (!proposer_.active().has(seat.node) &&
        std::find(heard.begin(), heard.end(), seat.node) == heard.end())
      return;
  spdlog::info("table {}: configuration {} -> {} with {} acceptors, fn={} fz={}", entry_->table,
               proposer_.active().epoch.value, next->epoch.value, next->seats.size(), next->fn,
               next->fz);
  core::proposer_effects out;
  proposer_.on_reconfigure(*next, out, read_clocks());
  emit(out);
}

void owner::warn_of_conflict(const std::string& why) {
  if (why != std::exchange(conflict_, why) && !why.empty())
    spdlog::warn(
        "table {}: {}; configuration {} stays in force: add nodes, or send TABLE ALTER {} fn=auto "
        "fz=auto",
        entry_->table, why, proposer_.active().epoch.value, entry_->table);
}

void owner::emit(core::proposer_effects& out) {
  // Before anything leaves that lets others go on.
  entry_->report(id(), proposer_.goes_on() ? proposer_.by() : core::ballot{}, proposer_.gen(),
                 proposer_.may_read() ? tenure_ : 0);
  board_->send_all(std::move(out.send));
  if (out.fetch) send(entry_->acceptor, chase{out.fetch->source, out.fetch->upto});
  for (auto& r : out.reads)
    send(entry_->acceptor, confirmed{r.applied_min, std::move(r.reads), r.lease_until, tenure_});
  if (proposer_.heir()) relay(out);
  if (!out.unproposed.empty() || !out.unread.empty()) give_back(out);
  if (out.moved) tell_movers(*out.moved);
  if (out.over) {
    spdlog::info("table {}: ownership under ballot {}.{} ended", entry_->table,
                 proposer_.by().round, proposer_.by().node.value);
    entry_->leave_office(id());
    // Who gave a log away has not lost it: no reason to bid for it.
    if (!out.moved || !out.moved->done)
      send(board_->coordinator, tenure_over{entry_->log, out.seen});
    board_->requests->on_routes_changed();
    quit();
  }
}

/// This node's own requests follow the ballot on the same link, so they arrive right behind it.
void owner::relay(core::proposer_effects& out) {
  const auto is_own = [&](const auto& x) { return x.from == board_->self(); };
  forward f{entry_->log, {}, {}};
  const auto take = [&](auto& from, auto& to) {
    const auto own = std::stable_partition(from.begin(), from.end(), std::not_fn(is_own));
    std::move(own, from.end(), std::back_inserter(to));
    from.erase(own, from.end());
  };
  take(out.unproposed, f.commands);
  take(out.unread, f.reads);
  if (!f.commands.empty() || !f.reads.empty())
    board_->forward_to(proposer_.heir().node, std::move(f));
}

void owner::give_back(core::proposer_effects& out) {
  std::map<std::pair<core::process, core::table_id>, returned> back;
  const auto to = [&](core::process origin, core::table_id table) -> returned& {
    auto& r = back[{origin, table}];
    r.log = entry_->log;
    r.table = table;
    r.why = "table " + entry_->table + ": " + out.why;
    return r;
  };
  for (const auto& c : out.unproposed) to(c.from, c.table).commands.push_back(c.seq);
  for (const auto& r : out.unread) to(r.from, r.table).reads.push_back(r.ticket);
  for (auto& [name, r] : back) board_->give_back(name.first, std::move(r));
}

}  // namespace atlas::actors
