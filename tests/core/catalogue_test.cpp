// Nodes and tables as rows of the meta log: what exists is answered and not made twice, no id is
// ever given twice, and what can not work is refused with the reason (consensus.md §2, §9).
#include "core/catalogue.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "core/rng.hpp"
#include "core/state_machine.hpp"
#include "tests/support/map_rows.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr stamp now{1'700'000'000'000'000};

node_record node_named(const std::string& name, const std::string& zone,
                       std::uint16_t port = 4444) {
  return {{}, "uuid-" + name, "disk-" + name, zone, name + ".example", port};
}

outcome add(map_rows& rows, const node_record& n) {
  return execute_catalogue({proc(1), {1}, {1}, operation::add_node, n.uuid, encode_node(n), {}},
                           now, rows);
}

outcome create(map_rows& rows, const std::string& name, const tolerance_policy& policy = {}) {
  return execute_catalogue(
      {proc(1), {1}, {1}, operation::create_table, name, encode_policy(policy), {}}, now, rows);
}

node_id added_id(const outcome& o) {
  REQUIRE(o.code == outcome_code::ok);
  return decode_node(o.data).value().id;
}

table_record created(const outcome& o) {
  REQUIRE(o.code == outcome_code::ok);
  return decode_table(o.data).value();
}

catalogue_view members(const std::vector<std::string>& zones) {
  catalogue_view out;
  for (const auto& zone : zones) {
    out.nodes.push_back(node_named("n" + std::to_string(out.nodes.size() + 1), zone));
    out.nodes.back().id = {out.nodes.size()};
  }
  out.next_node = {out.nodes.size() + 1};
  return out;
}

}  // namespace

