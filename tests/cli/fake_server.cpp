// Threads and blocking sockets: slow, simple and obviously right, which is what a test double is
// for.
#include "tests/cli/fake_server.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace atlas::tests {

bool fake_connection::fill() {
  std::array<char, 4096> chunk;
  const auto got = ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (got <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<std::string> fake_connection::line() {
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos)
    if (!fill()) return std::nullopt;
  auto out = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return out;
}

std::string fake_connection::bytes(std::size_t count) {
  while (buffer_.size() < count && fill()) continue;
  auto out = buffer_.substr(0, count);
  buffer_.erase(0, out.size());
  return out;
}

void fake_connection::send(std::string_view text) {
  // A client that is gone already is the test's business, not an error here.
  [[maybe_unused]] const auto sent = cli::send_all(fd_, text);
}

std::string fake_connection::greet() {
  send("WELCOME 1.0 Chronalys/1.0\r\n");
  auto hello = line().value_or("");
  send("READY\r\n");
  return hello;
}

fake_server::fake_server(handler serve) : fake_server(std::move(serve), "") {}

fake_server::fake_server(handler serve, std::string path)
    : path_(path.empty() ? dir_.file("s") : std::move(path)), serve_(std::move(serve)) {
  ::unlink(path_.c_str());
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_.get(), 64) != 0)
    std::abort();
  acceptor_ = std::thread([this] { accept_all(); });
}

fake_server::~fake_server() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : threads_) thread.join();
}

void fake_server::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    if (closing_) {
      ::close(fd);
      return;
    }
    open_.push_back(fd);
    threads_.emplace_back([this, fd] {
      fake_connection connection(fd);
      serve_(connection);
      const std::lock_guard closing(mutex_);
      std::erase(open_, fd);
      ::close(fd);
    });
  }
}

}  // namespace atlas::tests
