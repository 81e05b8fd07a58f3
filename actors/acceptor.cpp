#include "actors/acceptor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "actors/owner.hpp"

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds acceptor_tick{100};
constexpr std::uint64_t waiting_us_max = 60'000'000;

}  // namespace

acceptor::acceptor(caf::actor_config& config, std::shared_ptr<board> where,
                   std::shared_ptr<log_entry> entry, core::configuration first,
                   std::shared_ptr<core::log_store> disk, const core::replica_limits& limits)
    : metered(config, where->meters(), "acceptor/" + entry->table),
      board_(std::move(where)),
      entry_(std::move(entry)),
      disk_(std::move(disk)),
      replica_(entry_->log, board_->self(), std::move(first), *disk_, board_->leases.get(),
               limits) {
  replica_.set_clock({monotonic_us() / 1000});
  publish();
}

acceptor_actor::behavior_type acceptor::make_behavior() {
  if (entry_->log == core::meta_log) publish_catalogue();
  delayed_send(this, acceptor_tick, tick_message{});
  return {handler(&core::replica::on_prepare),
          handler(&core::replica::on_accept),
          handler(&core::replica::on_commit),
          handler(&core::replica::on_fetch),
          handler(&core::replica::on_chosen),
          [this](const confirmed& batch) { answer_reads(batch); },
          [this](const chase& c) {
            core::replica_effects out;
            replica_.on_chase(c.source, c.upto, out);
            emit(out);
          },
          [this](const written& w) {
            core::replica_effects out;
            replica_.on_written(w.group, w.durable, out);
            if (out.installed)
              spdlog::info("table {}: took over a snapshot of slot {}", entry_->table,
                           out.installed.value);
            emit(out);
            if (entry_->watches.load(std::memory_order_relaxed))
              board_->requests->on_history(entry_->log);
          },
          [this](const filed& f) { filing_ -= f.jobs; },
          [this](tick_message) { on_tick(); },
          handler(&core::replica::on_snapshot_offer),
          handler(&core::replica::on_snapshot_request),
          handler(&core::replica::on_snapshot_chunk),
          handler(&core::replica::on_release),
          handler(&core::replica::on_move_offer),
          handler(&core::replica::on_hand_off),
          [this](core::process from, forward& f) {
            // Requests that found no owner; behind `inherit`, should one be on its way.
            send(board_->directory, from, std::move(f));
          },
          [this](stale_asks& asks) {
            core::replica_effects out;
            for (auto& ask : asks.list) replica_.on_stale(std::move(ask), out);
            emit(out);
          }};
}

void acceptor::on_tick() {
  core::replica_effects out;
  replica_.set_watched(entry_->watches.load(std::memory_order_relaxed) > 0);
  replica_.on_tick({monotonic_us() / 1000}, out);
  const auto wall = read_clocks().wall;
  std::erase_if(waiting_, [&](const auto& w) { return w.second.us + waiting_us_max < wall.us; });
  emit(out);
  delayed_send(this, acceptor_tick, tick_message{});
}

/// Large entries go to the filer first, and so does what comes behind them.
void acceptor::keep(core::replica_effects& out) {
  const bool is_ahead = std::any_of(out.persist.begin(), out.persist.end(), core::is_filed);
  store_job job{{entry_->log, std::move(out.persist), out.sync, {}},
                out.group,
                std::move(out.held),
                acceptor_actor{this}};
  if (!is_ahead && filing_ == 0) return send(board_->store, std::move(job));
  ++filing_;
  send(board_->filer, std::move(job));
}

void acceptor::emit(core::replica_effects& out) {
  if (!out.persist.empty() || !out.held.empty()) keep(out);
  board_->send_all(std::move(out.now));
  if (!out.results.empty()) {
    std::map<core::process, answers> by_origin;
    for (auto& r : out.results) {
      auto& to = by_origin[r.from];
      to.log = entry_->log;
      to.list.push_back({false, r.seq, std::move(r.result), r.table});
    }
    for (auto& [origin, list] : by_origin) board_->answer(origin, std::move(list));
  }
  publish();
  const auto small = replica_.small_commands();
  if (std::exchange(small_commands_, small) != small) board_->small.note(monotonic_us());
  if (!out.stale.empty()) board_->requests->on_stale_answers(std::move(out.stale));
  if (out.taken) send(board_->directory, inherit{std::move(*out.taken)});
  if (out.progress)
    if (const auto owner = entry_->owner()) send(owner, std::move(*out.progress));
  if (out.catalogue_changed) publish_catalogue();
}

