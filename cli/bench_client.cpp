// Buffers of one connection. Both have their full size from the start and are only moved within, so
// that a running connection allocates nothing.
#include "cli/bench_client.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "cli/bench_wire_parts.hpp"
#include "core/check.hpp"

namespace atlas::cli {

namespace {

constexpr std::size_t buffer_bytes_min = 32'768;
// Above this the buffers are allowed to grow in use: a deep pipeline of huge values.
constexpr std::size_t reserve_bytes_max = 4u << 20;

}  // namespace

bench_client::bench_client(unique_fd fd, std::size_t target, const bench_wire& wire,
                           std::uint32_t pipeline)
    : fd_(std::move(fd)),
      target_(target),
      wire_(wire),
      slots_(pipeline),
      in_(std::max(buffer_bytes_min, 2 * wire.frame_bytes_max())) {
  out_.reserve(std::min(wire.frame_bytes_max() * pipeline, reserve_bytes_max));
  ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

void bench_client::issue(std::uint32_t slot, const bench_slot& request) {
  ATLAS_CHECK(slots_[slot].started_ns == 0, "a slot holds one request");
  // Without tags replies answer the slots in turn, starting wherever an idle connection starts.
  if (in_flight_++ == 0) oldest_ = slot;
  slots_[slot] = request;
  if (request.request.kind == bench_kind::blob_set) slots_[slot].bytes = wire_.value_bytes();
  wire_.append(out_, slot, request.request);
}

bool bench_client::flush(std::string& why) {
  while (sent_ < out_.size()) {
    const auto sent = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (sent < 0) {
      why = std::string("cannot send: ") + std::strerror(errno);
      return false;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bool bench_client::receive(std::string& why) {
  if (first_ > 0) {
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(first_),
              in_.begin() + static_cast<std::ptrdiff_t>(end_), in_.begin());
    end_ -= std::exchange(first_, 0);
  }
  if (end_ == in_.size()) {
    why = "a reply is longer than any that was asked for";
    return false;
  }
  const auto got = ::recv(fd_.get(), in_.data() + end_, in_.size() - end_, 0);
  if (got > 0) {
    end_ += static_cast<std::size_t>(got);
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return true;
  why = got == 0 ? "connection closed by the server"
                 : std::string("cannot receive: ") + std::strerror(errno);
  return false;
}

// Drops what has come of a body. False if more of it is to come.
bool bench_client::skip_body() {
  const auto bytes = std::min<std::uint64_t>(body_bytes_, end_ - first_);
  first_ += bytes;
  body_bytes_ -= bytes;
  for (; body_lines_ > 0; --body_lines_) {
    std::string_view line;
    std::size_t used = 0;
    if (!wire_parts::take_line({in_.data() + first_, end_ - first_}, line, used)) return false;
    first_ += used;
  }
  return body_bytes_ == 0;
}

// Finds the request that a frame answers. False if there is none.
bool bench_client::locate(bench_reply& reply) const {
  if (reply.frame == bench_frame::more)
    reply.slot = listing_;
  else if (!wire_.tagged())
    reply.slot = oldest_;
  return reply.slot < slots_.size() && slots_[reply.slot].started_ns != 0;
}

bench_reply bench_client::next_reply() {
  for (;;) {
    if (!skip_body()) return {};
    auto reply = wire_.parse(std::string_view(in_.data() + first_, end_ - first_));
    if (reply.what == bench_reply::kind::incomplete || reply.what == bench_reply::kind::broken)
      return reply;
    first_ += reply.used;
    const bool known = locate(reply);
    if (!known || !slots_[reply.slot].answer.take(slots_[reply.slot].request.kind, reply)) {
      reply.what = bench_reply::kind::broken;
      return reply;
    }
    auto& slot = slots_[reply.slot];
    if (reply.frame == bench_frame::blob) slot.bytes = body_bytes_ = reply.number;
    if (reply.frame == bench_frame::keys) {
      body_lines_ = reply.number;
      listing_ = reply.slot;
    }
    if (reply.what == bench_reply::kind::payload) continue;
    const bool failed = reply.what == bench_reply::kind::error;
    if (!slot.answer.ended(slot.request.kind)) {
      // The later lines of a transaction only repeat that it failed; the first says why.
      if (failed && refusal_.empty()) refusal_ = reply.text;
      continue;
    }
    if (!refusal_.empty()) {
      told_ = std::exchange(refusal_, {});
      reply.text = told_;
      reply.what = bench_reply::kind::error;
    } else if (!failed && !slot.answer.fits(slot.request.kind)) {
      reply.what = bench_reply::kind::broken;
    }
    return reply;
  }
}

bench_slot bench_client::release(std::uint32_t slot) {
  --in_flight_;
  oldest_ = (slot + 1) % static_cast<std::uint32_t>(slots_.size());
  return std::exchange(slots_[slot], bench_slot{});
}

}  // namespace atlas::cli
