// Non-blocking descriptors and poll: a node that hangs costs a test its limit and nothing more.
// Frames are told apart by the few rules of the protocol that a client needs: `OK` or `ERROR` ends
// a reply, and only `BLOB <n>` announces bytes that are no line.
#include "tests/system/client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/check.hpp"

namespace atlas::system_tests {
namespace {

constexpr std::size_t tagged_at_once = 128;

int wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd p{fd, events, 0};
    const int ready = ::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

}  // namespace

std::string reply::text() const {
  if (what == kind::lost) return "(connection lost)";
  if (what == kind::late) return "(no answer)";
  std::string all;
  for (const auto& l : lines) all += (all.empty() ? "" : "\n") + l;
  return all;
}

std::optional<client> client::connect_rudely(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ATLAS_CHECK(socket.size() < sizeof address.sun_path, "the path of a test's socket is short");
  std::memcpy(address.sun_path, socket.data(), socket.size());
  client c(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(c.fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return std::nullopt;
  return c;
}

std::optional<client> client::connect(const std::string& socket, std::chrono::milliseconds limit) {
  auto c = connect_rudely(socket);
  if (!c) return std::nullopt;
  const auto welcome = c->next_line(limit);
  if (!welcome || !c->send("HELLO 1.0 clientId=system-test\r\n", limit)) return std::nullopt;
  if (c->next_line(limit) != "READY") return std::nullopt;
  return c;
}

client::client(client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      at_end_(other.at_end_),
      buffer_(std::move(other.buffer_)) {}

client& client::operator=(client&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(at_end_, other.at_end_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

client::~client() {
  if (fd_ >= 0) ::close(fd_);
}

bool client::send(std::string_view bytes, std::chrono::milliseconds limit) {
  const auto deadline = clock::now() + limit;
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN || wait_for(fd_, POLLOUT, deadline) <= 0) return false;
  }
  return true;
}

bool client::fill(clock::time_point deadline) {
  char bytes[16384];
  while (!at_end_) {
    const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(got));
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      if (wait_for(fd_, POLLIN, deadline) <= 0) return false;
      continue;
    }
    at_end_ = true;
  }
  return false;
}

std::optional<std::string> client::take_line(clock::time_point deadline) {
  std::size_t end = 0;
  for (std::size_t looked_at = 0; (end = buffer_.find('\n', looked_at)) == std::string::npos;) {
    looked_at = buffer_.size();
    if (!fill(deadline)) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::optional<std::string> client::take_bytes(std::size_t n, clock::time_point deadline) {
  while (buffer_.size() < n)
    if (!fill(deadline)) return std::nullopt;
  std::string bytes = buffer_.substr(0, n);
  buffer_.erase(0, n);
  return bytes;
}

std::optional<std::string> client::next_line(std::chrono::milliseconds limit) {
  return take_line(clock::now() + limit);
}

bool client::closed_by_server(std::chrono::milliseconds limit) {
  const auto deadline = clock::now() + limit;
  while (fill(deadline)) buffer_.clear();
  return at_end_;
}

reply client::broken() const {
  return {at_end_ ? reply::kind::lost : reply::kind::late, {}};
}

reply client::read_reply(clock::time_point deadline) {
  reply r;
  while (auto line = take_line(deadline)) {
    if (*line == "OK") {
      r.what = reply::kind::ok;
      return r;
    }
    const bool blob = line->starts_with("BLOB ") && !line->starts_with("BLOB size=");
    const std::size_t bytes = blob ? std::stoul(line->substr(5)) : 0;
    const bool error = line->starts_with("ERROR ");
    r.lines.push_back(std::move(*line));
    if (error) {
      r.what = reply::kind::error;
      return r;
    }
    if (!blob) continue;
    auto value = take_bytes(bytes, deadline);
    if (!value) break;
    r.lines.push_back(std::move(*value));
  }
  return broken();
}

reply client::ask(std::string_view line, std::chrono::milliseconds limit) {
  const auto deadline = clock::now() + limit;
  if (!send(std::string(line) + "\r\n", limit)) return {};
  return read_reply(deadline);
}

reply client::blob_set(std::string_view key, std::string_view value) {
  const auto deadline = clock::now() + patience;
  std::string request = "KEY BLOB SET " + std::string(key) + " ";
  request += std::to_string(value.size()) + "\r\n";
  request += value;
  if (!send(request)) return {};
  return read_reply(deadline);
}

std::vector<reply> client::ask_all(const std::vector<std::string>& lines) {
  std::vector<reply> all(lines.size());
  const auto deadline = clock::now() + patience;
  for (std::size_t first = 0; first < lines.size(); first += tagged_at_once) {
    const auto last = std::min(lines.size(), first + tagged_at_once);
    std::string out;
    for (auto i = first; i < last; ++i)
      out += "[ID:" + std::to_string(i) + "] " + lines[i] + "\r\n";
    if (!send(out)) return all;
    for (auto open = last - first; open > 0;) {
      const auto line = take_line(deadline);
      if (!line) return all;
      const auto end = line->find("] ");
      ATLAS_CHECK(line->starts_with("[ID:") && end != std::string::npos, "frames carry their tag");
      auto& r = all.at(std::stoul(line->substr(4, end - 4)));
      const auto frame = line->substr(end + 2);
      const bool error = frame.starts_with("ERROR ");
      if (frame != "OK") r.lines.push_back(frame);
      if (frame != "OK" && !error) continue;
      r.what = error ? reply::kind::error : reply::kind::ok;
      --open;
    }
  }
  return all;
}

}  // namespace atlas::system_tests
