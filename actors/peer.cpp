#include "actors/peer.hpp"

#include <spdlog/spdlog.h>

#include <map>

#include <caf/io/all.hpp>

#include "net/secure_middleman_broker.hpp"

namespace atlas::actors {
namespace {

constexpr std::chrono::milliseconds peer_tick{200};
// One middleman actor serves all dials, up to 2 s for each host that does not answer. A dial that
// is given up stays in its mailbox, so it is waited for: one per peer, however many hosts are
// silent.
constexpr std::chrono::seconds dial_timeout{120};
constexpr std::chrono::seconds greeting_timeout{6};
constexpr std::uint64_t back_off_us_min = 100'000;
constexpr std::uint64_t back_off_us_max = 2'000'000;

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
  return {handler<core::prepare>(),
          handler<core::promise>(),
          handler<core::nack>(),
          handler<core::accept>(),
          handler<core::accepted>(),
          handler<core::commit>(),
          handler<core::fetch>(),
          handler<core::chosen>(),
          handler<core::owner_query>(),
          handler<core::owner_report>(),
          [this](const wire_header& h, forward& f) {
            if (arrived(h, f)) on_forward(h, f);
          },
          [this](const wire_header& h, answers& a) {
            if (arrived(h, a)) board_->requests->on_answers(std::move(a));
          },
          [this](const wire_header& h, returned& r) {
            if (arrived(h, r)) board_->requests->on_returned(std::move(r));
          },
          [this](const wire_header& h, const ping& p) {
            if (!arrived(h, p)) return;
            link_->on_receipt(p.received_position);
            if (p.hears_you) link_->on_heard_there();
            // A lease for one who hears nobody would keep the others from going on without it.
            link_->send(pong{p.sent_us, p.hears_you ? board_->leases->on_heartbeat(h.from)
                                                    : core::lease_grant{}});
          },
          [this](const wire_header& h, const pong& p) {
            if (!arrived(h, p)) return;
            link_->on_round_trip(monotonic_us() - p.sent_us);
            const bool is_first = !link_->answered_lately();
            link_->on_answered();
            if (is_first) ping_now();
            board_->book_leases(h.from, p.sent_us, p.grant);
          },
          [this](const wire_header& h, const credit& c) {
            if (arrived(h, c)) link_->on_receipt(c.received_position);
          },
          handler<core::snapshot_offer>(),
          handler<core::snapshot_request>(),
          handler<core::snapshot_chunk>(),
          handler<core::release>(),
          [this](tick_message) { on_tick(); },
          handler<core::move_offer>(),
          handler<core::move_ready>(),
          handler<core::hand_off>(),
          handler<move_request>(),
          [this](const wire_header& h, move_reply& r) {
            if (arrived(h, r)) board_->requests->on_move_reply(std::move(r));
          }};
}

bool peer::arrived(const wire_header& h) {
  if (h.from != heard_) {
    // The other node has just started and found its way here: no reason to wait out the back-off.
    // Only once per start, or one-way unreachability would mean dialling without a pause.
    heard_ = h.from;
    back_off_us_ = 0;
    next_dial_us_ = 0;
  }
  if (!link_->accepts(h)) return false;
  if (const auto position = link_->due_receipt()) link_->send(credit{position});
  return true;
}

void peer::complain() {
  if (malformed_++ % 1000 == 0)
    spdlog::error("node {} sent a message that can not be right; dropped ({} so far)",
                  node_.id.value, malformed_);
}

void peer::on_forward(const wire_header& h, forward& f) {
  const auto entry = board_->log(f.log);
  if (!entry) return board_->bounce(h.from, f);
  if (const auto owner = entry->owner()) {
    caf::anon_send(owner, h.from, std::move(f));
  } else {
    // Behind a hand-off that may have come just before it.
    caf::anon_send(entry->acceptor, h.from, std::move(f));
  }
}

void peer::ping_now() {
  link_->send(ping{monotonic_us(), link_->arrived(), link_->answered_lately()});
}

void peer::on_tick() {
  if (stage_ == stage::connected) ping_now();
  if (stage_ == stage::idle && monotonic_us() >= next_dial_us_) dial();
  delayed_send(this, peer_tick, tick_message{});
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
  request(door, greeting_timeout,
          hello{me_.cluster_id, board_->self(), me_.node_uuid, me_.disk_uuid, me_.start_nonce, 1})
      .then([this](const welcome& w, peer_actor& to) { connected(w, std::move(to)); },
            [this](caf::error& e) { failed(system().render(e)); });
}

void peer::connected(const welcome& w, peer_actor to) {
  if (w.removed && board_->note_removed()) {
    spdlog::error("{}; until then clients are refused here", w.why);
    board_->requests->on_routes_changed();
  }
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
  ping_now();
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
