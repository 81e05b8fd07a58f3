// The porter's epoll loop. One lock guards the tables and is never held while a connection is
// handed over or a refusal is logged; ids, not descriptors, name things in epoll, so that a stale
// event after a close hits nothing.
#include "net/porter.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/check.hpp"

namespace atlas::net {

namespace {

constexpr std::uint64_t wake_id = 0;
constexpr int events_per_round = 64;
constexpr int accepts_per_round = 64;  // so that a flood of new ones cannot starve the old ones
constexpr std::chrono::milliseconds rest_time{100};

/// `host:port` without the port.
std::string_view host_of(std::string_view peer) {
  return peer.substr(0, peer.rfind(':'));
}

bool out_of_resources(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

}  // namespace

porter::porter(const transport_options& options)
    : key_(derive_challenge_key(options.credentials)),
      timeout_(options.handshake_timeout),
      handshakes_max_(std::max<std::size_t>(options.handshakes_max, 1)),
      handshakes_max_per_host_(std::max<std::size_t>(options.handshakes_max_per_address, 1)),
      refused_(options.refused),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ATLAS_CHECK(epoll_.valid() && wake_.valid(), "a process needs descriptors to start");
  want(wake_.get(), wake_id, true, false);
}

porter::~porter() {
  stop();
}

std::optional<std::uint64_t> porter::add(owned_fd listener, admit_function admit) {
  const std::lock_guard guard{mutex_};
  if (stopping_) return std::nullopt;
  const std::uint64_t id = next_id_++;
  want(listener.get(), id, false, false);
  door fresh;
  fresh.fd = std::move(listener);
  fresh.admit = std::make_shared<admit_function>(std::move(admit));
  doors_.emplace(id, std::move(fresh));
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  return id;
}

void porter::watch(std::uint64_t id, bool on) {
  const std::lock_guard guard{mutex_};
  const auto at = doors_.find(id);
  if (at == doors_.end()) return;
  at->second.watched = on;
  at->second.resting = false;
  want(at->second.fd.get(), id, on, true);
}

void porter::close(std::uint64_t id) {
  // The callback may own the caller's last reference to something: let it go outside the lock.
  std::shared_ptr<admit_function> last;
  const std::lock_guard guard{mutex_};
  const auto at = doors_.find(id);
  if (at == doors_.end()) return;
  last = std::move(at->second.admit);
  doors_.erase(at);
  std::erase_if(visitors_, [&](const auto& entry) { return entry.second.door_id == id; });
}

void porter::stop() {
  std::thread running;
  std::map<std::uint64_t, door> doors;
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
    running.swap(thread_);
    doors.swap(doors_);
    visitors_.clear();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto sent = ::write(wake_.get(), &one, sizeof one);
  }
  if (running.joinable()) running.join();
}

void porter::run() {
  std::array<epoll_event, events_per_round> events{};
  int wait = -1;
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), events_per_round, wait);
    outbox out;
    {
      const std::lock_guard guard{mutex_};
      if (stopping_) return;
      for (int i = 0; i < count; ++i) {
        const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
        if (const auto who = visitors_.find(id); who != visitors_.end()) {
          listen_to(who, out);
        } else if (const auto at = doors_.find(id); at != doors_.end()) {
          accept_from(id, at->second, out);
        }
      }
      const auto now = clock::now();
      expire(now, out);
      wake_rested(now);
      wait = wait_ms(now);
    }
    deliver(out);
  }
}

