// The event loop. One clock reading per receive serves as the end of what was answered and the
// start of what is asked next, so a latency covers encoding, both kernel crossings and the whole
// reply.
#include "cli/bench_worker.hpp"

#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "core/check.hpp"

namespace atlas::cli {

namespace {

constexpr std::uint32_t populate_attempts_max = 20;
constexpr std::uint64_t populate_ns_max = 600'000'000'000;

}  // namespace

std::uint64_t bench_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

bench_worker::bench_worker(const bench_options& options, std::uint32_t index,
                           std::vector<bench_client> clients)
    : clients_(std::move(clients)),
      picker_(options, index, clients_.size()),
      tallies_(options.targets.size()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  ATLAS_CHECK(epoll_.get() >= 0, "the kernel gives an epoll descriptor");
  for (auto& client : clients_) watch(client, false, true);
}

core::result<core::done> bench_worker::populate() {
  phase_ = phase::populate;
  run(bench_now_ns() + populate_ns_max);
  if (populate_failure_.empty() && in_flight_ > 0) populate_failure_ = "no answer in ten minutes";
  if (!populate_failure_.empty())
    return core::failure{core::errc::refused, "cannot write the keys: " + populate_failure_};
  return core::done{};
}

void bench_worker::measure(const bench_window& window) {
  phase_ = phase::measure;
  window_ = window;
  run(window.give_up_ns);
  for (auto& client : clients_)
    for (const auto& slot : client.slots())
      if (slot.started_ns >= window_.first_ns) ++tallies_[client.target()].unanswered;
}

void bench_worker::run(std::uint64_t give_up_ns) {
  start_all();
  std::array<epoll_event, 256> events;
  while (in_flight_ > 0) {
    const auto now = bench_now_ns();
    if (now >= give_up_ns) return;
    const auto wait_ms = std::min<std::uint64_t>((give_up_ns - now) / 1'000'000 + 1, 60'000);
    const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(wait_ms));
    ATLAS_CHECK(ready >= 0 || errno == EINTR, "epoll_wait on our own descriptor works");
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      on_event(clients_[event.data.u32], event.events);
    }
  }
}

void bench_worker::start_all() {
  for (auto& client : clients_) {
    if (!client.open()) continue;
    const auto now = bench_now_ns();
    for (std::uint32_t slot = 0; slot < client.slots().size(); ++slot) {
      bench_slot request;
      if (!next_request(client, slot, request, now)) break;
      client.issue(slot, request);
      ++in_flight_;
    }
    send(client);
  }
}

void bench_worker::on_event(bench_client& client, std::uint32_t events) {
  // An earlier event of the same batch cannot have closed this client: each has one event only.
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) on_readable(client);
  if (client.open() && client.has_output()) send(client);
}

void bench_worker::on_readable(bench_client& client) {
  std::string why;
  if (!client.receive(why)) return drop(client, why);
  const auto now = bench_now_ns();
  for (;;) {
    const auto reply = client.next_reply();
    if (reply.what == bench_reply::kind::incomplete) return;
    if (reply.what == bench_reply::kind::broken)
      return drop(client, "reply not understood: " + std::string(reply.text.substr(0, 200)));
    on_reply(client, reply, now);
  }
}

void bench_worker::on_reply(bench_client& client, const bench_reply& reply, std::uint64_t now_ns) {
  const auto done = client.release(reply.slot);
  --in_flight_;
  bench_slot request;
  const bool failed = reply.what == bench_reply::kind::error;
  if (phase_ == phase::populate && failed) {
    if (done.attempts + 1 >= populate_attempts_max) {
      if (populate_failure_.empty()) populate_failure_ = reply.text;
      return;
    }
    request.request = done.request;
    request.attempts = done.attempts + 1;
    request.started_ns = now_ns;
  } else {
    if (done.request.kind == bench_kind::cas && !failed)
      picker_.learn(number_of(client), reply.slot, done.answer.number);
    if (phase_ == phase::measure) account(tallies_[client.target()], done, reply, now_ns);
    if (!next_request(client, reply.slot, request, now_ns)) return;
  }
  client.issue(reply.slot, request);
  ++in_flight_;
}

void bench_worker::account(bench_tally& tally, const bench_slot& request, const bench_reply& reply,
                           std::uint64_t now_ns) {
  if (request.started_ns < window_.first_ns) return;  // sent while warming up
  tally.last_ns = now_ns;
  if (reply.what == bench_reply::kind::error) return tally.add_error(reply.text);
  const auto latency_ns = now_ns - request.started_ns;
  if (request.answer.conflict()) return tally.conflicts.record(latency_ns);
  auto& series = tally.of(request.request.kind);
  series.latency.record(latency_ns);
  series.bytes += request.bytes;
  if (request.answer.has(bench_frame::keys)) series.keys += request.answer.number;
  if (request.answer.miss()) ++tally.misses;
}

bool bench_worker::next_request(const bench_client& client, std::uint32_t slot, bench_slot& request,
                                std::uint64_t now_ns) {
  request.started_ns = now_ns;
  if (phase_ == phase::measure) {
    if (now_ns >= window_.end_ns) return false;
    request.request = picker_.next(number_of(client), slot);
    return true;
  }
  if (!populate_failure_.empty()) return false;
  const auto fill = picker_.next_fill();
  if (fill) request.request = *fill;
  return fill.has_value();
}

std::size_t bench_worker::number_of(const bench_client& client) const {
  return static_cast<std::size_t>(&client - clients_.data());
}

void bench_worker::send(bench_client& client) {
  std::string why;
  if (!client.flush(why)) return drop(client, why);
  // Waking for output costs a system call, so only a full socket asks for it.
  if (client.has_output() != client.waits_to_send) watch(client, client.has_output(), false);
}

void bench_worker::drop(bench_client& client, const std::string& why) {
  auto& tally = tallies_[client.target()];
  ++tally.drops[why];
  if (phase_ == phase::populate && populate_failure_.empty()) populate_failure_ = why;
  in_flight_ -= client.in_flight();
  client.close();  // the descriptor leaves the epoll set with it; its slots stay to be counted
}

void bench_worker::watch(bench_client& client, bool for_output, bool fresh) {
  epoll_event event{};
  event.events = for_output ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = static_cast<std::uint32_t>(number_of(client));
  const int done =
      ::epoll_ctl(epoll_.get(), fresh ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client.fd(), &event);
  ATLAS_CHECK(done == 0, "an open socket can be watched");
  client.waits_to_send = for_output;
}

}  // namespace atlas::cli
