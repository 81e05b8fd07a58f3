// Request and reply over one connection. The reply of a tagged request ends with a final frame of
// its own tag; frames of other requests may come in between and are shown as they come.
#include "cli/console_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;

constexpr std::size_t part_bytes = 256 << 10;

int milliseconds_until(const std::optional<std::chrono::steady_clock::time_point>& until) {
  if (!until) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*until - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

}  // namespace

console_client::console_client(unique_fd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

result<console_client> console_client::connect(const std::string& path,
                                               std::chrono::milliseconds wait) {
  auto fd = connect_client(path, wait);
  if (!fd) return fd.error();
  const auto ms = static_cast<int>(wait.count());
  if (auto greeted = greet(fd.value().get(), "console", ms); !greeted)
    return failure{greeted.error().code, path + ": " + greeted.error().detail};
  return console_client(std::move(fd).value(), path);
}

ask_result console_client::ask(const console_request& request, const ask_hooks& hooks,
                               const ask_limits& limits) {
  using how = ask_result::how;
  frames_.expect(request.shape);
  received_ = 0;
  const auto sent = send(request, hooks);
  if (sent.payload_failed) return {how::payload_failed, {}, sent.trouble};
  // A server that refuses and closes may do so before it has read everything: its last words are
  // waiting then, and matter more than the failed send.
  for (;;) {
    auto frame = read_frame(limits);
    if (frame && frame.value().what == console_frame::shape::blob_head) {
      if (hooks.on_frame) hooks.on_frame(frame.value());
      if (auto taken = read_blob(hooks, limits); !taken)
        return {how::lost, {}, taken.error().detail};
      continue;
    }
    if (!frame) {
      const auto detail = sent.trouble.empty() ? frame.error().detail : lost(sent.trouble).detail;
      return {sent.any ? how::lost : how::not_sent, {}, detail};
    }
    if (hooks.on_frame) hooks.on_frame(frame.value());
    if (!request.ends_with(frame.value())) continue;
    frames_.expect({});  // what comes unasked has the usual shape
    return {how::answered, std::move(frame).value(), ""};
  }
}

bool console_client::pending() const {
  pollfd wait{fd_.get(), POLLIN, 0};
  return frames_.holds_bytes() || ::poll(&wait, 1, 0) > 0;
}

result<core::done> console_client::drain(
    const std::function<void(const console_frame&)>& on_frame) {
  for (;;) {
    while (const auto frame = frames_.next())
      if (on_frame) on_frame(*frame);
    pollfd wait{fd_.get(), POLLIN, 0};
    if (::poll(&wait, 1, 0) <= 0) return core::done{};
    if (auto got = receive({}); !got) return got;
  }
}

console_client::sending console_client::send(const console_request& request,
                                             const ask_hooks& hooks) {
  sending out;
  if (auto line = send_all(fd_.get(), request.line + "\r\n"); !line) {
    out.trouble = line.error().detail;
    return out;
  }
  out.any = true;
  if (request.file) return send_file(*request.file, hooks);
  if (auto bytes = send_all(fd_.get(), request.payload); !bytes) out.trouble = bytes.error().detail;
  return out;
}

console_client::sending console_client::send_file(blob_source& file, const ask_hooks& hooks) {
  sending out{true, "", false};
  for (std::size_t done = 0; done < file.size();) {
    const auto part = file.read(part_bytes);
    if (!part) {
      // The server waits for the rest and drops the beginning when the connection ends.
      ::shutdown(fd_.get(), SHUT_RDWR);
      return {true, part.error().detail + "; nothing was stored", true};
    }
    if (auto sent = send_all(fd_.get(), part.value()); !sent) {
      out.trouble = sent.error().detail;
      return out;
    }
    done += part.value().size();
    if (hooks.on_sent) hooks.on_sent(done);
  }
  return out;
}

result<console_frame> console_client::read_frame(const ask_limits& limits) {
  for (;;) {
    if (auto frame = frames_.next()) return std::move(*frame);
    if (auto got = receive(limits); !got) return got.error();
  }
}

result<core::done> console_client::read_blob(const ask_hooks& hooks, const ask_limits& limits) {
  for (;;) {
    const auto part = frames_.take_part();
    if (hooks.on_part && !part.empty()) hooks.on_part(part);
    if (frames_.missing() == 0) return core::done{};
    if (auto got = receive(limits); !got) return got;
  }
}

result<core::done> console_client::receive(const ask_limits& limits) {
  std::array<char, 65'536> chunk;
  for (;;) {
    pollfd wait{fd_.get(), POLLIN, 0};
    const int ready = limits.until ? ::poll(&wait, 1, milliseconds_until(limits.until)) : 1;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return lost("no answer in time");
    const auto got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return lost("closed by the server");
    if (got < 0) return lost(std::strerror(errno));
    received_ += static_cast<std::size_t>(got);
    if (received_ > limits.bytes_max) return lost("the answer is too long");
    frames_.feed({chunk.data(), static_cast<std::size_t>(got)});
    return core::done{};
  }
}

failure console_client::lost(const std::string& how) const {
  return {errc::unreachable, "connection to " + path_ + " lost: " + how};
}

}  // namespace atlas::cli
