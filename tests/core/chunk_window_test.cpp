// How many chunks an owner has in flight: more where they are chosen at once and the window is what
// holds them up, fewer where they wait or come one by one.
#include "core/chunk_window.hpp"

#include <doctest/doctest.h>

using atlas::core::chunk_window;

namespace {

void fill(chunk_window& w, int rounds) {
  for (int i = 0; i < rounds; ++i) w.chosen(0, w.size());
}

}  // namespace

TEST_SUITE("core/chunk_window") {
  TEST_CASE("it grows by one for each chunk that was fast in a full window, to a bound") {
    chunk_window w;
    CHECK(w.size() == chunk_window::least);
    w.chosen(chunk_window::at_once_ms, w.size());
    CHECK(w.size() == chunk_window::least + 1);
    fill(w, 100);
    CHECK(w.size() == chunk_window::most);
  }

  TEST_CASE("what is fast because little is in flight says nothing") {
    chunk_window w;
    for (int i = 0; i < 100; ++i) w.chosen(0, w.size() - 1);
    CHECK(w.size() == chunk_window::least);
  }

  TEST_CASE("it shrinks by one for each chunk that waited, not below the least") {
    chunk_window w;
    fill(w, 10);
    const auto before = w.size();
    w.chosen(chunk_window::at_once_ms + 1, w.size());
    CHECK(w.size() == before - 1);
    for (int i = 0; i < 100; ++i) w.chosen(1'000, 1);
    CHECK(w.size() == chunk_window::least);
  }

  TEST_CASE("chunks that go alone bring it back: others may use the line by now") {
    chunk_window w;
    fill(w, 100);
    w.sent(1);
    CHECK(w.size() == chunk_window::most);
    w.sent(0);
    CHECK(w.size() == chunk_window::most / 2);
    for (int i = 0; i < 10; ++i) w.sent(0);
    CHECK(w.size() == chunk_window::least);
  }
}
