#include "cli/bench_watch.hpp"

#include <sys/socket.h>

#include <charconv>
#include <chrono>
#include <optional>

#include "cli/bench_worker.hpp"

namespace atlas::cli {

namespace {

constexpr int greeting_ms_max = 10'000;
constexpr auto probe_pause = std::chrono::milliseconds(5);

/// Takes frames off a socket: lines, and bytes between them. Blocks.
class frame_stream {
 public:
  explicit frame_stream(int fd) : fd_(fd) {}

  /// Without its line end; empty once the connection is over.
  std::optional<std::string> line() {
    for (;;) {
      const auto end = in_.find('\n', at_);
      if (end != std::string::npos) {
        auto found = in_.substr(at_, end - at_);
        at_ = end + 1;
        if (!found.empty() && found.back() == '\r') found.pop_back();
        return found;
      }
      if (!more()) return std::nullopt;
    }
  }
  std::optional<std::string> bytes(std::size_t n) {
    while (in_.size() - at_ < n)
      if (!more()) return std::nullopt;
    auto found = in_.substr(at_, n);
    at_ += n;
    return found;
  }

 private:
  bool more() {
    in_.erase(0, std::exchange(at_, 0));
    char piece[16 << 10];
    const auto n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    in_.append(piece, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string in_;
  std::size_t at_ = 0;
};

std::uint64_t number_behind(std::string_view line, std::string_view head) {
  const auto at = line.rfind(head);
  std::uint64_t n = 0;
  if (at != std::string_view::npos)
    std::from_chars(line.data() + at + head.size(), line.data() + line.size(), n);
  return n;
}

core::result<core::done> say_and_hear(int fd, const std::string& text, std::string_view expected) {
  if (auto sent = send_all(fd, text); !sent) return sent;
  const auto answer = frame_stream(fd).line();
  if (answer && answer->starts_with(expected)) return core::done{};
  return core::failure{core::errc::refused, answer.value_or("the connection was closed")};
}

}  // namespace

core::result<std::unique_ptr<bench_watch>> bench_watch::open(const bench_options& options) {
  const auto table = options.key_prefix + "0";
  std::unique_ptr<bench_watch> made(new bench_watch(table + ".probe"));
  for (std::uint32_t i = 0; i <= options.watchers; ++i) {
    auto fd = connect_client(options.targets[i % options.targets.size()]);
    if (!fd) return fd.error();
    if (auto greeted = greet(fd.value().get(), "bench", greeting_ms_max); !greeted)
      return greeted.error();
    made->connections_.push_back(std::move(fd).value());
  }
  const auto probe = made->connections_.back().get();
  if (auto first = say_and_hear(probe, "KEY PUT " + made->probe_key_ + " 0\r\n", "OK"); !first)
    return first.error();
  for (std::uint32_t i = 0; i < options.watchers; ++i) {
    const auto fd = made->connections_[i].get();
    if (auto sent = send_all(fd, "[ID:w] WATCH " + table + " VALUES\r\n"); !sent)
      return sent.error();
    made->threads_.emplace_back([w = made.get(), fd] { w->follow(fd); });
  }
  made->threads_.emplace_back([w = made.get(), probe] { w->probe(probe); });
  made->heard_.watchers = options.watchers;
  return made;
}

bench_watch::~bench_watch() {
  finish();
}

void bench_watch::set_window(std::uint64_t first_ns, std::uint64_t end_ns) {
  end_ns_ = end_ns;
  first_ns_ = first_ns;
}

bench_heard bench_watch::finish() {
  over_ = true;
  for (const auto& c : connections_) ::shutdown(c.get(), SHUT_RDWR);
  for (auto& t : threads_)
    if (t.joinable()) t.join();
  return heard_;
}

void bench_watch::follow(int fd) {
  frame_stream in(fd);
  while (auto line = in.line()) {
    if (line->find("ERROR ") != std::string::npos) return fail(*line);
    std::optional<std::string> value("");
    if (line->find(" length=") != std::string::npos) {
      const auto n = number_behind(*line, " length=");
      value = in.bytes(static_cast<std::size_t>(n));
      if (!value || !in.line()) break;
    }
    take(*line, *value);
  }
  if (!over_) fail("the connection of a watcher was closed");
}

void bench_watch::take(std::string_view line, std::string_view value) {
  const auto now = bench_now_ns();
  if (now < first_ns_ || now >= end_ns_) return;
  const std::lock_guard lock(mutex_);
  if (line.find("] GAP ") != std::string_view::npos) ++heard_.gaps;
  if (line.find("] EVENT ") == std::string_view::npos) return;
  ++heard_.events;
  std::uint64_t sent = 0;
  if (line.find(" " + probe_key_ + " ") == std::string_view::npos) return;
  std::from_chars(value.data(), value.data() + value.size(), sent);
  if (sent >= first_ns_) heard_.delivery.record(now - sent);
}

void bench_watch::probe(int fd) {
  while (!over_) {
    const auto line = "KEY PUT " + probe_key_ + " " + std::to_string(bench_now_ns()) + "\r\n";
    if (auto done = say_and_hear(fd, line, "OK"); !done) {
      if (!over_) fail("the probe: " + done.error().detail);
      return;
    }
    std::this_thread::sleep_for(probe_pause);
  }
}

void bench_watch::fail(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (heard_.failure.empty()) heard_.failure = why;
}

}  // namespace atlas::cli
