#include "net/ticket_table.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace {

using atlas::net::ticket_entry;
using atlas::net::ticket_table;

ticket_entry entry(std::uint64_t ticket) {
  ticket_entry e;
  e.ticket = ticket;
  e.tag = "tag of " + std::to_string(ticket);
  return e;
}

}  // namespace

TEST_SUITE("net/ticket_table") {
  TEST_CASE("a ticket is taken once") {
    ticket_table table;
    table.put(entry(7));
    REQUIRE(table.find(7) != nullptr);
    CHECK(table.find(8) == nullptr);
    CHECK(table.find(0) == nullptr);
    CHECK(table.take(7).tag == "tag of 7");
    CHECK(table.take(7).ticket == 0);
    CHECK(table.size() == 0);
  }

  TEST_CASE("many tickets taken in the order they were given do not add up to a walk each") {
    // With neighbours side by side this would take some 10^11 steps.
    constexpr std::uint64_t many = 500'000;
    ticket_table table;
    for (std::uint64_t t = 1; t <= many; ++t) {
      ticket_entry e;
      e.ticket = t;
      table.put(std::move(e));
    }
    for (std::uint64_t t = 1; t <= many; ++t) REQUIRE(table.take(t).ticket == t);
    CHECK(table.size() == 0);
  }

  TEST_CASE("behaves like a map under random traffic with stragglers") {
    ticket_table table;
    std::map<std::uint64_t, std::string> model;
    std::mt19937_64 random(20'260'101);
    std::uint64_t last = 0;
    for (int step = 0; step < 60'000; ++step) {
      // Waves: the table grows to some thousand entries and empties again, some staying long.
      const bool grow = (step / 5000) % 2 == 0 ? random() % 4 != 0 : random() % 4 == 0;
      if (grow || model.empty()) {
        ++last;
        table.put(entry(last));
        model[last] = "tag of " + std::to_string(last);
      } else {
        auto it = random() % 8 == 0 ? model.begin() : model.lower_bound(last - random() % 500);
        if (it == model.end()) it = model.begin();
        const auto taken = table.take(it->first);
        REQUIRE(taken.ticket == it->first);
        REQUIRE(taken.tag == it->second);
        model.erase(it);
      }
      REQUIRE(table.size() == model.size());
    }
    for (const auto& [ticket, tag] : model) {
      REQUIRE(table.find(ticket) != nullptr);
      CHECK(table.find(ticket)->tag == tag);
    }
  }
}
