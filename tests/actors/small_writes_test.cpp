#include "actors/small_writes.hpp"

#include <doctest/doctest.h>

using atlas::actors::small_writes;

TEST_SUITE("actors/small writes") {
  TEST_CASE("they go on while each comes soon after the one before, and a single one does not") {
    constexpr auto gap = small_writes::gap_us;
    small_writes w;
    CHECK_FALSE(w.go_on(1));
    w.note(1'000);
    CHECK_FALSE(w.go_on(1'001));
    w.note(1'000 + gap);  // too late to belong together
    CHECK_FALSE(w.go_on(1'001 + gap));
    w.note(999 + 2 * gap);
    CHECK(w.go_on(999 + 2 * gap));
    CHECK(w.go_on(998 + 3 * gap));
    CHECK_FALSE(w.go_on(999 + 3 * gap));
  }

  TEST_CASE("a first write shortly after the clock began is one") {
    small_writes w;
    w.note(5);
    CHECK_FALSE(w.go_on(6));
  }
}
