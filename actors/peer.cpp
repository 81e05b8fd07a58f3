#include "actors/peer.hpp"

#include <spdlog/spdlog.h>

#include <caf/io/all.hpp>

#include "net/secure_middleman_broker.hpp"

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds tick_every{200};
constexpr std::chrono::seconds dial_timeout{6};
constexpr std::uint64_t back_off_us_min = 100'000;
constexpr std::uint64_t back_off_us_max = 2'000'000;

bool well_formed(const core::entry& e) {
  return e.bytes && core::is_well_formed(*e.bytes);
}

/// Entries from the wire must decode before core sees them; a member that sends others is broken.
bool well_formed(const core::accept& m) {
  return m.by.round > 0 && std::all_of(m.entries.begin(), m.entries.end(),
                                       [](const auto& e) { return well_formed(e); });
}
bool well_formed(const core::chosen& m) {
  return std::all_of(m.entries.begin(), m.entries.end(),
                     [](const auto& e) { return well_formed(e); });
}
bool well_formed(const core::promise& m) {
  return std::all_of(m.entries.begin(), m.entries.end(),
                     [](const auto& e) { return well_formed(e.value); });
}

}  // namespace

peer::peer(caf::actor_config& config, std::shared_ptr<board> where, std::shared_ptr<peer_link> link,
           core::node_record node, introduction me)
    : base_type(config, where->meters(), "peer/" + std::to_string(node.id.value)),
      board_(std::move(where)),
      link_(std::move(link)),
      node_(std::move(node)),
      me_(std::move(me)) {}

peer::handle::behavior_type peer::make_behavior() {
  set_down_handler([this](caf::down_msg& d) {
    if (remote_ && d.source == remote_) lost();
  });
  send(this, tick_message{});
  const auto checked = [this](const wire_header& h, auto& m) {
    if (!arrived(h, wire_bytes(m))) return;
    if (well_formed(m))
      board_->deliver(h.from, std::move(m));
    else
      spdlog::error("node {} sent a malformed entry for log {}; dropped", node_.id.value,
                    m.log.value);
  };
  return {[this](const wire_header& h, core::prepare& m) {
            if (arrived(h, 64) && m.by.round > 0) board_->deliver(h.from, std::move(m));
          },
          [checked](const wire_header& h, core::promise& m) { checked(h, m); },
          handler<core::nack>(),
          [checked](const wire_header& h, core::accept& m) { checked(h, m); },
          handler<core::accepted>(),
          handler<core::commit>(),
          handler<core::fetch>(),
          [checked](const wire_header& h, core::chosen& m) { checked(h, m); },
          handler<core::owner_query>(),
          handler<core::owner_report>(),
          [this](const wire_header& h, forward& f) { on_forward(h, f); },
          [this](const wire_header& h, answers& a) {
            if (arrived(h, wire_bytes(a))) board_->requests->on_answers(std::move(a));
          },
          [this](const wire_header& h, returned& r) {
            if (arrived(h, 64)) board_->requests->on_returned(std::move(r));
          },
          [this](const wire_header& h, const ping& p) {
            if (arrived(h, 64)) link_->send(pong{p.sent_us});
          },
          [this](const wire_header& h, const pong& p) {
            if (arrived(h, 64)) link_->on_round_trip(monotonic_us() - p.sent_us);
          },
          [this](const wire_header& h, const credit& c) {
            if (arrived(h, 64)) link_->on_credit(c.received_bytes);
          },
          [this](tick_message) { on_tick(); }};
}

bool peer::arrived(const wire_header& h, std::size_t bytes) {
  if (h.from != heard_) {
    // The other node has just started and found its way here: no reason to wait out the back-off.
    // Only once per start, or one-way unreachability would mean dialling without a pause.
    heard_ = h.from;
    back_off_us_ = 0;
    next_dial_us_ = 0;
  }
  if (!link_->accepts(h)) return false;
  if (const auto total = link_->on_received(bytes)) link_->send(credit{total});
  return true;
}

void peer::on_forward(const wire_header& h, forward& f) {
  if (!arrived(h, wire_bytes(f))) return;
  const auto entry = board_->log(f.log);
  if (entry)
    if (const auto owner = entry->owner()) {
      caf::anon_send(owner, h.from, std::move(f));
      return;
    }
  returned r{f.log, {}, {}, "the owner moved"};
  for (const auto& c : f.commands) r.commands.push_back(c.seq);
  for (const auto& x : f.reads) r.reads.push_back(x.ticket);
  link_->send(std::move(r));
}

void peer::on_tick() {
  if (stage_ == stage::connected) link_->send(ping{monotonic_us()});
  if (stage_ == stage::idle && monotonic_us() >= next_dial_us_) dial();
  delayed_send(this, tick_every, tick_message{});
}

void peer::dial() {
  stage_ = stage::dialling;
  request(system().middleman().actor_handle(), dial_timeout, caf::connect_atom::value, node_.host,
          node_.port)
      .then(
          [this](const caf::node_id&, caf::strong_actor_ptr& door, std::set<std::string>&) {
            if (!door) return failed("nothing is published there");
            greet(caf::actor_cast<door_actor>(door));
          },
          [this](caf::error& e) { failed(net::transport_error_text(e)); });
}

void peer::greet(const door_actor& door) {
  request(door, dial_timeout,
          hello{me_.cluster_id, board_->self(), me_.node_uuid, me_.disk_uuid, me_.start_nonce, 1})
      .then([this](const welcome& w, peer_actor& to) { connected(w, std::move(to)); },
            [this](caf::error& e) { failed(system().render(e)); });
}

void peer::connected(const welcome& w, peer_actor to) {
  if (!w.accepted) return failed(w.why);
  if (w.from.node != node_.id)
    return failed("node " + std::to_string(w.from.node.value) + " answers at this address");
  spdlog::info("connected to node {} ({}) at {}:{}", node_.id.value, node_.zone, node_.host,
               node_.port);
  stage_ = stage::connected;
  failures_ = 0;
  back_off_us_ = 0;
  remote_ = caf::actor_cast<caf::strong_actor_ptr>(to);
  monitor(to);
  link_->connect(std::move(to), w.from);
  link_->send(ping{monotonic_us()});
}

void peer::failed(const std::string& why) {
  stage_ = stage::idle;
  back_off_us_ = std::clamp(back_off_us_ * 2, back_off_us_min, back_off_us_max);
  next_dial_us_ = monotonic_us() + back_off_us_;
  if (failures_++ % 10 == 0)
    spdlog::warn("node {} at {}:{} can not be reached: {}; trying again", node_.id.value,
                 node_.host, node_.port, why);
}

void peer::lost() {
  spdlog::warn("connection to node {} lost", node_.id.value);
  remote_ = nullptr;
  link_->disconnect();
  stage_ = stage::idle;
  next_dial_us_ = monotonic_us() + back_off_us_min;
}

}  // namespace atlas::actors
