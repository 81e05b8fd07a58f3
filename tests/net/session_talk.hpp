// A session with a backend at its side and no socket between them: the test says what comes in and
// when answers are there, and reads what the client would hear. Shared by the tests of order and of
// limits.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory_backend.hpp"
#include "net/session.hpp"

namespace atlas::net::testing {

/// A session with a backend at its side.
struct talk {
  explicit talk(gateway_options o = {}, bool pipeline = true)
      : options(std::move(o)), client((options.pipeline_untagged = pipeline, options), desk) {}
  ~talk() { client.abandon(); }

  gateway_options options;
  request_desk desk;
  memory_backend backend;
  session client;
  std::string out;

  void say(std::string_view bytes) {
    REQUIRE(client.wants_input());
    client.feed(bytes);
    client.advance();
    serve();
  }
  void hello() { say("HELLO 1.0 test\r\n"); }
  void end() {
    client.end_input();
    client.advance();
    serve();
  }
  /// Rounds go to the backend and answers come back until nothing moves, as in the loop.
  void serve() {
    for (;;) {
      backend.submit(std::exchange(desk.round, {}));
      backend.cancel(std::exchange(desk.cancelled, {}));
      backend.on_taken(std::exchange(desk.taken, {}));
      std::vector<client_reply> replies;
      backend.poll(replies);
      for (auto& r : replies) {
        if (r.more) {
          give(std::move(r));
          continue;
        }
        auto entry = desk.take(r.ticket);
        REQUIRE(entry.ticket == r.ticket);
        if (auto* const who = entry.who) who->answer(std::move(entry), std::move(r));
      }
      take_output();
      client.advance();
      if (desk.round.empty() && replies.empty() && desk.cancelled.empty()) return;
    }
  }
  /// A reply of a stream that goes on; false if nobody waits for it.
  bool give(client_reply&& r) {
    const auto* const entry = desk.tickets.find(r.ticket);
    if (!entry || !entry->who) return false;
    client.answer_part(*entry, std::move(r));
    return true;
  }
  void take_output() {
    std::array<iovec, 4> pieces;
    while (!client.output().empty()) {
      const auto n = client.output().gather(pieces);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < n; ++i) {
        out.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
        bytes += pieces[i].iov_len;
      }
      client.output().consume(bytes);
    }
  }
  /// What was put out since the last call.
  std::string heard() { return std::exchange(out, {}); }
};

}  // namespace atlas::net::testing
