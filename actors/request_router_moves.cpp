// TABLE MOVE: any node takes the command, the node that owns the table acts. Asking again is
// harmless, so a lost message or an owner that changes meanwhile needs no more than a repeat.
#include <algorithm>
#include <charconv>

#include "actors/request_router.hpp"

namespace atlas::actors {
namespace {

constexpr std::uint64_t ask_again_ms = 1'000;

bool is_number(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

core::node_id request_router::move_target(const log_entry& entry, const std::string& text,
                                          std::string& wrong) const {
  const auto catalogue = board_->catalogue();
  if (is_number(text)) {
    core::node_id id;
    std::from_chars(text.data(), text.data() + text.size(), id.value);
    for (const auto& n : catalogue->nodes)
      if (n.id == id) return id;
    wrong = "node " + text + " not found; NODE LIST shows the members";
    return {};
  }
  owner_actor local;
  const auto owner = owner_of(entry, local);
  const auto heard = board_->reachable_nodes();
  const auto active = entry.now().active;
  // Best a voter that answers: it holds nearly everything already. The table stays if it is there.
  std::pair<int, core::node_id> best{-1, {}};
  bool known = false;
  for (const auto& n : catalogue->nodes) {
    if (n.zone != text) continue;
    known = true;
    if (n.id == owner.node) return n.id;
    if (std::find(heard.begin(), heard.end(), n.id) == heard.end()) continue;
    const int rank = active->has(n.id) ? 1 : 0;
    if (rank > best.first) best = {rank, n.id};
  }
  if (!known) wrong = "region " + text + " has no nodes; NODE LIST shows the regions";
  if (known && best.first < 0)
    wrong = "no node of region " + text + " answers; start one or mend its network";
  return best.second;
}

void request_router::start_move(const net::client_request& r, std::uint64_t now,
                                std::uint64_t deadline) {
  const auto refuse = [&](std::string text) {
    reply(r.ticket, net::reply_kind::warn, std::move(text));
  };
  const auto entry = board_->log_of(r.key);
  if (!entry)
    return refuse("not found: table " + r.key +
                  " does not exist; it is created by the first write");
  std::string wrong;
  const auto target = move_target(*entry, r.value, wrong);
  if (!target) return refuse(std::move(wrong));
  const auto number = ++last_move_;
  auto& m = moves_[number];
  m = {r.ticket, entry, target, deadline, {}, 0};
  if (!press(number, m, now)) return;
  reply(r.ticket, net::reply_kind::ok);
  moves_.erase(number);
}

bool request_router::press(std::uint64_t number, pending_move& m, std::uint64_t now) {
  owner_actor local;
  const auto owner = owner_of(*m.entry, local);
  if (!owner) return false;  // asked when there is one
  // A candidate here owns nothing yet; it answers itself.
  if (owner.node == m.target && !local) return true;
  if (owner == m.asked && now < m.asked_at_ms + ask_again_ms) return false;
  m.asked = owner;
  m.asked_at_ms = now;
  const move_request ask{m.entry->log, number, m.target};
  if (local)
    caf::anon_send(local, board_->self(), ask);
  else if (const auto link = board_->link(owner.node))
    link->send(ask);
  return false;
}

void request_router::tick_moves(std::uint64_t now) {
  for (auto it = moves_.begin(); it != moves_.end();) {
    auto& [number, m] = *it;
    const bool there = press(number, m, now);
    if (there) {
      reply(m.ticket, net::reply_kind::ok);
    } else if (now >= m.deadline_ms) {
      reply(m.ticket, net::reply_kind::warn,
            "outcome unknown: table " + m.entry->table + " has not come to node " +
                std::to_string(m.target.value) + " in time; ask TABLE INFO " + m.entry->table);
    } else {
      ++it;
      continue;
    }
    it = moves_.erase(it);
  }
}

void request_router::on_move_reply(move_reply&& r) {
  std::unique_lock lock(mutex_);
  const auto found = moves_.find(r.number);
  if (found == moves_.end()) return;
  const auto& m = found->second;
  if (r.done)
    reply(m.ticket, net::reply_kind::ok);
  else
    reply(m.ticket, net::reply_kind::warn,
          "table " + m.entry->table + " did not move to node " + std::to_string(m.target.value) +
              ": " + r.why);
  moves_.erase(found);
  wake_if_ready(lock);
}

}  // namespace atlas::actors
