#include "net/gateway.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>
#include <unordered_map>

#include "net/connection.hpp"
#include "net/unix_socket.hpp"

namespace atlas::net {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t read_bytes = 64 << 10;
constexpr std::uint64_t listener_id = 0;
constexpr std::uint64_t wake_id = 1;
constexpr std::uint32_t first_connection = 2;

/// A client and its descriptor.
struct client {
  client(int socket, std::uint32_t number, const gateway_options& options)
      : fd(socket), state(number, options) {}
  ~client() { close(fd); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  const int fd;
  connection state;
  std::uint32_t events = EPOLLIN;
};

class epoll_gateway : public gateway {
 public:
  epoll_gateway(gateway_options options, backend& serve, int listener)
      : options_(std::move(options)), backend_(serve), listener_(listener) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch(listener_, listener_id, EPOLLIN, EPOLL_CTL_ADD);
    watch(wake_, wake_id, EPOLLIN, EPOLL_CTL_ADD);
  }
  ~epoll_gateway() override {
    stop(std::chrono::milliseconds(0));
    clients_.clear();
    for (const int fd : {listener_, epoll_, wake_, spare_})
      if (fd >= 0) close(fd);
  }

  void start() override {
    thread_ = std::thread([this] { run(); });
  }

  void wake() override {
    if (awake_.exchange(true, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    if (write(wake_, &one, sizeof one) < 0) return;  // full counter: it is awake already
  }

  void stop(std::chrono::milliseconds grace) override {
    if (!thread_.joinable()) return;
    grace_ms_ = grace.count();
    stopping_ = true;
    awake_ = false;
    wake();
    thread_.join();
    unlink(options_.socket_path.c_str());
  }

 private:
  void watch(int fd, std::uint64_t id, std::uint32_t events, int how) {
    epoll_event e{};
    e.events = events;
    e.data.u64 = id;
    epoll_ctl(epoll_, how, fd, &e);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    while (!done()) {
      const int n = epoll_wait(epoll_, events.data(), events.size(), wait_ms());
      for (int i = 0; i < n; ++i) handle(events[static_cast<std::size_t>(i)]);
      serve_round();
      if (steady::now() >= next_sweep_) sweep();
    }
    for (auto& [number, c] : clients_) flush(*c);
  }

  [[nodiscard]] int wait_ms() {
    int ms = backend_.next_deadline_ms();
    const bool timed = stopping_ || std::any_of(clients_.begin(), clients_.end(), [](auto& c) {
      return !c.second->state.output().empty();
    });
    if (timed) ms = ms < 0 ? 50 : std::min(ms, 50);
    return ms;
  }

  /// Stopping and nothing left to answer, or the time for that is over.
  bool done() {
    if (!stopping_) return false;
    if (!draining_) {
      draining_ = true;
      drain_until_ = steady::now() + std::chrono::milliseconds(grace_ms_);
      epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
      for (auto& [number, c] : clients_) update_events(*c, number);
    }
    const bool busy = std::any_of(clients_.begin(), clients_.end(), [](auto& c) {
      return c.second->state.in_flight() > 0 || !c.second->state.output().empty();
    });
    return !busy || steady::now() >= drain_until_;
  }

  void handle(const epoll_event& e) {
    if (e.data.u64 == listener_id) return accept_clients();
    if (e.data.u64 == wake_id) {
      std::uint64_t count;
      if (read(wake_, &count, sizeof count) < 0) return;
      return;
    }
    const auto number = static_cast<std::uint32_t>(e.data.u64);
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    auto& c = *found->second;
    if (e.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c, number);
    if (e.events & EPOLLOUT) mark(c, number);
  }

  void accept_clients() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) refuse_without_descriptor();
        return;
      }
      const auto number = next_number_++;
      if (next_number_ < first_connection) next_number_ = first_connection;
      auto c = std::make_unique<client>(fd, number, options_);
      if (clients_.size() >= options_.connections_max)
        c->state.fail("too many connections: at most " + std::to_string(options_.connections_max));
      watch(fd, number, EPOLLIN, EPOLL_CTL_ADD);
      mark(*c, number);
      clients_.emplace(number, std::move(c));
    }
  }

  /// Out of descriptors: the spare one takes the waiting client out of the queue and drops it.
  void refuse_without_descriptor() {
    if (spare_ >= 0) close(spare_);
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  void receive(client& c, std::uint32_t number) {
    if (!c.state.wants_input()) {
      // Only a hang-up can bring us here.
      mark(c, number);
      return;
    }
    const auto before = c.state.input_bytes();
    char* room = c.state.input_room(read_bytes);
    const auto n = recv(c.fd, room, read_bytes, 0);
    if (n > 0)
      c.state.received(static_cast<std::size_t>(n));
    else if (n == 0)
      c.state.input_ended();
    else if (errno != EAGAIN && errno != EINTR)
      return drop(number);
    input_total_ += c.state.input_bytes() - before;
    if (input_total_ > options_.input_bytes_max_total && c.state.input_bytes() > 2 * read_bytes)
      c.state.fail("out of input memory: the clients of this node hold too many unfinished bytes");
    c.state.parse(round_);
    mark(c, number);
  }

  void mark(client& c, std::uint32_t number) {
    if (!std::exchange(c.state.dirty, true)) flush_.push_back(number);
  }

  /// Everything that was read goes to the backend at once; answers may let more be parsed.
  void serve_round() {
    for (;;) {
      if (!round_.empty()) backend_.submit(std::exchange(round_, {}));
      awake_.store(false, std::memory_order_release);
      replies_.clear();
      backend_.poll(replies_);
      for (auto& r : replies_) deliver(std::move(r));
      flush_all();
      if (round_.empty()) return;
    }
  }

  void deliver(client_reply&& r) {
    const auto number = static_cast<std::uint32_t>(r.ticket >> 32);
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    auto& c = *found->second;
    if (!c.state.answer(std::move(r))) return;
    if (!stopping_) c.state.parse(round_);
    mark(c, number);
  }

  void flush_all() {
    for (std::size_t i = 0; i < flush_.size(); ++i) {
      const auto number = flush_[i];
      const auto found = clients_.find(number);
      if (found == clients_.end()) continue;
      auto& c = *found->second;
      c.state.dirty = false;
      if (!flush(c) || (c.state.finished() && c.state.output().empty())) {
        drop(number);
        continue;
      }
      if (!stopping_ && c.state.output().size() <= options_.output_bytes_max)
        c.state.parse(round_);  // may have been held back by a full output
      update_events(c, number);
    }
    flush_.clear();
  }

  /// False if the connection is broken.
  bool flush(client& c) {
    while (!c.state.output().empty()) {
      const auto out = c.state.output();
      const auto n = send(c.fd, out.data(), out.size(), MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      c.state.sent(static_cast<std::size_t>(n));
      c.state.progress_at = steady::now();
    }
    return true;
  }

  void update_events(client& c, std::uint32_t number) {
    std::uint32_t events = 0;
    if (c.state.wants_input() && !stopping_) events |= EPOLLIN;
    if (!c.state.output().empty()) events |= EPOLLOUT;
    if (events == c.events) return;
    c.events = events;
    watch(c.fd, number, events, EPOLL_CTL_MOD);
  }

  void drop(std::uint32_t number) {
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    for (const auto ticket : found->second->state.open_tickets()) backend_.forget(ticket);
    clients_.erase(found);
  }

  /// Once a second: clients that do not read for too long, and what the inputs really hold.
  void sweep() {
    next_sweep_ = steady::now() + std::chrono::seconds(1);
    std::vector<std::uint32_t> dead;
    input_total_ = 0;
    for (const auto& [number, c] : clients_) {
      input_total_ += c->state.input_bytes();
      if (!c->state.output().empty() &&
          steady::now() > c->state.progress_at + options_.write_timeout)
        dead.push_back(number);
    }
    for (const auto number : dead) drop(number);
  }

  const gateway_options options_;
  backend& backend_;
  int listener_ = -1;
  int epoll_ = -1;
  int wake_ = -1;
  int spare_ = -1;
  std::thread thread_;
  std::atomic<bool> awake_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> grace_ms_{0};

  // The thread's own.
  bool draining_ = false;
  steady::time_point drain_until_;
  steady::time_point next_sweep_;
  std::uint32_t next_number_ = first_connection;
  std::unordered_map<std::uint32_t, std::unique_ptr<client>> clients_;
  std::vector<client_request> round_;
  std::vector<client_reply> replies_;
  std::vector<std::uint32_t> flush_;
  std::size_t input_total_ = 0;
};

}  // namespace

core::result<std::unique_ptr<gateway>> gateway::open(gateway_options options, backend& serve) {
  auto listener = listen_unix(options.socket_path, options.socket_mode);
  if (!listener) return listener.error();
  return std::unique_ptr<gateway>(
      std::make_unique<epoll_gateway>(std::move(options), serve, listener.value()));
}

}  // namespace atlas::net
