// The router between the gateway and an owner, here an inbox of the test: what it may answer from a
// look-up, and what it must ask again.
#include "actors/request_router.hpp"

#include <thread>

#include "core/transaction.hpp"
#include "tests/actors/actor_bench.hpp"

using namespace atlas;
using namespace atlas::actors;
using atlas::tests::actor_bench;

namespace {

constexpr core::process self{{1}, {1}};

constexpr core::log_id users_log{7};

/// A node that owns the meta log and maybe others; the test plays the owner.
struct router_bench {
  actor_bench bench;
  std::shared_ptr<board> where = std::make_shared<board>(self, "eu");
  std::shared_ptr<log_entry> meta = std::make_shared<log_entry>(
      core::meta_log, std::string(core::meta_table), core::tolerance_policy{});
  request_router router;
  std::uint64_t tickets = 0;
  core::catalogue_view tables;

  explicit router_bench(router_options options = {}) : router(where, std::move(options)) {
    tables.next_log = {100};
    meta->set_owner(bench.as<owner_actor>());
    where->add_log(meta);
    where->requests = &router;
  }
  ~router_bench() {
    for (const auto& l : where->logs()) l->set_owner({});
  }

  core::table_record open_log(core::log_id id, const std::string& table) {
    auto entry = std::make_shared<log_entry>(id, table, core::tolerance_policy{});
    log_entry::status now;
    now.active = std::make_shared<core::configuration>();
    entry->update(now);
    entry->set_owner(bench.as<owner_actor>());
    where->add_log(std::move(entry));
    core::table_record record;
    record.name = table;
    record.log = id;
    record.table = core::home_table(id);
    tables.tables.push_back(record);
    tell_catalogue();
    return record;
  }
  void tell_catalogue() {
    where->set_catalogue(std::make_shared<core::catalogue_view>(tables));
    router.on_routes_changed();
  }
  std::uint64_t submit(net::verb what, const std::string& key, std::string value = {},
                       std::string terms = {}) {
    net::client_request r{++tickets, what, key, std::move(value), {}};
    r.terms = std::move(terms);
    std::vector<net::client_request> round;
    round.push_back(std::move(r));
    router.submit(std::move(round));
    return tickets;
  }
  std::uint64_t commit(const std::vector<core::txn_step>& steps) {
    return submit(net::verb::txn_commit, steps.front().key, core::encode_steps(steps));
  }
  std::uint64_t get(const std::string& key) { return submit(net::verb::key_get, key); }
  /// What the owner is sent next.
  forward taken() {
    auto got = bench.take<core::process, forward>();
    REQUIRE(got.has_value());
    return std::move(got->second);
  }
  void answer(core::log_id log, const core::read& r, core::outcome&& result) {
    router.on_answers({log, {{true, r.ticket, std::move(result), r.table}}});
  }
  /// The read of the catalogue that the owner was asked for.
  core::read asked() {
    const auto got = bench.take<core::process, forward>();
    REQUIRE(got.has_value());
    REQUIRE(got->second.reads.size() == 1);
    return got->second.reads[0];
  }
  /// The one command that the owner is sent next.
  core::command told() {
    auto sent = taken();
    REQUIRE(sent.commands.size() == 1);
    CHECK(sent.reads.empty());
    return std::move(sent.commands[0]);
  }
  void answer(core::log_id log, const core::command& c, core::outcome&& result) {
    router.on_answers({log, {{false, c.seq, std::move(result), c.table}}});
  }
  void answer_absent(const core::read& r) {
    router.on_answers({core::meta_log, {{true, r.ticket, {core::outcome_code::not_found, {}}}}});
  }
  std::vector<net::client_reply> replies() {
    std::vector<net::client_reply> out;
    router.poll(out);
    return out;
  }
};

}  // namespace

