// The operator's commands as the meta log executes them: tolerances change only to what the members
// can give, a removed node leaves nothing behind that could let it come back, and every command may
// be repeated.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "core/catalogue.hpp"
#include "core/rng.hpp"
#include "tests/support/map_rows.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

/// The catalogue of a cluster with nodes a, b, c, ... in these zones.
struct catalogue_bench {
  explicit catalogue_bench(const std::vector<std::string>& zones) {
    for (const auto& zone : zones)
      CHECK(add(zone, std::string(1, name++)).code == outcome_code::ok);
  }
  outcome run(operation what, const std::string& row, const std::string& value) {
    ++now.us;
    return execute_catalogue({proc(1), {1}, {1}, what, row, value, {}}, now, rows);
  }
  outcome add(const std::string& zone, const std::string& who) {
    const node_record n{{}, "uuid-" + who, "disk-" + who, zone, who + ".example", 4444};
    return run(operation::add_node, n.uuid, encode_node(n));
  }
  outcome create(const std::string& table, const tolerance_policy& p = {}) {
    return run(operation::create_table, table, encode_policy(p));
  }
  outcome alter(const std::string& table, const policy_change& p) {
    return run(operation::alter_table, table, encode_policy_change(p));
  }
  outcome remove(const std::string& node) { return run(operation::remove_node, node, {}); }
  [[nodiscard]] catalogue_view view() const { return read_catalogue(rows.scan("")); }

  char name = 'a';
  map_rows rows;
  stamp now{1'700'000'000'000'000};  ///< of the last command
};

}  // namespace

