// Nothing that another member says may break core/: what does not make sense is dropped here.
#include "actors/border.hpp"

#include <doctest/doctest.h>

#include "core/result_window.hpp"
#include "core/row_record.hpp"
#include "tests/support/samples.hpp"

using namespace atlas;
using namespace atlas::actors;
using namespace atlas::core;
using namespace atlas::tests;

namespace {

const process sender{{3}, {2}};

forward forward_of(command c) {
  return {{7}, {std::move(c)}, {}};
}

}  // namespace

TEST_SUITE("actors/border") {
  TEST_CASE("commands must be their sender's own, known, and above their floor") {
    const auto good = put(sender, 5, "row", "value");
    CHECK(well_formed(sender, forward_of(good)));
    CHECK_FALSE(well_formed(process{{3}, {1}}, forward_of(good)));
    auto bad = good;
    bad.floor = {6};
    CHECK_FALSE(well_formed(sender, forward_of(bad)));
    bad = good;
    bad.what = static_cast<operation>(99);
    CHECK_FALSE(well_formed(sender, forward_of(bad)));
  }

  TEST_CASE("reads must be their sender's own and of a known kind") {
    const core::read good{sender, {1}, read_kind::get, "row"};
    CHECK(well_formed(sender, forward{{7}, {}, {good}}));
    CHECK_FALSE(well_formed(process{{4}, {2}}, forward{{7}, {}, {good}}));
    auto bad = good;
    bad.what = static_cast<read_kind>(12);
    CHECK_FALSE(well_formed(sender, forward{{7}, {}, {bad}}));
  }

  TEST_CASE("entries must decode, in accepts, promises and chosen entries alike") {
    const auto good = batch_of(1, put(sender, 1, "a", "b"));
    const entry bad{make_blob("\x01junk")};
    for (const auto& e : {good, bad, entry{}}) {
      const bool right = e.bytes == good.bytes;
      core::accept a;
      a.by = {1, {3}};
      a.first = {1};
      a.entries = {e};
      CHECK(well_formed(sender, a) == right);
      chosen c;
      c.first = {1};
      c.entries = {e};
      CHECK(well_formed(sender, c) == right);
      promise p;
      p.by = {2, {3}};
      p.entries = {{{1}, {1, {3}}, e}};
      CHECK(well_formed(sender, p) == right);
    }
  }

  TEST_CASE("a promise that reports a vote above its own ballot is no promise") {
    promise p;
    p.by = {2, {3}};
    p.entries = {{{1}, {3, {1}}, make_no_op()}};
    CHECK_FALSE(well_formed(sender, p));
  }

  TEST_CASE("a hand-off raises the generation and names a legal configuration") {
    hand_off m{{7}, {2, {3}}, {1}, sender, {4}, three_nodes(), {}};
    CHECK(well_formed(sender, m));
    m.gen = {};
    CHECK_FALSE(well_formed(sender, m));
    m.gen = {1};
    m.active.fn = 3;
    CHECK_FALSE(well_formed(sender, m));
    CHECK_FALSE(well_formed(sender, move_offer{}));
    m.active = three_nodes();
    m.unfinished = {make_no_op(), make_no_op()};
    CHECK(well_formed(sender, m));
    m.last_slot = {1};  // fewer slots than values
    CHECK_FALSE(well_formed(sender, m));
    m.last_slot = {400};
    m.unfinished.assign(hand_off::unfinished_max + 1, make_no_op());
    CHECK_FALSE(well_formed(sender, m));
    m.unfinished = {make_configuration_entry(three_nodes())};
    CHECK_FALSE(well_formed(sender, m));
  }

  TEST_CASE("round 0 is no ballot, slot 0 is no slot, and outcomes are known") {
    prepare m;
    CHECK_FALSE(well_formed(sender, m));
    m.by = {1, {3}};
    CHECK(well_formed(sender, m));
    core::accept a;
    a.by = {1, {3}};
    CHECK_FALSE(well_formed(sender, a));
    CHECK(well_formed(sender, answers{{7}, {{false, {1}, {outcome_code::unknown, ""}}}}));
    CHECK_FALSE(
        well_formed(sender, answers{{7}, {{false, {1}, {static_cast<outcome_code>(9), ""}}}}));
  }

  TEST_CASE("parts of snapshots must hold rows, results and a legal configuration") {
    snapshot_chunk good;
    good.at = {9};
    good.configuration_at = {4};
    good.active = three_nodes();
    result_window::encode_line(good.results, {7}, {sender, {5}, {5}}, {outcome_code::ok, "x"});
    good.rows = {{"row", encode_row({1, {1}, {1}, "ann", "value"})}};
    CHECK(well_formed(sender, good));
    const auto refuse = [&](const std::function<void(snapshot_chunk&)>& spoil) {
      auto bad = good;
      spoil(bad);
      CHECK_FALSE(well_formed(sender, bad));
    };
    refuse([](auto& c) { c.at = {}; });
    refuse([](auto& c) { c.configuration_at = {10}; });
    refuse([](auto& c) { c.active.fz = 7; });
    refuse([](auto& c) { std::swap(c.active.seats[0], c.active.seats[1]); });
    refuse([](auto& c) { c.results = "\xff"; });
    refuse([](auto& c) { c.rows[0].second = "\xff"; });
    good.active = {};
    CHECK(well_formed(sender, good));
  }
}
