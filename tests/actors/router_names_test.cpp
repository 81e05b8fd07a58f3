// What a name stands for while tables are dropped, and others of their names are made: never two
// tables for one client, and no answer of a table that was gone before the question.
#include <chrono>
#include <optional>
#include <thread>

#include "core/bytes.hpp"
#include "core/state_machine.hpp"
#include "tests/actors/router_bench.hpp"

using namespace atlas;
using namespace atlas::tests;

namespace {

core::outcome record_of(const core::table_record& t) {
  return {core::outcome_code::ok, core::encode_table(t)};
}

core::watch_part part_of(core::watch_state state, std::uint64_t applied) {
  core::watch_part p;
  p.state = state;
  p.applied = {applied};
  return p;
}

/// A watch that goes on from a position; its looks come to the test as well.
struct watch_bench : router_bench {
  watch_bench() {
    where->reader = bench.as<reader_actor>();
    open_log(users_log, "users");
    watching = submit(net::verb::watch, "users.a", {}, "5 1");
  }
  watch_job looked() {
    std::optional<watch_job> out;
    bench.inbox->receive([&](const watch_job& job) { out = job; },
                         caf::after(std::chrono::seconds(10)) >> [] {});
    REQUIRE(out.has_value());
    return std::move(*out);
  }
  void give(const watch_job& job, core::watch_part&& p) {
    router.on_watch_part(watching, job.number, std::move(p));
  }
  /// The name is another table's by now, as the meta log and then the catalogue say.
  core::table_record make_anew() {
    const auto name = asked();
    CHECK(name.row == "t/users");
    answer(core::meta_log, name, record_of(table_of_own("users", {8})));
    tables.tables.clear();
    return open_log({8}, "users");
  }
  std::uint64_t watching = 0;
};

}  // namespace