TEST_SUITE("core/catalogue_commands") {
  TEST_CASE("an alteration changes what it names and nothing else") {
    catalogue_bench b({"eu", "eu", "eu"});
    const auto made = decode_table(b.create("t", {1, 0}).data).value();
    policy_change zero;
    zero.fn.emplace(0u);
    const auto changed = decode_table(b.alter("t", zero).data).value();
    CHECK(changed.policy == tolerance_policy{0, 0});
    CHECK(changed.log == made.log);
    CHECK(changed.first == made.first);
    policy_change automatic;
    automatic.fn.emplace();
    CHECK(decode_table(b.alter("t", automatic).data).value().policy ==
          tolerance_policy{std::nullopt, 0});
    const auto before = b.rows.rows;
    CHECK(b.alter("t", automatic).code == outcome_code::ok);
    CHECK(b.alter("t", {}).code == outcome_code::ok);
    CHECK(b.rows.rows == before);
  }

  TEST_CASE("a dropped table keeps its name until its log is closed, then the name is free") {
    catalogue_bench b({"eu", "eu", "eu"});
    const auto made = decode_table(b.create("t").data).value();
    const auto log = std::to_string(made.log.value);
    CHECK(b.run(operation::close_table, "u", {}).code == outcome_code::not_found);
    CHECK(b.run(operation::forget_table, "t", log).code == outcome_code::ok);
    CHECK(b.view().tables.size() == 1);  // it was not closing
    auto closing = made;
    closing.closing = true;
    CHECK(decode_table(b.run(operation::close_table, "t", {}).data).value() == closing);
    CHECK(decode_table(b.run(operation::close_table, "t", {}).data).value() == closing);
    CHECK(b.create("t").code == outcome_code::dropped);
    CHECK(b.alter("t", {}).code == outcome_code::not_found);
    CHECK_FALSE(b.view().was_dropped(made.log));
    CHECK(b.run(operation::forget_table, "t", log + "0").code == outcome_code::ok);
    CHECK(b.view().tables.size() == 1);
    CHECK(b.run(operation::forget_table, "t", log).code == outcome_code::ok);
    CHECK(b.view().tables.empty());
    CHECK(b.view().was_dropped(made.log));
    const auto again = decode_table(b.create("t").data).value();
    CHECK(again.log > made.log);
    // However little the clock has gone on: positions of its changes begin behind those of the
    // first.
    CHECK(again.made.us == made.made.us + (std::uint64_t{1} << 32));
    CHECK(decode_table(b.create("other").data).value().made == again.made);
    // A late repeat of the end of the first drop leaves the new table alone.
    CHECK(b.run(operation::forget_table, "t", log).code == outcome_code::ok);
    CHECK(b.view().tables.size() == 2);
    CHECK(decode_table(b.create("t").data).value() == again);
    CHECK_FALSE(b.view().was_dropped(again.log));
    CHECK_FALSE(b.view().was_dropped(meta_log));
    CHECK_FALSE(b.view().was_dropped({again.log.value + 2}));  // not given yet
    b.now.us += std::uint64_t{1} << 40;
    CHECK(decode_table(b.create("later").data).value().made == b.now);
  }

  TEST_CASE("tables of one name follow each other at a distance, also while the clock stands") {
    catalogue_bench b({"eu"});
    std::uint64_t earliest = 0;
    for (int i = 0; i < 5; ++i) {
      const auto t = decode_table(b.create("t").data).value();
      CHECK(t.made.us >= earliest);
      earliest = t.made.us + (std::uint64_t{1} << 32);
      (void)b.run(operation::close_table, "t", {});
      CHECK(b.run(operation::forget_table, "t", std::to_string(t.table.value)).code ==
            outcome_code::ok);
      if (i % 2 == 0) (void)b.create("other" + std::to_string(i));
    }
  }

  TEST_CASE("an alteration that the members can not give is refused with zone and number") {
    catalogue_bench b({"eu", "eu", "us"});
    REQUIRE(b.create("t").code == outcome_code::ok);
    const auto before = b.rows.rows;
    policy_change p;
    p.fn.emplace(1u);
    CHECK(b.alter("t", p) ==
          outcome{outcome_code::refused,
                  "table t: fn=1 needs at least 2 nodes in every zone, zone us has 1"});
    p = {};
    p.fz.emplace(2u);
    CHECK(b.alter("t", p) ==
          outcome{outcome_code::refused, "table t: fz=2 needs at least 3 zones, there are 2"});
    CHECK(b.alter("nothing", p).code == outcome_code::not_found);
    CHECK(b.run(operation::alter_table, "t", "").code == outcome_code::refused);
    CHECK(b.rows.rows == before);
  }

  TEST_CASE("a removed node is no member, and its number and its installation never come back") {
    catalogue_bench b({"eu", "eu", "eu"});
    const auto gone = b.remove("3");
    REQUIRE(gone.code == outcome_code::ok);
    CHECK(decode_node(gone.data).value().id == node_id{3});
    CHECK(b.view().nodes.size() == 2);
    CHECK(b.view().was_removed({3}));
    CHECK_FALSE(b.view().was_removed({2}));
    CHECK_FALSE(b.view().was_removed({4}));
    CHECK(b.add("eu", "c") == outcome{outcome_code::refused, removed_text({3})});
    // Its address is free for another installation, which is another node.
    const node_record next{{}, "uuid-new", "disk-new", "eu", "c.example", 4444};
    const auto added = b.run(operation::add_node, next.uuid, encode_node(next));
    CHECK(decode_node(added.data).value().id == node_id{4});
  }

  TEST_CASE("removing a node again changes nothing, an unknown one is not found") {
    catalogue_bench b({"eu", "eu"});
    REQUIRE(b.remove("2").code == outcome_code::ok);
    const auto before = b.rows.rows;
    CHECK(b.remove("2") == outcome{outcome_code::ok, {}});
    for (const auto* id : {"3", "0", "18446744073709551615"})
      CHECK(b.remove(id).code == outcome_code::not_found);
    for (const auto* id : {"", "x", "1x", "-1", "18446744073709551616"})
      CHECK(b.remove(id).code == outcome_code::refused);
    CHECK(b.rows.rows == before);
    CHECK(b.remove("1") ==
          outcome{outcome_code::refused, "node 1 is the last member; a cluster keeps one"});
    CHECK(b.rows.rows == before);
  }

  TEST_CASE("a removal that would break a table's tolerances is refused and names the table") {
    catalogue_bench b({"eu", "eu", "eu"});
    REQUIRE(b.create("any").code == outcome_code::ok);
    REQUIRE(b.create("strict", {2, 0}).code == outcome_code::ok);
    CHECK(b.remove("2") ==
          outcome{outcome_code::refused,
                  "without node 2 table strict could not keep its tolerances: fn=2 needs at least "
                  "3 nodes in every zone, zone eu has 2; change them first (TABLE ALTER strict "
                  "fn=auto fz=auto)"});
    policy_change p;
    p.fn.emplace();
    REQUIRE(b.alter("strict", p).code == outcome_code::ok);
    CHECK(b.remove("2").code == outcome_code::ok);
  }

  TEST_CASE(
      "the next configuration leaves a removed node out and never guesses about unknown ones") {
    catalogue_bench b({"eu", "eu", "eu"});
    REQUIRE(b.remove("3").code == outcome_code::ok);
    const auto next = next_configuration(three_nodes(), {}, b.view(), false);
    REQUIRE(next.has_value());
    CHECK(next->seats == std::vector<acceptor_seat>{{{1}, "eu"}, {{2}, "eu"}});
    CHECK(next->epoch == config_epoch{2});
    const catalogue_bench old({"eu", "eu"});
    CHECK_FALSE(next_configuration(three_nodes(), {}, old.view(), false).has_value());
  }

  TEST_CASE("changes come back from bytes, cut ones are refused") {
    policy_change all[4];
    all[1].fn.emplace();
    all[2].fz.emplace(0u);
    all[3].fn.emplace(4'294'967'295u);
    all[3].fz.emplace(7u);
    for (const auto& p : all) {
      const auto bytes = encode_policy_change(p);
      CHECK(decode_policy_change(bytes) == p);
      CHECK_FALSE(decode_policy_change(bytes + "x").has_value());
      for (std::size_t i = 0; i < bytes.size(); ++i)
        CHECK_FALSE(decode_policy_change(std::string_view(bytes).substr(0, i)).has_value());
    }
  }

  TEST_CASE("tables join groups and leave them, one move at a time") {
    catalogue_bench b({"eu", "eu", "eu"});
    const auto t = decode_table(b.create("t", {1, 0}).data).value();
    const auto g =
        decode_table(b.run(operation::create_group, "g", encode_policy({})).data).value();
    CHECK(g.is_group);
    CHECK(t.table == home_table(t.log));
    const auto going = decode_table(b.run(operation::join_group, "t", "g").data).value();
    CHECK(going.log == g.log);
    CHECK(going.from == t.log);
    CHECK(going.from_first == t.first);
    CHECK(going.moves == 1);
    CHECK(going.table == t.table);
    CHECK_FALSE(b.view().was_dropped(t.log));
    // On its way nothing else is decided about it.
    CHECK(decode_table(b.run(operation::leave_group, "t", "g").data) == going);
    CHECK(decode_table(b.run(operation::close_table, "t", {}).data) == going);
    b.run(operation::table_arrived, "t", "7");
    CHECK(b.view().find("t")->from == t.log);
    b.run(operation::table_arrived, "t", "1");
    CHECK(b.view().find("t")->from == log_id{});
    CHECK(b.view().was_dropped(t.log));
    CHECK_FALSE(b.view().was_forgotten(t.table));
    CHECK(b.run(operation::close_table, "g", {}).code == outcome_code::refused);
    policy_change change;
    change.fn.emplace(0u);
    CHECK(b.alter("t", change).code == outcome_code::refused);
    const auto out = decode_table(b.run(operation::leave_group, "t", "g").data).value();
    CHECK(out.log > g.log);
    CHECK(out.policy == tolerance_policy{1, 0});
    CHECK(out.first.fn == 1);
    CHECK(out.moves == 2);
    CHECK(b.run(operation::close_table, "g", {}).code ==
          outcome_code::refused);  // on its way from there
    b.run(operation::table_arrived, "t", "2");
    CHECK(decode_table(b.run(operation::close_table, "g", {}).data)->closing);
    CHECK(b.run(operation::join_group, "t", "g").code == outcome_code::refused);  // it is closing
    CHECK(b.run(operation::join_group, "x", "g").code == outcome_code::not_found);
  }
}