TEST_SUITE("actors/request_router") {
  TEST_CASE("a table that does not exist is asked for once and answered to all who waited") {
    router_bench b;
    const auto first = b.get("x.a");
    const auto question = b.asked();
    CHECK(question.row == "t/x");
    b.answer_absent(question);
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].ticket == first);
    CHECK(got[0].text == "NOT_FOUND");
  }

  TEST_CASE("an answer to an older question is not given to a request that came after it") {
    // In between, another node may have made the table and acknowledged a write to it.
    router_bench b;
    const auto first = b.get("x.a");
    const auto question = b.asked();
    const auto second = b.get("x.a");
    b.answer_absent(question);
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].ticket == first);
    b.answer_absent(b.asked());
    const auto later = b.replies();
    REQUIRE(later.size() == 1);
    CHECK(later[0].ticket == second);
  }

  TEST_CASE("the gateway is asked to look in while anything waits, and only then") {
    router_bench b;
    CHECK(b.router.next_deadline_ms() < 0);
    b.get("x.a");
    CHECK(b.router.next_deadline_ms() > 0);
    b.answer_absent(b.asked());
    CHECK(b.replies().size() == 1);
    CHECK(b.router.next_deadline_ms() < 0);
  }

  TEST_CASE("KEY MGET answers in order, and nothing once its values are too many bytes") {
    router_bench b;
    b.open_log(users_log, "users");
    const std::string mebibyte(1 << 20, 'x');
    std::string keys = "users.0";
    for (int i = 1; i < 66; ++i) keys += " users." + std::to_string(i);
    for (const bool fits : {true, false}) {
      const auto ticket = b.submit(net::verb::key_mget, {}, {}, keys);
      const auto reads = b.taken().reads;
      REQUIRE(reads.size() == 66);
      for (std::size_t i = 0; i < reads.size(); ++i) {
        CHECK(reads[i].row == "." + std::to_string(i));
        const bool is_there = i < 64 || (i == 64 && !fits);
        b.answer(users_log, reads[i],
                 is_there ? core::outcome{core::outcome_code::ok, mebibyte}
                          : core::outcome{core::outcome_code::not_found, {}});
        if (!fits && i < 64) CHECK(b.replies().empty());
      }
      const auto got = b.replies();
      REQUIRE(got.size() == 1);
      CHECK(got[0].ticket == ticket);
      if (fits) {
        CHECK(got[0].text.size() > (64u << 20));
        CHECK(got[0].text.ends_with("x\r\nNOT_FOUND\r\nNOT_FOUND"));
      } else {
        CHECK(got[0].what == net::reply_kind::warn);
        CHECK(got[0].text ==
              "answer too large: 68157440 bytes of values or more, at most 67108864; ask for fewer "
              "keys at once");
      }
    }
  }

  TEST_CASE("a transaction may be larger than a value, each of its values may not") {
    router_bench b;
    b.open_log(users_log, "users");
    std::vector<core::txn_step> steps(2, {core::step_kind::put, "users.a", 0, {}});
    for (auto& s : steps) s.value.assign(1 << 20, 'x');
    b.commit(steps);
    const auto sent = b.taken().commands;
    REQUIRE(sent.size() == 1);
    auto numbered = steps;
    for (auto& s : numbered) s.table = core::home_table(users_log);
    CHECK(core::decode_steps(sent[0].value) == numbered);
    CHECK(b.replies().empty());

    const auto warning = [&](const std::vector<core::txn_step>& all) {
      b.commit(all);
      const auto got = b.replies();
      REQUIRE(got.size() == 1);
      CHECK(got[0].what == net::reply_kind::warn);
      return got[0].text;
    };
    steps[1].value += 'x';
    CHECK(warning(steps) == "users.a: value too large: 1048577 bytes, at most 1048576");
    steps[1].value.pop_back();
    const std::vector<core::txn_step> many(8, steps[1]);
    CHECK(warning(many) ==
          "transaction too large: " + std::to_string(core::encode_steps(many).size()) +
              " bytes, at most 8388608");
    CHECK(b.bench.is_empty());
  }

  TEST_CASE("a transaction waits for the tables of all its keys, and makes only the first") {
    router_bench b;
    b.open_log(users_log, "users");
    const auto put = [](const std::string& key) {
      return core::txn_step{core::step_kind::put, key, 0, "x"};
    };
    b.commit({put("users.a"), put("other.b")});
    auto question = b.asked();
    CHECK(question.row == "t/other");
    core::table_record other;
    other.name = "other";
    other.log = users_log;
    other.table = {9};
    b.answer(core::meta_log, question, {core::outcome_code::ok, core::encode_table(other)});
    CHECK(b.bench.is_empty());
    CHECK(b.replies().empty());

    b.tables.tables.push_back(other);
    b.tell_catalogue();
    const auto sent = b.taken().commands;
    REQUIRE(sent.size() == 1);
    const auto steps = core::decode_steps(sent[0].value);
    REQUIRE(steps.has_value());
    CHECK((*steps)[0].table == core::home_table(users_log));
    CHECK((*steps)[1].table == other.table);

    const auto ticket = b.commit({put("users.a"), put("third.c")});
    question = b.asked();
    CHECK(question.row == "t/third");
    b.answer_absent(question);
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].ticket == ticket);
    CHECK(got[0].what == net::reply_kind::warn);
    CHECK(got[0].text ==
          "table third does not exist; TABLE CREATE third and put it into the group of the other "
          "tables first");

    b.commit({put("fourth.a"), put("users.a")});
    const auto made = b.taken().commands;
    REQUIRE(made.size() == 1);
    CHECK(made[0].what == core::operation::create_table);
    CHECK(made[0].row == "fourth");
  }

  TEST_CASE("each key of a transaction is held to what holds for a single one") {
    router_bench b;
    b.open_log(users_log, "users");
    for (const auto& [key, text] :
         {std::pair{".b", "invalid key .b: the part before the first dot names the table"},
          std::pair{"atlas.b", "table atlas is kept by the cluster itself; choose another name"}}) {
      b.commit({{core::step_kind::put, "users.a", 0, "x"}, {core::step_kind::erase, key, 0, {}}});
      b.submit(net::verb::key_del, key);
      const auto got = b.replies();
      REQUIRE(got.size() == 2);
      CHECK(got[0].text == text);
      CHECK(got[1].text == text);
    }
    CHECK(b.bench.is_empty());
  }

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

  TEST_CASE("a listing that the meta log refuses is an error, not a listing of nothing") {
    router_bench b;
    for (const auto what : {net::verb::scan, net::verb::count}) {
      b.submit(what, "x");
      const auto question = b.asked();
      CHECK(question.row == "t/x");
      b.answer(core::meta_log, question, {core::outcome_code::refused, "more than fits"});
      const auto got = b.replies();
      REQUIRE(got.size() == 1);
      CHECK(got[0].what == net::reply_kind::warn);
      CHECK(got[0].text == "more than fits");
    }
    b.submit(net::verb::scan, "x");
    b.answer(core::meta_log, b.asked(), {core::outcome_code::ok, {}});
    const auto got = b.replies();
    REQUIRE(got.size() == 1);
    CHECK(got[0].text == "KEYS:0");
  }
}
