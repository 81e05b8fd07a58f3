// The part of the client loop that a good round does not meet: memory limits, deadlines, farewells,
// and the way out. A client is only marked and buried here; its memory stays until the round is
// over, since events already fetched may still name it.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/check.hpp"
#include "net/client_loop.hpp"

namespace atlas::net {
namespace {

using namespace std::chrono_literals;

// How long a client may go on sending after a FATAL error. Closing at once would break its pipe
// before it has read why.
constexpr auto linger_time = 1000ms;

}  // namespace

void client_loop::touch(connected_client& c) {
  if (!std::exchange(c.touched, true)) touched_.push_back(&c);
}

void client_loop::account(connected_client& c) {
  ATLAS_CHECK(!c.dropped, "a dropped client holds nothing that would be counted");
  const auto input = c.input_bytes();
  input_total_ = input_total_ - c.input_counted + input;
  c.input_counted = input;
  const auto output = c.output_bytes();
  output_total_ = output_total_ - c.output_counted + output;
  c.output_counted = output;
}

void client_loop::refuse_largest_input() {
  const auto largest = std::max_element(
      clients_.begin(), clients_.end(),
      [](const auto& a, const auto& b) { return a->input_counted < b->input_counted; });
  ATLAS_CHECK(largest != clients_.end(), "input is held by somebody");
  auto& c = **largest;
  c.fail("input memory exhausted: unfinished commands of all connections hold more than " +
         std::to_string(options_.input_bytes_max_total) + " bytes, this one the most");
  account(c);
  touch(c);
}

void client_loop::drop_largest_output() {
  const auto largest = std::max_element(
      clients_.begin(), clients_.end(),
      [](const auto& a, const auto& b) { return a->output_counted < b->output_counted; });
  ATLAS_CHECK(largest != clients_.end(), "output is held by somebody");
  drop(**largest);
}

void client_loop::linger(connected_client& c) {
  ::shutdown(c.fd.get(), SHUT_WR);
  c.lingering = true;
  c.deadline = clock::now() + linger_time;
  ++timed_;
  arm(c, EPOLLIN);
}

void client_loop::drop(connected_client& c) {
  if (std::exchange(c.dropped, true)) return;
  c.abandon();
  // Whatever it held is freed with it at the end of the round.
  input_total_ -= std::exchange(c.input_counted, 0);
  output_total_ -= std::exchange(c.output_counted, 0);
  if (std::exchange(c.deadline, connected_client::no_deadline) != connected_client::no_deadline)
    --timed_;
  if (c.again) std::erase(again_, &c);
  if (c.starving) std::erase(starved_, &c);
  c.fd.reset();  // which takes it out of epoll
  const auto index = c.index;
  std::swap(clients_[index], clients_.back());
  clients_[index]->index = index;
  buried_.push_back(std::move(clients_.back()));
  clients_.pop_back();
  ATLAS_CHECK(!clients_.empty() || (input_total_ == 0 && output_total_ == 0),
              "without clients nothing is held");
}

void client_loop::sweep() {
  if (timed_ == 0 && (door_watched_ || draining_)) return;
  const auto now = clock::now();
  if (!door_watched_ && !draining_ && now >= door_opens_) watch_door(true);
  if (timed_ == 0 || now < next_sweep_) return;
  using std::chrono::milliseconds;
  next_sweep_ = now + std::clamp<milliseconds>(options_.write_timeout / 4, 1ms, 250ms);
  // Backwards: dropping moves the last one to the place of the dropped.
  for (auto i = clients_.size(); i-- > 0;)
    if (clients_[i]->deadline <= now) drop(*clients_[i]);
}

void client_loop::begin_drain() {
  draining_ = true;
  drain_until_ = clock::now() + std::chrono::milliseconds(stop_grace_ms_.load());
  door_.shut();  // which takes it out of epoll
  door_watched_ = false;
  for (auto i = clients_.size(); i-- > 0;) {
    auto& c = *clients_[i];
    if (c.lingering) {
      drop(c);
      continue;
    }
    c.end_streams();
    c.stop_reading();
    touch(c);
  }
  flush_touched();
}

void client_loop::arm(connected_client& c, std::uint32_t events) {
  if (events == c.armed) return;
  c.armed = events;
  ATLAS_CHECK(watch(c.fd.get(), &c, events, EPOLL_CTL_MOD), "epoll knows a client's descriptor");
}

void client_loop::watch_door(bool on) {
  door_watched_ = on;
  ATLAS_CHECK(watch(door_.fd(), &door_, on ? std::uint32_t{EPOLLIN} : 0, EPOLL_CTL_MOD),
              "epoll knows the listening descriptor");
}

bool client_loop::watch(int fd, void* who, std::uint32_t events, int how) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = who;
  return ::epoll_ctl(epoll_.get(), how, fd, &e) == 0;
}

}  // namespace atlas::net
