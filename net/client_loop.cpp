// Connections are level-triggered. Interest in input is given up only when bytes come that may not
// be read yet, so a client that waits for each answer costs no epoll_ctl at all.
#include "net/client_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/check.hpp"

namespace atlas::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t read_bytes = 64u
                                   << 10;  // per connection and round, so that none starves others
constexpr std::size_t pieces_per_send = 64;
constexpr auto no_descriptor_pause = 100ms;

}  // namespace

client_loop::client_loop(gateway_options options, client_door door, backend& serve)
    : options_(std::move(options)),
      serve_(serve),
      door_(std::move(door)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      buffer_(read_bytes) {
  door_watched_ = epoll_.valid() && event_.valid() &&
                  watch(event_.get(), &event_, EPOLLIN, EPOLL_CTL_ADD) &&
                  watch(door_.fd(), &door_, EPOLLIN, EPOLL_CTL_ADD);
}

client_loop::~client_loop() = default;

void client_loop::wake() {
  if (wake_pending_.exchange(true)) return;
  const std::uint64_t one = 1;
  // The counter cannot overflow: it is read before it is written a second time.
  const auto written = ::write(event_.get(), &one, sizeof one);
  ATLAS_CHECK(written == sizeof one, "an eventfd takes a one");
}

void client_loop::request_stop(std::chrono::milliseconds grace) {
  stop_grace_ms_ = std::max<std::int64_t>(0, grace.count());
  wake();
}

void client_loop::run() {
  for (;;) {
    if (stop_grace_ms_ >= 0 && !draining_) begin_drain();
    if (draining_ && (clients_.empty() || clock::now() >= drain_until_)) break;
    wait();
    resume();
    serve_backend();
    flush_touched();
    sweep();
    buried_.clear();
  }
  while (!clients_.empty()) drop(*clients_.back());
  buried_.clear();
}

int client_loop::wait_ms() {
  if (!again_.empty() || !desk_.taken.empty() || !desk_.cancelled.empty()) return 0;
  const int asked = serve_.next_deadline_ms();
  auto until = clock::time_point::max();
  if (timed_ > 0) until = next_sweep_;
  if (!door_watched_ && !draining_) until = std::min(until, door_opens_);
  if (draining_) until = std::min(until, drain_until_);
  if (until == clock::time_point::max()) return asked;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
  const int own = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  return asked < 0 ? own : std::min(asked, own);
}

void client_loop::wait() {
  std::array<epoll_event, 256> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
  ATLAS_CHECK(n >= 0 || errno == EINTR, "epoll_wait works on its own descriptor");
  for (int i = 0; i < n; ++i) {
    const auto& e = events[static_cast<std::size_t>(i)];
    if (e.data.ptr == &event_) {
      std::uint64_t count = 0;
      const auto got = ::read(event_.get(), &count, sizeof count);
      ATLAS_CHECK(got == sizeof count, "an eventfd that is readable has a count");
      // Before the poll that follows: a wake from now on sets the event again.
      wake_pending_ = false;
    } else if (e.data.ptr == &door_) {
      accept_clients();
    } else {
      auto& c = *static_cast<connected_client*>(e.data.ptr);
      if (!c.dropped) on_event(c, e.events);
    }
  }
}

void client_loop::on_event(connected_client& c, std::uint32_t events) {
  if (c.lingering) return discard(c);
  if (events & EPOLLOUT) touch(c);
  if (events & EPOLLIN) {
    if (c.wants_input()) return receive(c);
    arm(c, c.armed & ~std::uint32_t{EPOLLIN});
    return;
  }
  // Closed on both sides: nobody will read an answer.
  if (events & (EPOLLHUP | EPOLLERR)) drop(c);
}

void client_loop::accept_clients() {
  if (draining_) return;
  // Bounded, so that a crowd at the door does not hold up those inside.
  for (int i = 0; i < 64; ++i) {
    auto fd = door_.accept();
    if (!fd.valid()) break;
    auto c = std::make_unique<connected_client>(std::move(fd), options_, desk_);
    c->index = clients_.size();
    c->armed = EPOLLIN;
    // The kernel, too, has a limit on what is watched.
    if (clients_.size() >= options_.connections_max ||
        !watch(c->fd.get(), c.get(), c->armed, EPOLL_CTL_ADD)) {
      client_door::refuse(c->fd);
      continue;
    }
    touch(*c);  // the greeting
    clients_.push_back(std::move(c));
  }
  if (door_.is_exhausted()) {
    watch_door(false);
    door_opens_ = clock::now() + no_descriptor_pause;
  }
}

void client_loop::receive(connected_client& c) {
  const auto n = ::recv(c.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) drop(c);
    return;
  }
  if (n > 0)
    c.feed({buffer_.data(), static_cast<std::size_t>(n)});
  else
    c.end_input();
  advance(c);
  if (input_total_ > options_.input_bytes_max_total) refuse_largest_input();
}