void porter::accept_from(std::uint64_t id, door& at, outbox& out) {
  if (!at.watched || at.resting) return;
  for (int i = 0; i < accepts_per_round; ++i) {
    owned_fd fd{accept4(at.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (fd.valid()) {
      receive(id, std::move(fd), out);
    } else if (out_of_resources(errno)) {
      // A place is made by the one who waits longest; without one the door itself has to wait, or
      // the loop would spin on a connection that it cannot take.
      if (visitors_.empty()) return rest(id, at);
      evict(oldest_of_busiest_host(), "the process has no free descriptors", out);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void porter::receive(std::uint64_t door_id, owned_fd fd, outbox& out) {
  std::string peer = peer_of(fd.get());
  make_room(host_of(peer), out);
  tune_tcp(fd.get());
  const std::uint64_t id = next_id_++;
  want(fd.get(), id, true, false);
  visitors_.emplace(id, visitor{std::move(fd), door_id,
                                challenge{challenge_role::door, key_, fresh_challenge_nonce()},
                                std::move(peer), clock::now() + timeout_});
}

void porter::rest(std::uint64_t id, door& at) {
  at.resting = true;
  want(at.fd.get(), id, false, true);
  rest_until_ = clock::now() + rest_time;
}

void porter::wake_rested(clock::time_point now) {
  if (!rest_until_ || now < *rest_until_) return;
  rest_until_.reset();
  for (auto& [id, at] : doors_) {
    if (!at.resting) continue;
    at.resting = false;
    want(at.fd.get(), id, at.watched, true);
  }
}

void porter::listen_to(visitor_map::iterator who, outbox& out) {
  visitor& v = who->second;
  std::array<char, challenge_hello_bytes + challenge_proof_bytes> buffer{};
  while (v.talk.outcome() == challenge_outcome::running) {
    const auto got = recv(v.fd.get(), buffer.data(), std::min(buffer.size(), v.talk.wanted()), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) {
      // Port checks connect and leave without a word; only a broken-off handshake is news.
      if (!v.spoke) {
        visitors_.erase(who);
        return;
      }
      return refuse(who, "it left in the middle of the handshake; its own log tells why", out);
    }
    v.spoke = true;
    v.talk.feed({buffer.data(), static_cast<std::size_t>(got)});
    const std::string reply = v.talk.take_output();
    if (reply.empty()) continue;
    // At most 74 bytes of a handshake ever go out: a socket that cannot take them is broken.
    const auto sent = send(v.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(reply.size())) {
      return refuse(who, "it does not read the answers of the handshake", out);
    }
  }
  decide(who, out);
}

void porter::decide(visitor_map::iterator who, outbox& out) {
  visitor& v = who->second;
  if (v.talk.outcome() != challenge_outcome::accepted) {
    out.refused.emplace_back(v.peer, describe_refusal(challenge_role::door, v.talk.outcome(),
                                                      v.peer, v.talk.peer_version()));
    visitors_.erase(who);
    return;
  }
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, v.fd.get(), nullptr);
  if (const auto at = doors_.find(v.door_id); at != doors_.end()) {
    out.admitted.emplace_back(at->second.admit, std::move(v.fd));
  }
  visitors_.erase(who);
}

void porter::make_room(std::string_view host, outbox& out) {
  const auto is_of_host = [&](const auto& entry) { return host_of(entry.second.peer) == host; };
  const auto of_host = std::count_if(visitors_.begin(), visitors_.end(), is_of_host);
  if (static_cast<std::size_t>(of_host) >= handshakes_max_per_host_) {
    evict(std::find_if(visitors_.begin(), visitors_.end(), is_of_host),
          "more than " + std::to_string(handshakes_max_per_host_) +
              " connections from this address waited for their handshake",
          out);
  } else if (visitors_.size() >= handshakes_max_) {
    evict(
        oldest_of_busiest_host(),
        "more than " + std::to_string(handshakes_max_) + " connections waited for their handshake",
        out);
  }
}

porter::visitor_map::iterator porter::oldest_of_busiest_host() {
  std::map<std::string_view, std::size_t> held;
  std::size_t most = 0;
  for (const auto& [id, v] : visitors_) most = std::max(most, ++held[host_of(v.peer)]);
  return std::find_if(visitors_.begin(), visitors_.end(),
                      [&](const auto& entry) { return held[host_of(entry.second.peer)] == most; });
}

void porter::evict(visitor_map::iterator who, const std::string& why, outbox& out) {
  refuse(who, why + "; check who floods this port", out);
}

void porter::expire(clock::time_point now, outbox& out) {
  while (!visitors_.empty() && visitors_.begin()->second.deadline <= now) {
    refuse(visitors_.begin(),
           "the handshake was not finished within " + std::to_string(timeout_.count()) +
               " ms; only Atlas nodes may connect to this port",
           out);
  }
}

void porter::refuse(visitor_map::iterator who, std::string why, outbox& out) {
  const std::string& peer = who->second.peer;
  out.refused.emplace_back(peer, "connection from " + peer + " refused: " + std::move(why));
  visitors_.erase(who);
}

void porter::deliver(outbox& out) const {
  for (auto& [admit, fd] : out.admitted) (*admit)(std::move(fd));
  if (!refused_) return;
  for (const auto& [peer, why] : out.refused) refused_(peer, why);
}

int porter::wait_ms(clock::time_point now) const {
  std::optional<clock::time_point> next = rest_until_;
  if (!visitors_.empty()) {
    const auto oldest = visitors_.begin()->second.deadline;
    next = next ? std::min(*next, oldest) : oldest;
  }
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void porter::want(int fd, std::uint64_t id, bool readable, bool known) const {
  epoll_event event{};
  event.events = readable ? static_cast<std::uint32_t>(EPOLLIN) : 0;
  event.data.u64 = id;
  const int done = epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  ATLAS_CHECK(done == 0, "epoll watches every socket of the porter");
}

}  // namespace atlas::net
