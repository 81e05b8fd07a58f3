#include "actors/board.hpp"

#include <algorithm>
#include <utility>

namespace atlas::actors {

namespace {

/// Answers to one origin in messages of bounded size.
void send_in_parcels(peer_link& to, core::process origin, answers&& a) {
  answers part{a.log, {}};
  std::size_t bytes = 0;
  for (auto& one : a.list) {
    bytes += one.result.data.size();
    part.list.push_back(std::move(one));
    if (bytes < parcel_bytes_max) continue;
    to.send_to(origin, std::exchange(part, answers{a.log, {}}));
    bytes = 0;
  }
  if (!part.list.empty()) to.send_to(origin, std::move(part));
}

}  // namespace

void log_entry::update(const status& s) {
  const std::lock_guard lock(mutex_);
  status_ = s;
}

log_entry::status log_entry::now() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void log_entry::set_owner(owner_actor owner) {
  const std::lock_guard lock(mutex_);
  owner_ = std::move(owner);
}

void log_entry::report(caf::actor_id who, core::ballot by, core::generation gen,
                       std::uint64_t reads) {
  const std::lock_guard lock(mutex_);
  if (!owner_ || owner_.id() != who) return;
  reading_tenure.store(reads);
  tenure_ = {by, gen};
}

void log_entry::leave_office(caf::actor_id who) {
  const std::lock_guard lock(mutex_);
  if (owner_ && owner_.id() == who) owner_ = owner_actor{};
}

std::pair<core::ballot, core::generation> log_entry::present_tenure() const {
  const std::lock_guard lock(mutex_);
  return tenure_;
}

owner_actor log_entry::owner() const {
  const std::lock_guard lock(mutex_);
  return owner_;
}

void log_entry::set_tolerances(const core::tolerance_policy& p) {
  const std::lock_guard lock(mutex_);
  tolerances_ = p;
}

core::tolerance_policy log_entry::tolerances() const {
  const std::lock_guard lock(mutex_);
  return tolerances_;
}

void board::add_log(std::shared_ptr<log_entry> entry) {
  const std::unique_lock lock(mutex_);
  by_table_[entry->table] = entry;
  logs_[entry->log] = std::move(entry);
}

void board::set_names(std::map<std::string, std::shared_ptr<log_entry>> names) {
  const std::unique_lock lock(mutex_);
  by_table_ = std::move(names);
}

void board::remove_log(core::log_id id) {
  const std::unique_lock lock(mutex_);
  logs_.erase(id);
}

std::shared_ptr<log_entry> board::log(core::log_id id) const {
  const std::shared_lock lock(mutex_);
  const auto found = logs_.find(id);
  return found == logs_.end() ? nullptr : found->second;
}

std::shared_ptr<log_entry> board::log_of(const std::string& table) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_table_.find(table);
  return found == by_table_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<log_entry>> board::logs() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<log_entry>> out;
  out.reserve(logs_.size());
  for (const auto& [id, entry] : logs_)
    if (!entry->leaving) out.push_back(entry);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->log < b->log; });
  return out;
}

void board::add_link(std::shared_ptr<peer_link> link) {
  const std::unique_lock lock(mutex_);
  const auto node = link->node();
  links_[node] = std::move(link);
}

std::shared_ptr<peer_link> board::link(core::node_id node) const {
  const std::shared_lock lock(mutex_);
  const auto found = links_.find(node);
  return found == links_.end() ? nullptr : found->second;
}

void board::remove_link(core::node_id node) {
  const std::unique_lock lock(mutex_);
  links_.erase(node);
}

void board::set_catalogue(std::shared_ptr<const core::catalogue_view> view) {
  const std::unique_lock lock(mutex_);
  catalogue_ = std::move(view);
}

std::shared_ptr<const core::catalogue_view> board::catalogue() const {
  const std::shared_lock lock(mutex_);
  return catalogue_;
}

std::vector<core::node_id> board::reachable_nodes() const {
  std::vector<core::node_id> nodes{self_.node};
  const std::shared_lock lock(mutex_);
  for (const auto& [node, link] : links_)
    if (link->heard_lately()) nodes.push_back(node);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

core::round_trips board::distances() const {
  core::round_trips all;
  const std::shared_lock lock(mutex_);
  for (const auto& [node, link] : links_)
    if (const auto us = link->round_trip_us()) all.emplace(node, us);
  return all;
}

bool board::hears(core::process p) const {
  if (p == self_) return true;
  const auto to = link(p.node);
  return to && to->hears(p);
}

void board::send(core::outgoing&& m) {
  if (m.to == self_.node) {
    std::visit([&](auto& what) { deliver(self_, std::move(what)); }, m.what);
    return;
  }
  if (const auto to = link(m.to))
    std::visit([&](auto& what) { to->send(std::move(what)); }, m.what);
}

void board::book_leases(core::process granter, std::uint64_t sent_us,
                        const core::lease_grant& grant) {
  leases->on_grant(granter.node, grant, sent_us);
  for (const auto& held : grant.refusals) {
    // Somebody wants a log that this process holds there. If it does not go on under that tenure,
    // it says so, or the log would stay blocked for as long as this process lives.
    const auto entry = log(held.log);
    if (!entry || entry->present_tenure() != std::pair{held.by, held.gen})
      send({granter.node, core::release{held.log, held.by, held.gen}});
  }
}

void board::answer(core::process origin, answers&& a) {
  if (origin == self_)
    requests->on_answers(std::move(a));
  else if (const auto to = link(origin.node))
    send_in_parcels(*to, origin, std::move(a));
}

void board::give_back(core::process origin, returned&& r) {
  if (origin == self_)
    requests->on_returned(std::move(r));
  else if (const auto to = link(origin.node))
    to->send_to(origin, std::move(r));
}

void board::forward_to(core::node_id owner, forward&& all) {
  const auto to = link(owner);
  if (!to) return;
  forward f{all.log, {}, {}};
  std::size_t bytes = 0;
  const auto send_if_full = [&](std::size_t more) {
    bytes += more;
    if (bytes < parcel_bytes_max) return;
    to->send(std::exchange(f, forward{all.log, {}, {}}));
    bytes = 0;
  };
  for (auto& r : all.reads) {
    const auto size = 48 + r.row.size();
    f.reads.push_back(std::move(r));
    send_if_full(size);
  }
  for (auto& c : all.commands) {
    const auto size = 64 + c.row.size() + c.value.size();
    f.commands.push_back(std::move(c));
    send_if_full(size);
  }
  if (!f.commands.empty() || !f.reads.empty()) to->send(std::move(f));
}

void board::bounce(core::process from, const forward& f) {
  std::map<core::table_id, returned> back;
  const auto to = [&](core::table_id table) -> returned& {
    return back.try_emplace(table, returned{f.log, {}, {}, "the owner moved", table}).first->second;
  };
  for (const auto& c : f.commands) to(c.table).commands.push_back(c.seq);
  for (const auto& x : f.reads) to(x.table).reads.push_back(x.ticket);
  for (auto& [table, r] : back) give_back(from, std::move(r));
}

void board::tell_moved(core::process asker, move_reply&& r) {
  if (asker == self_)
    requests->on_move_reply(std::move(r));
  else if (const auto to = link(asker.node))
    to->send_to(asker, std::move(r));
}

}  // namespace atlas::actors