void client_loop::discard(connected_client& c) {
  const auto n = ::recv(c.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) drop(c);
}

void client_loop::advance(connected_client& c) {
  c.advance();
  touch(c);
  account(c);
  if (c.is_starved() && !std::exchange(c.starving, true)) starved_.push_back(&c);
}

void client_loop::resume() {
  for (auto* c : std::exchange(again_, {}))
    if (!c->dropped) {
      c->again = false;
      advance(*c);
    }
  if (desk_.bytes_in_flight > options_.request_bytes_max_total) return;
  for (auto* c : std::exchange(starved_, {})) {
    c->starving = false;
    advance(*c);
  }
}

void client_loop::serve_backend() {
  do {
    if (const auto n = desk_.round.size(); n > 0) {
      serve_.submit(std::exchange(desk_.round, {}));
      desk_.round.reserve(n);
    }
    // Behind the round: what is cancelled may have been asked for in it.
    if (!desk_.cancelled.empty()) serve_.cancel(std::exchange(desk_.cancelled, {}));
    if (!desk_.taken.empty()) serve_.on_taken(std::exchange(desk_.taken, {}));
    replies_.clear();
    serve_.poll(replies_);
    for (auto& reply : replies_) deliver(std::move(reply));
    for (auto* c : answered_) {
      c->answered = false;
      advance(*c);
    }
    answered_.clear();
    resume();
  } while (!desk_.round.empty());
}

void client_loop::deliver(client_reply&& reply) {
  if (reply.more) {
    const auto* const stream = desk_.tickets.find(reply.ticket);
    if (!stream || !stream->who) return;  // it has ended meanwhile
    auto& c = *static_cast<connected_client*>(stream->who);
    c.answer_part(*stream, std::move(reply));
    if (!std::exchange(c.answered, true)) answered_.push_back(&c);
    return;
  }
  auto entry = desk_.take(reply.ticket);
  if (entry.who == nullptr) return;  // the client has gone
  auto& c = *static_cast<connected_client*>(entry.who);
  c.answer(std::move(entry), std::move(reply));
  if (!std::exchange(c.answered, true)) answered_.push_back(&c);
}

void client_loop::flush_touched() {
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    auto& c = *touched_[i];
    c.touched = false;
    if (c.dropped || c.lingering) continue;
    if (send_output(c))
      settle(c);
    else
      drop(c);
  }
  touched_.clear();
  while (output_total_ > options_.output_bytes_max_total) drop_largest_output();
}

bool client_loop::send_output(connected_client& c) {
  auto& out = c.output();
  if (out.empty()) return true;
  std::array<iovec, pieces_per_send> pieces;
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = out.gather(pieces);
  const auto n = ::sendmsg(c.fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  out.consume(static_cast<std::size_t>(n));
  // Progress starts the time anew; `settle` sets it if there is more to send.
  if (std::exchange(c.deadline, connected_client::no_deadline) != connected_client::no_deadline)
    --timed_;
  return true;
}

void client_loop::settle(connected_client& c) {
  account(c);
  const bool sent_all = c.output().empty();
  if (sent_all) c.note_all_sent();
  if (sent_all && c.is_finished()) {
    if (c.has_failed() && !draining_) return linger(c);
    return drop(c);
  }
  if (!sent_all && c.deadline == connected_client::no_deadline) {
    c.deadline = clock::now() + options_.write_timeout;
    ++timed_;
  }
  std::uint32_t events = c.armed & EPOLLIN;
  if (c.wants_input()) events = EPOLLIN;
  if (!sent_all) events |= EPOLLOUT;
  arm(c, events);
  if (c.can_advance() && !std::exchange(c.again, true)) again_.push_back(&c);
}

}  // namespace atlas::net
