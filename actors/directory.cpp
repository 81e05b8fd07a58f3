#include "actors/directory.hpp"

#include <spdlog/spdlog.h>

#include "actors/acceptor.hpp"
#include "actors/owner.hpp"

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds directory_tick{50};
constexpr std::uint64_t leave_after_ms = 3'000;

}  // namespace

void peer_book::add(core::node_id node, peer_actor to) {
  const std::lock_guard lock(mutex_);
  peers_[node] = std::move(to);
}

peer_actor peer_book::find(core::node_id node) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(node);
  return found == peers_.end() ? peer_actor{} : found->second;
}

void peer_book::remove(core::node_id node) {
  const std::lock_guard lock(mutex_);
  peers_.erase(node);
}

std::vector<core::node_id> peer_book::nodes() const {
  const std::lock_guard lock(mutex_);
  std::vector<core::node_id> out;
  for (const auto& [node, actor] : peers_) out.push_back(node);
  return out;
}

directory::directory(caf::actor_config& config, std::shared_ptr<board> where,
                     core::node_store& disk, directory_options options)
    : metered(config, where->meters(), "directory"),
      board_(std::move(where)),
      disk_(disk),
      options_(std::move(options)) {}

directory_actor::behavior_type directory::make_behavior() {
  return {[this](const catalogue_news& news) { on_catalogue(news); },
          [this](const take_over& t) { on_take_over(t); },
          [this](const introduced& i) { return options_.admit(i.who, i.start_nonce); },
          [this](tick_message) {
            if (!board_->log(core::meta_log)) begin();
            part_from_removed();
            close_left_logs();
            options_.every_tick();
            delayed_send(this, directory_tick, tick_message{});
          },
          [this](const inherit& i) { on_inherit(i); },
          [this](core::process from, forward& f) {
            const auto entry = board_->log(f.log);
            const auto who = entry ? entry->owner() : owner_actor{};
            if (!who) return board_->bounce(from, f);
            send(who, from, std::move(f));
          }};
}

void directory::begin() {
  if (!options_.members.empty()) {
    // Until the meta log has arrived here, the members that the join named may connect. Not the
    // node itself: it is a member in its own eyes once its copy of the log says so.
    auto first = std::make_shared<core::catalogue_view>();
    for (const auto& node : options_.members)
      if (node.id != board_->self().node) first->nodes.push_back(node);
    board_->set_catalogue(std::move(first));
  }
  for (const auto& node : options_.members) meet(node);
  open_log(core::meta_log, std::string(core::meta_table), options_.quorum, options_.genesis);
}

void directory::on_catalogue(const catalogue_news& news) {
  if (news.view->nodes.empty()) return;  // nothing has arrived yet
  board_->set_catalogue(news.view);
  const auto self = board_->self().node;
  if (news.view->was_removed(self) && board_->note_removed())
    spdlog::error("{}; until then clients are refused here", core::removed_text(self));
  for (const auto& node : news.view->nodes) meet(node);
  for (const auto& entry : board_->logs())
    if (news.view->was_dropped(entry->log)) leave_log(entry);
  if (open_logs(*news.view)) send(board_->coordinator, logs_opened{});
  board_->requests->on_routes_changed();
}

bool directory::open_logs(const core::catalogue_view& view) {
  bool any = false;
  for (const auto& t : view.tables) {
    if (!t.group.empty()) continue;  // the group opens the log
    any = open_log(t.log, t.name, t.policy, t.first) || any;
    if (const auto entry = board_->log(t.log)) entry->set_tolerances(t.policy);
  }
  // A table may be on its way from a log of its own, which this node has not met yet.
  for (const auto& t : view.tables)
    if (t.from) any = open_log(t.from, t.name, t.policy, t.from_first) || any;
  std::map<std::string, std::shared_ptr<log_entry>> names;
  names[std::string(core::meta_table)] = board_->log(core::meta_log);
  for (const auto& t : view.tables)
    if (auto entry = board_->log(t.log))  // else this copy of the catalogue has yet to catch up
      names[t.name] = std::move(entry);
  board_->set_names(std::move(names));
  return any;
}

