// How many chunks an owner has in flight: more where they take no longer and the window is what
// holds them up, fewer where they wait for each other or come after a pause.
#include "core/chunk_window.hpp"

#include <doctest/doctest.h>

using atlas::core::chunk_window;

namespace {

struct bench {
  chunk_window w;
  std::uint64_t now = 1'000'000;

  /// So many chunks in full windows take so long each.
  void fill(int chunks, std::uint64_t age_ms) {
    for (int i = 0; i < chunks; ++i) w.chosen(age_ms, w.size(), ++now);
  }
};

}  // namespace

TEST_SUITE("core/chunk_window") {
  TEST_CASE("it grows by one for each chunk that was fast in a full window, to a bound") {
    bench b;
    CHECK(b.w.size() == 2);
    b.fill(1, 3);
    CHECK(b.w.size() == 3);
    b.fill(1, 3 + chunk_window::queue_ms);
    CHECK(b.w.size() == 4);
    b.fill(100, 3);
    CHECK(b.w.size() == chunk_window::most);
  }

  TEST_CASE("what is fast because little is in flight says nothing") {
    bench b;
    for (int i = 0; i < 100; ++i) b.w.chosen(0, b.w.size() - 1, ++b.now);
    CHECK(b.w.size() == 2);
  }

  TEST_CASE("it shrinks by one for each chunk that waited, to one") {
    bench b;
    b.fill(10, 1);
    const auto before = b.w.size();
    b.fill(1, 2 + chunk_window::queue_ms);
    CHECK(b.w.size() == before - 1);
    b.fill(12, 1'000);
    CHECK(b.w.size() == 1);
    b.fill(3, 1);
    CHECK(b.w.size() == 4);
  }

  TEST_CASE("a long way is no queue, and a quarter of it is forgiven") {
    bench b;
    b.fill(100, 200);
    CHECK(b.w.size() == chunk_window::most);
    b.fill(50, 250);
    CHECK(b.w.size() == chunk_window::most);
    b.fill(3, 251);
    CHECK(b.w.size() == chunk_window::most - 3);
  }

  TEST_CASE("a way that has become longer is learnt, though not at once") {
    bench b;
    b.fill(1, 5);
    b.fill(2, 100);
    CHECK(b.w.size() == 1);
    b.fill(chunk_window::lonely_max - 1, 100);
    CHECK(b.w.size() == 1);
    b.fill(1, 100);
    CHECK(b.w.size() == 1);
    b.fill(5, 100);
    CHECK(b.w.size() == 6);
    b.fill(1, 5);  // a shorter one at once
    CHECK(b.w.size() == 7);
    b.fill(1, 100);
    CHECK(b.w.size() == 6);
  }

  TEST_CASE("the least is forgotten after a while") {
    bench b;
    b.fill(1, 5);
    b.now += chunk_window::memory_ms;
    b.fill(1, 10);
    b.fill(1, 20);
    const auto before = b.w.size();
    b.now += chunk_window::memory_ms;
    b.fill(1, 10 + chunk_window::queue_ms);  // 5 ms were seen longer ago
    CHECK(b.w.size() == before + 1);
  }

  TEST_CASE("after a pause it is halved: others may use the line by now") {
    bench b;
    b.fill(100, 1);
    b.w.sent(0, b.now + chunk_window::pause_ms);
    CHECK(b.w.size() == chunk_window::most);
    b.w.sent(1, b.now + 10'000);
    CHECK(b.w.size() == chunk_window::most);
    b.w.sent(0, b.now + chunk_window::pause_ms + 1);
    CHECK(b.w.size() == chunk_window::most / 2);
    for (int i = 0; i < 10; ++i) b.w.sent(0, b.now + 1'000);
    CHECK(b.w.size() == 1);
  }
}
