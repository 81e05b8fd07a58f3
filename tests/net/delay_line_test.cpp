// Order, independence of lanes, never early, and a clean end. Lateness depends on the machine and
// is not asserted.
#include "net/delay_line.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using atlas::net::delay_line;
using clock_type = std::chrono::steady_clock;

TEST_SUITE("net/delay_line") {
  TEST_CASE("a later item of a lane never overtakes an earlier one") {
    delay_line line;
    std::vector<int> order;
    std::promise<void> all;
    constexpr int count = 300;
    for (int i = 0; i < count; ++i) {
      // Jitter: delays of 5.0, 4.1, 3.2 ... ms in turn.
      line.run_after(1, std::chrono::microseconds{5000 - 900 * (i % 5)}, [&, i] {
        order.push_back(i);
        if (i == count - 1) all.set_value();
      });
    }
    REQUIRE(all.get_future().wait_for(30s) == std::future_status::ready);
    REQUIRE(order.size() == count);
    for (int i = 0; i < count; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  }

  TEST_CASE("lanes do not wait for each other") {
    delay_line line;
    std::promise<void> quick;
    bool slow = false;
    line.run_after(1, 1h, [&] { slow = true; });
    line.run_after(2, 1ms, [&] { quick.set_value(); });
    CHECK(quick.get_future().wait_for(30s) == std::future_status::ready);
    CHECK_FALSE(slow);
  }

  TEST_CASE("nothing is delivered early, and an earlier deadline wakes the sleeping thread") {
    delay_line line;
    std::promise<clock_type::time_point> late;
    std::promise<clock_type::time_point> soon;
    const auto start = clock_type::now();
    line.run_after(1, 30ms, [&] { late.set_value(clock_type::now()); });
    line.run_after(2, 3ms, [&] { soon.set_value(clock_type::now()); });
    const auto soon_at = soon.get_future().get();
    const auto late_at = late.get_future().get();
    CHECK(soon_at - start >= 3ms);
    CHECK(late_at - start >= 30ms);
    CHECK(soon_at <= late_at);
  }

  TEST_CASE("delays overlap: two thousand waits of fifty milliseconds are not a hundred seconds") {
    delay_line line;
    constexpr int count = 2000;
    int done = 0;
    std::promise<void> all;
    for (int i = 0; i < count; ++i) {
      line.run_after(static_cast<std::uint64_t>(i % 7), 50ms, [&] {
        if (++done == count) all.set_value();
      });
    }
    CHECK(all.get_future().wait_for(60s) == std::future_status::ready);
  }

  TEST_CASE("a delivery may schedule the next one; no delay and negative delays mean at once") {
    delay_line line;
    std::promise<void> end;
    line.run_after(1, 0us, [&] {
      line.run_after(1, -5us, [&] { line.run_after(2, 1us, [&] { end.set_value(); }); });
    });
    CHECK(end.get_future().wait_for(30s) == std::future_status::ready);
  }

  TEST_CASE("the destructor drops what is still on its way and lets go of what it owned") {
    const auto token = std::make_shared<int>(1);
    {
      delay_line line;
      std::promise<void> first;
      line.run_after(1, 0us, [&] { first.set_value(); });
      for (int i = 0; i < 100; ++i) line.run_after(2, 1h, [token] { ++*token; });
      REQUIRE(first.get_future().wait_for(30s) == std::future_status::ready);
      CHECK(token.use_count() == 101);
    }
    CHECK(token.use_count() == 1);
    CHECK(*token == 1);
  }

  TEST_CASE("many threads may use one line") {
    delay_line line;
    constexpr int threads = 4;
    constexpr int each = 500;
    std::vector<std::vector<int>> seen(threads);
    std::latch all{std::ptrdiff_t{threads} * each};
    {
      std::vector<std::jthread> senders;
      senders.reserve(threads);
      for (int t = 0; t < threads; ++t) {
        senders.emplace_back([&, t] {
          for (int i = 0; i < each; ++i) {
            line.run_after(static_cast<std::uint64_t>(t),
                           std::chrono::microseconds{(i * 37) % 2000}, [&, t, i] {
                             seen[static_cast<std::size_t>(t)].push_back(i);
                             all.count_down();
                           });
          }
        });
      }
    }
    all.wait();
    for (const auto& lane : seen) {
      REQUIRE(lane.size() == each);
      CHECK(std::is_sorted(lane.begin(), lane.end()));
    }
  }
}

}  // namespace
