// A session with its socket and the loop's notes about it. The notes say in which of the loop's
// lists the client stands, so that each list holds it once and a farewell knows where to look.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "net/session.hpp"
#include "net/tcp.hpp"

namespace atlas::net {

struct connected_client final : session {
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr time_point no_deadline = time_point::max();

  connected_client(owned_fd socket, const gateway_options& options, request_desk& desk)
      : session(options, desk), fd(std::move(socket)) {}

  owned_fd fd;
  std::size_t index = 0;    ///< in the loop's list of clients
  std::uint32_t armed = 0;  ///< events that epoll watches for
  bool touched = false;     ///< waits to be flushed
  bool answered = false;    ///< got an answer in this round
  bool again = false;       ///< may read on in the next round
  bool starving = false;    ///< may read on when others' requests are answered
  bool dropped = false;     ///< gone; kept until the end of the round
  bool lingering = false;   ///< FATAL is sent; input is thrown away until the client closes
  time_point deadline = no_deadline;  ///< dropped then: unsent output, or lingering
  std::size_t input_counted = 0;      ///< its part in the loop's sums
  std::size_t output_counted = 0;
};

}  // namespace atlas::net
