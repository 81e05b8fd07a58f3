// The router between the gateway and an owner, here an inbox of the test: what it may answer from a
// look-up, and what it must ask again.
#include "tests/actors/router_bench.hpp"

using namespace atlas;
using namespace atlas::tests;

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