/// This process may have stood still since the owner looked: what is read now counts only if nobody
/// else could write until now.
bool acceptor::stands(const confirmed& batch) const {
  return batch.lease_until.ms == 0 || (entry_->reading_tenure.load() == batch.tenure &&
                                       monotonic_us() / 1000 < batch.lease_until.ms);
}

void acceptor::answer_reads(const confirmed& batch) {
  // The own copy lags behind the owner: somebody else won this acceptor. Ask again.
  if (!replica_.can_answer(batch.applied_min)) return give_back(batch, "the owner is catching up");
  std::map<core::process, answers> by_origin;
  std::vector<listing_job> walks;
  const auto wall = read_clocks().wall;
  confirmed expiring;
  for (const auto& r : batch.reads) {
    if (core::is_listing(r.what) && begin_walk(r, wall, walks)) continue;
    auto& to = by_origin[r.from];
    to.log = entry_->log;
    auto found = replica_.answer(r, wall);
    if (found.code == core::outcome_code::expiring)
      expiring.reads.push_back(r);
    else
      to.list.push_back({true, r.ticket, std::move(found), r.table});
  }
  if (!stands(batch)) return give_back(batch, "the lease ran out");
  if (!expiring.reads.empty()) give_back(expiring, "the key is about to end");
  for (auto& w : walks) send(board_->reader, std::move(w));
  for (auto& [origin, list] : by_origin) board_->answer(origin, std::move(list));
}

/// Takes the table as it is now, for the reader. False if `answer` knows better.
bool acceptor::begin_walk(const core::read& r, core::stamp wall, std::vector<listing_job>& out) {
  // Where rows end all the time, one is nearly always about to. A listing waits for those alone
  // that were over when it was asked first.
  const std::tuple name{r.from, r.table, r.ticket};
  const auto first = waiting_.find(name);
  const auto over_at = first == waiting_.end() ? wall : first->second;
  if (const auto due = replica_.next_due(); due.us && due <= over_at) {
    if (first == waiting_.end()) waiting_.emplace(name, wall);
    return false;
  }
  if (first != waiting_.end()) waiting_.erase(first);
  auto walk = replica_.list(r);
  if (!walk) return false;
  out.push_back({std::move(walk), r.from, entry_->log, r.table, r.ticket, monotonic_us() / 1000});
  return true;
}

void acceptor::give_back(const confirmed& batch, const char* why) {
  std::map<std::pair<core::process, core::table_id>, returned> back;
  for (const auto& r : batch.reads) {
    auto& to = back[{r.from, r.table}];
    to.log = entry_->log;
    to.table = r.table;
    to.why = why;
    to.reads.push_back(r.ticket);
  }
  for (auto& [name, list] : back) board_->give_back(name.first, std::move(list));
}

void acceptor::publish() {
  const bool moved = published_.holder != replica_.holder();
  published_.promised = replica_.promised();
  published_.holder = replica_.holder();
  published_.watermark = replica_.watermark();
  published_.last_stamp = replica_.last_stamp();
  published_.settled = replica_.settled();
  if (!published_.active || published_.active->epoch != replica_.active().epoch)
    published_.active = std::make_shared<const core::configuration>(replica_.active());
  entry_->update(published_);
  if (moved && board_->requests) board_->requests->on_routes_changed();
}

void acceptor::publish_catalogue() {
  auto view = std::make_shared<const core::catalogue_view>(core::read_catalogue(replica_.rows("")));
  send(board_->directory, catalogue_news{std::move(view)});
}

}  // namespace atlas::actors
