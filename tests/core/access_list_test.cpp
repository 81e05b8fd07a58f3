#include "core/access_list.hpp"

#include <doctest/doctest.h>

#include <set>

#include "core/rng.hpp"

using namespace atlas::core;

namespace {

/// The rules in ten lines, over plain sets.
struct model {
  std::set<std::string> owners, readers, writers;
  std::set<std::string>& of(permission p) {
    return p == permission::owner ? owners : p == permission::read ? readers : writers;
  }
  bool own(const std::string& who) const { return owners.empty() || owners.contains(who); }
  bool read(const std::string& who) const { return own(who) || readers.contains(who); }
  bool write(const std::string& who) const { return own(who) || writers.contains(who); }
  void revoke(permission p, const std::string& who) {
    of(p).erase(who);
    if (owners.empty()) *this = {};
  }
};

}  // namespace

TEST_SUITE("core/access_list") {
  TEST_CASE("without owners everyone may do everything, whatever else is listed") {
    access_list a;
    CHECK(a.may_own(""));
    a.grant(permission::read, "bob");
    CHECK(a.may_write("carl"));
    a.grant(permission::owner, "ann");
    CHECK(a.may_read("bob"));
    CHECK_FALSE(a.may_write("bob"));
    CHECK_FALSE(a.may_read(""));
    CHECK_FALSE(a.may_read("carl"));
  }

  TEST_CASE("the last owner takes the whole list along") {
    access_list a;
    a.grant(permission::owner, "ann");
    a.grant(permission::read, "bob");
    CHECK(a.revoke(permission::owner, "ann"));
    CHECK(a.empty());
    CHECK_FALSE(a.revoke(permission::owner, "ann"));
  }

  TEST_CASE("1,000 random lists agree with the model, operation by operation") {
    rng random(7);
    const std::string names[] = {"", "ann", "bob", "carl", "dora"};
    for (int list = 0; list < 1'000; ++list) {
      access_list a;
      model m;
      for (int step = 0; step < 12; ++step) {
        const auto p = static_cast<permission>(1 + random.below(3));
        const auto& who = names[1 + random.below(4)];
        if (random.chance(2, 3)) {
          a.grant(p, who);
          m.of(p).insert(who);
        } else {
          a.revoke(p, who);
          m.revoke(p, who);
        }
        for (const auto& n : names) {
          REQUIRE(a.may_own(n) == m.own(n));
          REQUIRE(a.may_read(n) == m.read(n));
          REQUIRE(a.may_write(n) == m.write(n));
        }
        REQUIRE(access_list::decode(a.encode()) == a);
      }
    }
  }

  TEST_CASE("broken and unsorted bytes are no list") {
    access_list a;
    a.grant(permission::owner, "ann");
    const auto bytes = a.encode();
    for (std::size_t n = 0; n < bytes.size(); ++n)
      CHECK_FALSE(access_list::decode(bytes.substr(0, n)).has_value());
    CHECK_FALSE(access_list::decode(bytes + "x").has_value());
    CHECK_FALSE(access_list::decode(std::string("\2\1b\1a\0\0", 7)).has_value());
  }
}