TEST_SUITE("core/catalogue") {
  TEST_CASE("nodes get ids in order, the same node gets the same one again") {
    map_rows rows;
    CHECK(added_id(add(rows, node_named("a", "eu"))) == node_id{1});
    CHECK(added_id(add(rows, node_named("b", "eu"))) == node_id{2});
    const auto before = rows.rows;
    CHECK(added_id(add(rows, node_named("a", "eu"))) == node_id{1});
    CHECK(rows.rows == before);
    CHECK(added_id(add(rows, node_named("c", "us"))) == node_id{3});
    const auto view = read_catalogue(rows.scan(""));
    REQUIRE(view.nodes.size() == 3);
    CHECK(view.nodes[2].id == node_id{3});
    CHECK(view.nodes[2].zone == "us");
    CHECK(view.nodes[2].disk_uuid == "disk-c");
  }

  TEST_CASE("a blank disk at a known address is another node and is refused that address") {
    map_rows rows;
    (void)add(rows, node_named("a", "eu"));
    auto blank = node_named("a", "eu");
    blank.uuid = "uuid-new";
    CHECK(add(rows, blank) ==
          outcome{outcome_code::refused,
                  "address a.example:4444 belongs to node 1 with another disk; if that node is "
                  "gone for good, send NODE REMOVE 1 to any other node and start this one again: "
                  "it joins as a new node"});
    blank.port = 4445;
    CHECK(added_id(add(rows, blank)) == node_id{2});
  }

  TEST_CASE("a refused node uses up no id and no row") {
    map_rows rows;
    (void)add(rows, node_named("a", "eu"));
    const auto before = rows.rows;
    auto rival = node_named("a", "eu");
    rival.uuid = "rival";
    CHECK(add(rows, rival).code == outcome_code::refused);
    CHECK(execute_catalogue({proc(1), {1}, {1}, operation::add_node, "u", "\xff", {}}, now, rows) ==
          outcome{outcome_code::refused, "broken node record"});
    CHECK(rows.rows == before);
  }

  TEST_CASE("a table is made once with the members of that moment") {
    map_rows rows;
    for (const auto* name : {"a", "b", "c"}) (void)add(rows, node_named(name, "eu"));
    const auto t = created(create(rows, "users"));
    CHECK(t.log == log_id{2});
    CHECK(t.name == "users");
    CHECK(t.first == three_nodes());
    (void)add(rows, node_named("d", "eu"));
    CHECK(created(create(rows, "users")) == t);
    CHECK(created(create(rows, "users", {7, 7})) == t);
    const auto other = created(create(rows, "orders", {0, 0}));
    CHECK(other.log == log_id{3});
    CHECK(other.first.seats.size() == 4);
    CHECK(other.first.fn == 0);
    CHECK(other.policy == tolerance_policy{0, 0});
  }

  TEST_CASE("tolerances that do not fit are refused with table, zone and number") {
    map_rows rows;
    CHECK(create(rows, "t") ==
          outcome{outcome_code::refused, "table t: a table needs at least 1 acceptor"});
    (void)add(rows, node_named("a", "eu"));
    (void)add(rows, node_named("b", "us"));
    CHECK(create(rows, "t", {1, {}}) ==
          outcome{outcome_code::refused,
                  "table t: fn=1 needs at least 2 nodes in every zone, zone eu has 1"});
    CHECK(create(rows, "t", {{}, 2}) ==
          outcome{outcome_code::refused, "table t: fz=2 needs at least 3 zones, there are 2"});
    CHECK(execute_catalogue({proc(1), {1}, {1}, operation::create_table, "t", "", {}}, now, rows) ==
          outcome{outcome_code::refused, "broken table policy"});
    CHECK(created(create(rows, "t")).log == log_id{2});  // refusals used up no log id
  }

  TEST_CASE("clients can not write the catalogue by put or erase") {
    map_rows rows;
    for (const auto& c : {put(proc(1), 1, "n/x", "v"), erase(proc(1), 2, "n/x")})
      CHECK(execute_catalogue(c, now, rows) ==
            outcome{outcome_code::refused, "table atlas.nodes is kept by the cluster itself"});
    CHECK(rows.rows.empty());
  }

  TEST_CASE("ids are never used twice, across restarts of the replica too") {
    memory_log_store disk;
    std::set<std::uint64_t> nodes;
    std::set<std::uint64_t> logs;
    constexpr std::uint64_t count = 64;  // a table takes no more acceptors
    for (std::uint64_t i = 1; i <= count; ++i) {
      state_machine meta(meta_log, disk, disk.recover());
      const auto n = node_named(std::to_string(i), "eu");
      const std::vector<command> batch{
          {proc(1), {2 * i}, {1}, operation::add_node, n.uuid, encode_node(n), {}},
          {proc(1),
           {2 * i + 1},
           {1},
           operation::create_table,
           "t" + std::to_string(i),
           encode_policy({}),
           {}}};
      std::vector<record_write> writes;
      std::vector<command_result> results;
      meta.apply(make_batch({i}, batch), {i}, &results);
      meta.save({i}, 1, writes);
      REQUIRE(results.size() == 2);
      nodes.insert(added_id(results[0].result).value);
      logs.insert(created(results[1].result).log.value);
      CHECK(meta.take_catalogue_change());
      CHECK_FALSE(meta.take_catalogue_change());
      disk.write(writes);
    }
    CHECK(nodes.size() == count);
    CHECK(logs.size() == count);
    CHECK_FALSE(logs.contains(meta_log.value));
    CHECK(*nodes.begin() == 1);
  }

  TEST_CASE("more than 255 nodes stay in id order") {
    map_rows rows;
    for (int i = 1; i <= 300; ++i) (void)add(rows, node_named(std::to_string(i), "eu"));
    const auto view = read_catalogue(rows.scan(""));
    REQUIRE(view.nodes.size() == 300);
    for (std::size_t i = 0; i < 300; ++i) REQUIRE(view.nodes[i].id == node_id{i + 1});
  }

  TEST_CASE("records come back from bytes, cut ones are refused") {
    auto n = node_named("a", "eu", 65'535);
    n.id = {1'000};
    const auto node_bytes = encode_node(n);
    CHECK(decode_node(node_bytes) == n);
    const table_record t{"users", {9}, {3, {}}, three_nodes()};
    const auto table_bytes = encode_table(t);
    CHECK(decode_table(table_bytes) == t);
    for (const auto& p : {tolerance_policy{}, {0, {}}, {{}, 0}, {4'294'967'295u, 2}})
      CHECK(decode_policy(encode_policy(p)) == p);
    for (std::size_t i = 0; i < node_bytes.size(); ++i)
      CHECK_FALSE(decode_node(std::string_view(node_bytes).substr(0, i)).has_value());
    for (std::size_t i = 0; i < table_bytes.size(); ++i)
      CHECK_FALSE(decode_table(std::string_view(table_bytes).substr(0, i)).has_value());
    CHECK_FALSE(decode_node(node_bytes + "x").has_value());
    CHECK_FALSE(decode_table(table_bytes + "x").has_value());
    CHECK_FALSE(decode_policy("").has_value());
    rng random(6);
    for (int i = 0; i < 5'000; ++i) {
      auto bytes = random.chance(1, 2) ? node_bytes : table_bytes;
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      (void)decode_node(bytes);
      (void)decode_table(bytes);
      (void)decode_policy(bytes);
    }
  }
}

TEST_SUITE("core/catalogue_next_configuration") {
  TEST_CASE("new members vote in the next epoch, whose parent is the present one") {
    const auto next =
        next_configuration(three_nodes(), {}, members({"eu", "eu", "eu", "us"}), false);
    REQUIRE(next.has_value());
    CHECK(next->epoch == config_epoch{2});
    CHECK(next->parent == config_epoch{1});
    CHECK(next->seats.size() == 4);
    CHECK(next->fn == 0);  // auto, recomputed for the smallest zone
  }

  TEST_CASE("the same members need no new configuration, in whatever order they are named") {
    auto same = members({"eu", "eu", "eu"});
    std::swap(same.nodes[0], same.nodes[2]);
    CHECK_FALSE(next_configuration(three_nodes(), {}, same, false).has_value());
    CHECK_FALSE(next_configuration(three_nodes(), {1, 0}, same, true).has_value());
    CHECK(next_configuration(three_nodes(), {0, 0}, same, false).has_value());
  }

  TEST_CASE("seats are sorted by zone, then node") {
    const auto next =
        next_configuration(three_nodes(), {}, members({"us", "eu", "us", "ap"}), true);
    REQUIRE(next.has_value());
    CHECK(next->seats ==
          std::vector<acceptor_seat>{{{4}, "ap"}, {{2}, "eu"}, {{1}, "us"}, {{3}, "us"}});
  }

  TEST_CASE("numbers that do not fit stop a table and fall back to auto for the meta log") {
    const auto grown = members({"eu", "us"});
    CHECK_FALSE(next_configuration(grid({{"eu", 1}}, 0, 0), {1, 0}, grown, false).has_value());
    const auto meta = next_configuration(grid({{"eu", 1}}, 0, 0), {1, 1}, grown, true);
    REQUIRE(meta.has_value());
    CHECK(meta->fn == 0);
    CHECK(meta->fz == 0);
    CHECK(meta->seats.size() == 2);
  }

  TEST_CASE("nobody left is no configuration") {
    CHECK_FALSE(next_configuration(three_nodes(), {}, {}, true).has_value());
    CHECK_FALSE(next_configuration(three_nodes(), {}, {}, false).has_value());
  }
}
