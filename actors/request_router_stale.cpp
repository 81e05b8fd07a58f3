// KEY GET ... STALE: this node's own copy answers, with a bound on its age. core::stale_reads
// decides when the owner must be asked how far it is and what the copy must hold.
#include <charconv>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"

namespace atlas::actors {

void request_router::add_stale(route& to, const net::client_request& r, std::string row,
                               std::uint64_t deadline) {
  core::stale_reads::request what;
  what.ticket = next_ticket_++;
  what.row = std::move(row);
  what.deadline = {deadline};
  std::uint64_t bound = 0;
  const auto end = r.value.data() + r.value.size();
  if (!r.value.empty() && std::from_chars(r.value.data(), end, bound).ptr == end)
    what.bound_ms = bound;
  what.principal = r.principal;
  waiting_.emplace(what.ticket, waiting{r.ticket, r.what, {}});
  to.stale.submit(std::move(what), {monotonic_us() / 1000});
  if (!std::exchange(to.dirty, true)) dirty_.push_back(&to);
}

void request_router::press_stale(route& r, std::uint64_t now) {
  if (r.stale.wants_question({now})) ask_frontier(r, now);
  const auto entry = r.stale.log() ? board_->log(r.stale.log()) : nullptr;
  if (!entry) return;
  auto asks = r.stale.take({now}, entry->now().watermark);
  if (!asks.empty()) caf::anon_send(entry->acceptor, stale_asks{std::move(asks)});
}

void request_router::ask_frontier(route& r, std::uint64_t now) {
  r.stale.on_asked({now});
  const auto answered = [this, table = r.table](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    on_frontier(table, decided, result);
    flush_dirty(monotonic_us() / 1000);
    wake_if_ready(lock);
  };
  add_read(r, core::read_kind::frontier, {}, waiting{0, net::verb::key_get_stale, answered},
           now + options_.request_timeout_ms);
}

void request_router::on_frontier(core::table_id table, bool decided, const core::outcome& result) {
  auto* const r = route_of(table);
  if (!r) return;
  const bool is_answer = decided && result.code == core::outcome_code::ok;
  r->stale.on_answer(is_answer ? core::decode_frontier(result.data) : std::nullopt,
                     {monotonic_us() / 1000});
  if (decided && result.code == core::outcome_code::dropped) return withdraw_stale(*r);
  press_stale(*r, monotonic_us() / 1000);
}

void request_router::on_stale_answers(std::vector<core::replica_effects::stale_answer>&& list) {
  std::unique_lock lock(mutex_);
  const auto now = monotonic_us() / 1000;
  for (auto& one : list) {
    auto* const r = route_of(one.table);
    if (!r) continue;
    const auto age = r->stale.on_result(one.ticket, one.result, {now});
    if (!age) {
      press_stale(*r, now);
      continue;
    }
    const auto w = waiting_.find(one.ticket);
    if (w == waiting_.end()) continue;
    // Of a table that is gone for good the copy knows nothing, and nobody else does.
    if (one.result.code == core::outcome_code::dropped)
      one.result = {core::outcome_code::not_found, {}};
    reply_outcome(w->second, std::move(one.result));
    if (auto& told = ready_.back(); told.what != net::reply_kind::warn)
      told.head = "AGE:" + std::to_string(*age);
    waiting_.erase(w);
  }
  flush_dirty(now);
  wake_if_ready(lock);
}

void request_router::expire_stale(route& r, std::uint64_t now) {
  for (const auto ticket : r.stale.expire({now})) {
    const auto w = waiting_.find(ticket);
    if (w == waiting_.end()) continue;
    reply(w->second.ticket, net::reply_kind::warn,
          "quorum unavailable: this node's copy can not be shown to be young enough: " +
              describe_missing(*board_, *r.entry));
    waiting_.erase(w);
  }
  press_stale(r, now);
}

/// The table is gone; whoever asks the meta log learns what its name stands for now.
void request_router::withdraw_stale(route& r) {
  for (auto& s : r.stale.withdraw_all()) {
    const auto found = waiting_.find(s.ticket);
    if (found == waiting_.end()) continue;
    const auto ticket = found->second.ticket;
    waiting_.erase(found);
    park(r.label,
         {ticket, net::verb::key_get_stale, r.label + s.row,
          s.bound_ms ? std::to_string(*s.bound_ms) : std::string(), s.principal},
         s.deadline.ms);
  }
}

}  // namespace atlas::actors