TEST_SUITE("actors/router_names") {
  TEST_CASE("a dropped table's name is not taken for the group that it was in") {
    // The log by the name of the table may be told a moment longer than the table itself.
    router_bench b;
    b.open_log(users_log, "shop");
    b.where->set_names({{std::string(core::meta_table), b.meta},
                        {"shop", b.where->log(users_log)},
                        {"orders", b.where->log(users_log)}});
    b.submit(net::verb::key_put, "orders.1", "x");
    const auto made = b.told();
    CHECK(made.what == core::operation::create_table);
    CHECK(made.row == "orders");
    CHECK(b.bench.is_empty());
  }

  TEST_CASE("a name stands for the new table as soon as the catalogue says so") {
    router_bench b;
    b.open_log(users_log, "users");
    b.get("users.a");
    CHECK(b.taken().log == users_log);
    b.tables.tables.clear();
    b.tell_catalogue();
    const auto made = b.open_log({8}, "users");
    b.get("users.a");
    CHECK(b.taken().log == made.log);
    // A drop by another node, and one here of what has the name now.
    b.submit(net::verb::table_drop, "users");
    const auto asked = b.told();
    CHECK(asked.what == core::operation::close_table);
    auto closing = made;
    closing.closing = true;
    b.answer(core::meta_log, asked, {core::outcome_code::ok, core::encode_table(closing)});
    const auto sent = b.taken();
    CHECK(sent.log == made.log);
    REQUIRE(sent.commands.size() == 1);
    CHECK(sent.commands[0].what == core::operation::close_log);
  }

  TEST_CASE("a request that meets its dropped table in a group is asked again by name") {
    router_bench b;
    b.open_log(users_log, "shop");
    core::table_record orders;
    orders.name = "orders";
    orders.group = "shop";
    orders.log = users_log;
    orders.table = {9};
    b.tables.next_log = {10};
    b.tables.tables.push_back(orders);
    b.tell_catalogue();
    b.get("orders.1");
    const auto sent = b.taken();
    REQUIRE(sent.reads.size() == 1);
    CHECK(sent.reads[0].table == orders.table);
    b.tables.tables.pop_back();
    b.tell_catalogue();
    CHECK(b.bench.is_empty());
    b.answer(users_log, sent.reads[0], {core::outcome_code::moved, {}});
    CHECK(b.asked().row == "t/orders");
  }

  TEST_CASE("TABLE DROP is answered by its own deadline, however often others ask for it") {
    router_options quick;
    quick.request_timeout_ms = 100;
    router_bench b(quick);
    auto closing = b.open_log(users_log, "users");
    closing.closing = true;
    const auto first = b.submit(net::verb::table_drop, "users");
    std::optional<std::string> said;
    // The log never closes. A hundred deadlines, each asked for before the one before it is over.
    for (int i = 0; i < 1'000 && !said; ++i) {
      while (!b.bench.is_empty()) {
        const auto sent = b.taken();
        for (const auto& c : sent.commands)
          if (c.what == core::operation::close_table)
            b.answer(core::meta_log, c, {core::outcome_code::ok, core::encode_table(closing)});
      }
      for (const auto& one : b.replies())
        if (one.ticket == first) said = one.text;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      b.submit(net::verb::table_drop, "users");
    }
    REQUIRE(said.has_value());
    CHECK(*said ==
          "not finished yet: table users is being dropped; its owner goes on with it as soon as it "
          "has a quorum");
  }

  TEST_CASE("what waits for a table leaves with the answer that it was made") {
    router_bench b;
    b.submit(net::verb::key_put, "orders.1", "x");
    const auto creation = b.told();
    REQUIRE(creation.what == core::operation::create_table);
    const auto made = b.open_log({8}, "orders");  // the catalogue is faster than the answer
    CHECK(b.bench.is_empty());
    b.answer(core::meta_log, creation, record_of(made));
    REQUIRE_FALSE(b.bench.is_empty());  // no tick came between
    const auto sent = b.told();
    CHECK(sent.what == core::operation::put);
    CHECK(sent.row == ".1");
  }

  TEST_CASE("a table that was made and dropped unheard of leaves its name usable") {
    router_bench b;
    b.get("brief.a");
    b.answer(core::meta_log, b.asked(), record_of(table_of_own("brief", {50})));
    CHECK(b.replies().empty());
    CHECK(b.bench.is_empty());  // waits for the catalogue to say so
    b.tables.next_log = {51};
    b.tell_catalogue();
    b.answer_absent(b.asked());
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].text == "NOT_FOUND");
  }

  TEST_CASE("a listing of what this node takes for a group asks the meta log's owner") {
    router_bench b;
    b.open_log(users_log, "shop");
    b.tables.tables.back().is_group = true;
    b.tell_catalogue();
    const auto listing = b.submit(net::verb::count, "shop.");
    const auto question = b.asked();
    CHECK(question.row == "t/shop");
    auto shop = table_of_own("shop", {8});
    SUBCASE("it is one") {
      shop = b.tables.tables.back();
      b.answer(core::meta_log, question, record_of(shop));
      const auto got = b.replies();
      REQUIRE(got.size() == 1);
      CHECK(got[0].text == "COUNT:0");
    }
    SUBCASE("it is a table by now") {
      b.answer(core::meta_log, question, record_of(shop));
      CHECK(b.bench.is_empty());  // again with the next tick, as long as it is not open here
      b.tables.tables.clear();
      b.open_log({8}, "shop");
      b.router.tick();
      const auto sent = b.taken();
      CHECK(sent.log == shop.log);
      REQUIRE(sent.reads.size() == 1);
      CHECK(sent.reads[0].what == core::read_kind::count);
      std::string three;
      core::put_varint(three, 3);
      b.answer(shop.log, sent.reads[0], {core::outcome_code::ok, three});
      const auto got = b.replies();
      REQUIRE(got.size() == 1);
      CHECK(got[0].ticket == listing);
      CHECK(got[0].text == "COUNT:3");
    }
  }

  TEST_CASE("a watch that finds its table dropped is asked for again by name") {
    router_bench b;
    b.open_log(users_log, "users");
    const auto watching = b.submit(net::verb::watch, "users.a", {}, "- 1");
    const auto question = b.asked();
    CHECK(question.what == core::read_kind::frontier);
    b.answer(users_log, question, {core::outcome_code::dropped, {}});
    CHECK(b.replies().empty());
    const auto name = b.asked();
    CHECK(name.row == "t/users");
    b.answer(core::meta_log, name, record_of(table_of_own("users", {8})));
    b.tables.tables.clear();
    b.open_log({8}, "users");
    const auto sent = b.taken();
    CHECK(sent.log == core::log_id{8});
    REQUIRE(sent.reads.size() == 1);
    CHECK(sent.reads[0].what == core::read_kind::frontier);
    b.router.cancel({watching});
  }

  TEST_CASE("a watch that is asked for anew is not told what was asked of the table before") {
    watch_bench b;
    const auto first = b.looked();
    b.give(first, part_of(core::watch_state::ahead, 3));
    const auto question = b.asked();
    REQUIRE(question.what == core::read_kind::frontier);
    b.router.on_history(users_log);
    const auto second = b.looked();
    SUBCASE("in time") {
      b.give(second, part_of(core::watch_state::dropped, 9));
    }
    SUBCASE("and before that, in vain, by a look of the past") {
      b.give(first, part_of(core::watch_state::dropped, 9));
      CHECK(b.bench.is_empty());
      b.give(second, part_of(core::watch_state::dropped, 9));
    }
    const auto made = b.make_anew();
    const auto anew = b.looked();
    CHECK(anew.terms.table == made.table);
    CHECK(anew.terms.prefix == ".a");
    CHECK(anew.terms.values);
    CHECK(anew.terms.next == 6);
    b.give(second, part_of(core::watch_state::dropped, 9));
    b.answer(users_log, question, {core::outcome_code::dropped, {}});
    CHECK(b.bench.is_empty());
    CHECK(b.replies().empty());
    auto present = part_of(core::watch_state::current, 12);
    present.next = 6;
    present.position = 5;
    b.give(anew, std::move(present));
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].text == "WATCHING 5");
    CHECK(got[0].more);
    b.get("users.a");
    CHECK(b.taken().log == made.log);
  }

  TEST_CASE("a watch that has begun is ended by what is told, not by an old answer of the owner") {
    watch_bench b;
    b.give(b.looked(), part_of(core::watch_state::ahead, 3));
    const auto question = b.asked();
    b.router.on_history(users_log);
    auto present = part_of(core::watch_state::more, 9);
    present.next = 6;
    present.position = 9;
    b.give(b.looked(), std::move(present));
    REQUIRE(b.replies().size() == 1);  // WATCHING
    const auto rest = b.looked();
    b.answer(users_log, question, {core::outcome_code::dropped, {}});
    CHECK(b.replies().empty());
    auto end = part_of(core::watch_state::dropped, 9);
    end.next = 7;
    end.events.emplace_back();
    end.events.back().position = 6;
    end.events.back().row = ".a";
    b.give(rest, std::move(end));
    const auto got = b.replies();
    REQUIRE(got.size() == 2);
    CHECK(got[0].more);
    CHECK(got[0].text.find("EVENT 6 ") != std::string::npos);
    CHECK(got[1].text == "table users was dropped; the watch has ended");
  }

  TEST_CASE("a watch whose table's last request is answered asks by name at once") {
    watch_bench b;
    const auto look = b.looked();
    b.get("users.a");
    const auto sent = b.taken();
    b.answer(users_log, sent.reads.at(0), {core::outcome_code::dropped, {}});
    const auto for_read = b.asked();
    b.router.tick();
    b.give(look, part_of(core::watch_state::ahead, 3));
    b.answer_absent(for_read);
    REQUIRE(b.replies().size() == 1);
    b.answer_absent(b.asked());
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].ticket == b.watching);
    CHECK(got[0].text ==
          "table users does not exist: write a key of it or send TABLE CREATE first");
  }
}
