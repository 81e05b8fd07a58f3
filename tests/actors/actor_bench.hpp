// An actor system for tests and an inbox that stands in for another actor, typed or not: what is
// sent to it is taken out in order by the test.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

#include <caf/all.hpp>

#include "actors/locals.hpp"
#include "actors/wire.hpp"

namespace atlas::tests {

struct bench_config : caf::actor_system_config {
  bench_config() {
    actors::add_wire_types(*this);
    set("scheduler.max-threads", 1);
  }
};

struct actor_bench {
  bench_config config;
  caf::actor_system system{config};
  caf::scoped_actor inbox{system};

  template <class Handle>
  [[nodiscard]] Handle as() {
    return caf::actor_cast<Handle>(caf::actor_cast<caf::strong_actor_ptr>(inbox));
  }
  /// The next message, which must be (From, Message); empty if none comes.
  template <class From, class Message>
  std::optional<std::pair<From, Message>> take() {
    std::optional<std::pair<From, Message>> out;
    inbox->receive([&](const From& from, const Message& m) { out.emplace(from, m); },
                   caf::after(std::chrono::seconds(10)) >> [] {});
    return out;
  }
  [[nodiscard]] bool is_empty() { return !inbox->has_next_message(); }
};

}  // namespace atlas::tests