void directory::part_from_removed() {
  const auto catalogue = board_->catalogue();
  // A removed node follows nobody's orders but those of logs that still count its votes.
  for (const auto node : options_.peers->nodes()) {
    if (!catalogue->was_removed(node) || catalogue->was_removed(board_->self().node)) continue;
    const auto logs = board_->logs();
    const bool is_needed = std::any_of(logs.begin(), logs.end(), [&](const auto& entry) {
      return entry->now().active->has(node);
    });
    if (is_needed) continue;
    spdlog::info("node {} was removed and no table needs it any more: its link is closed",
                 node.value);
    caf::anon_send_exit(options_.peers->find(node), caf::exit_reason::user_shutdown);
    options_.peers->remove(node);
    board_->remove_link(node);
    board_->requests->on_routes_changed();
  }
}

bool directory::open_log(core::log_id log, const std::string& table, core::tolerance_policy policy,
                         const core::configuration& first) {
  if (board_->log(log)) return false;
  auto entry = std::make_shared<log_entry>(log, table, policy);
  auto disk = disk_.open_log(log, table);
  if (!disk) return false;
  entry->disk = disk;
  entry->acceptor = spawn<acceptor>(board_, entry, first, std::move(disk), options_.limits);
  board_->add_log(std::move(entry));
  return true;
}

void directory::leave_log(const std::shared_ptr<log_entry>& entry) {
  entry->leaving = true;
  // It goes on for a moment, refusing everything, so that who has asked it something is told.
  leaving_.emplace_back(entry, monotonic_us() / 1000 + leave_after_ms);
}

void directory::close_left_logs() {
  while (!leaving_.empty() && leaving_.front().second <= monotonic_us() / 1000) {
    const auto entry = std::move(leaving_.front().first);
    leaving_.pop_front();
    spdlog::info("nothing of table {} is in log {} any more: it is removed", entry->table,
                 entry->log.value);
    board_->remove_log(entry->log);
    if (const auto owner = entry->owner()) anon_send_exit(owner, caf::exit_reason::user_shutdown);
    entry->set_owner(owner_actor{});
    anon_send_exit(entry->acceptor, caf::exit_reason::user_shutdown);
    send(board_->store, drop_log{entry->log});
    board_->requests->on_routes_changed();
  }
}

void directory::meet(const core::node_record& node) {
  if (node.id == board_->self().node || board_->link(node.id)) return;
  const double rtt_ms = options_.emulated_rtt_ms ? options_.emulated_rtt_ms(node.zone) : 0;
  auto link = std::make_shared<peer_link>(
      board_->self(), node.id, options_.delay,
      std::chrono::microseconds(static_cast<std::int64_t>(rtt_ms * 500)));
  board_->add_link(link);
  options_.peers->add(node.id, peer_actor{spawn<peer>(board_, link, node, options_.me)});
}

void directory::on_take_over(const take_over& t) {
  const auto entry = board_->log(t.log);
  if (!entry || entry->owner() || board_->was_removed()) return;
  const auto now = entry->now();
  spdlog::info("table {}: taking over above ballot {}.{}", entry->table, t.above.round,
               t.above.node.value);
  const auto candidate =
      spawn<owner>(board_, entry,
                   core::proposer::beginning{t.log, board_->self(), std::max(t.above, now.promised),
                                             now.watermark, now.last_stamp, *now.active});
  put_in_office(*entry, candidate);
}

void directory::on_inherit(const inherit& i) {
  const auto entry = board_->log(i.what.what.log);
  // A candidate of this node has prepared a higher ballot: the hand-off is void. An owner that gave
  // the log away and waits for the receipt is in nobody's way.
  if (!entry || (entry->owner() && entry->present_tenure().first)) return;
  spdlog::info("table {}: node {} hands over ballot {}.{} after slot {}", entry->table,
               i.what.giver.value, i.what.what.by.round, i.what.what.by.node.value,
               i.what.what.last_slot.value);
  put_in_office(*entry, spawn<owner>(board_, entry,
                                     core::proposer::inheritance{i.what, board_->self(),
                                                                 board_->reachable_nodes()}));
}

void directory::put_in_office(log_entry& entry, const owner_actor& who) {
  // Before its first word: news that it needs must find it, and its end must not be overtaken.
  entry.set_owner(who);
  send(who, tick_message{});
  // What the copy applied since it was asked where it stands has found no owner here.
  send(entry.acceptor, chase{board_->self().node, {}});
  board_->requests->on_routes_changed();
}

}  // namespace atlas::actors
