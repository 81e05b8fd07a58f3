#include "core/stale_reads.hpp"

#include <doctest/doctest.h>

using namespace atlas::core;

namespace {

constexpr log_id here{7};
constexpr table_id table{7};

struct desk {
  stale_reads reads{table};
  std::uint64_t tickets = 0;

  std::uint64_t ask(std::uint64_t now, std::optional<std::uint64_t> bound = std::nullopt) {
    reads.submit({++tickets, ".k", {now + 10'000}, bound}, {now});
    return tickets;
  }
  void question(std::uint64_t asked, std::uint64_t answered, std::uint64_t upto,
                log_id log = here) {
    reads.on_asked({asked});
    reads.on_answer(frontier{log, {upto}}, {answered});
  }
};

}  // namespace

TEST_SUITE("core/stale_reads") {
  TEST_CASE("the first read waits for the owner's word, and for the copy to hold it") {
    desk d;
    d.ask(1'000);
    CHECK(d.reads.wants_question({1'000}));
    CHECK(d.reads.take({1'000}, {50}).empty());
    d.reads.on_asked({1'000});
    CHECK_FALSE(d.reads.wants_question({5'000}));
    d.reads.on_answer(frontier{here, {60}}, {1'090});
    const auto asks = d.reads.take({1'090}, {50});
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].least == slot{60});
    CHECK(asks[0].what.row == ".k");
    CHECK(d.reads.on_result(1, {outcome_code::ok, "v"}, {1'095}) == 0);
    CHECK(d.reads.empty());
  }

  TEST_CASE("the age counts from the question, and a whole tick more") {
    desk d;
    d.question(1'000, 1'090, 60);
    const auto ticket = d.ask(1'500);
    const auto asks = d.reads.take({1'500}, {70});
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].least == slot{60});
    CHECK(d.reads.on_result(ticket, {}, {1'501}) == 501);
  }

  TEST_CASE("a bound that is not met asks again; zero is as good as the owner") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.ask(1'100, 100);  // 101 old
    CHECK(d.reads.take({1'100}, {60}).empty());
    CHECK(d.reads.wants_question({1'100}));
    d.ask(1'100, 101);
    CHECK(d.reads.take({1'100}, {60}).size() == 1);
    d.ask(1'100, 0);
    d.reads.on_asked({1'100});
    d.ask(1'100, 0);  // came after the question, which is no answer to it
    d.reads.on_answer(frontier{here, {61}}, {1'101});
    const auto asks = d.reads.take({1'101}, {61});
    REQUIRE(asks.size() == 2);
    CHECK(d.reads.on_result(asks[1].what.ticket.value, {}, {1'101}) == 0);
    CHECK(d.reads.wants_question({1'101}));
  }

  TEST_CASE("a slot that the copy holds already is preferred to a newer one it must wait for") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.question(1'200, 1'201, 90);
    d.ask(1'300);
    const auto asks = d.reads.take({1'300}, {75});
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].least == slot{60});
    d.ask(1'301, 150);  // only the newer one is young enough
    CHECK(d.reads.take({1'301}, {75})[0].least == slot{90});
  }

  TEST_CASE("without a bound an old age is told, after a while in which the owner may answer") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.ask(100'000);
    CHECK(d.reads.take({100'000}, {60}).empty());
    CHECK(d.reads.wants_question({100'000}));
    d.reads.on_asked({100'000});
    const auto asks = d.reads.take({100'000 + stale_reads::patience_ms}, {60});
    REQUIRE(asks.size() == 1);
    CHECK(d.reads.on_result(1, {}, {101'000}) == 99'001);
  }

  TEST_CASE("without a bound a copy that lags for long answers from what it holds") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.question(100'000, 100'001, 90);
    const auto ticket = d.ask(100'010);
    const auto bounded = d.ask(100'010, 20);
    const auto young = d.reads.take({100'010}, {60});
    REQUIRE(young.size() == 2);
    CHECK(young[0].least == slot{90});
    const auto late = 100'010 + stale_reads::patience_ms;
    CHECK(d.reads.take({late - 1}, {60}).empty());
    const auto old = d.reads.take({late}, {60});  // who set a bound waits on
    REQUIRE(old.size() == 1);
    CHECK(old[0].what.ticket.value == ticket);
    CHECK(old[0].least == slot{60});
    CHECK(d.reads.take({late + 5'000}, {60}).empty());
    CHECK(d.reads.on_result(ticket, {}, {late}) == 99'011);
    CHECK_FALSE(d.reads.on_result(ticket, {}, {late}).has_value());  // the copy came to 90 as well
    CHECK(d.reads.on_result(bounded, {}, {late}) == 11);
    CHECK(d.reads.empty());
  }

  TEST_CASE("a copy that holds nothing known yet is asked again once it does") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.question(100'000, 100'001, 90);
    const auto ticket = d.ask(100'010);
    CHECK(d.reads.take({100'010}, {50}).size() == 1);
    CHECK(d.reads.take({102'000}, {50}).empty());
    const auto asks = d.reads.take({103'000}, {70});
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].least == slot{60});
    CHECK(d.reads.on_result(ticket, {}, {103'001}) == 99'011);
  }

  TEST_CASE("reading keeps the age young, one question at a time") {
    desk d;
    d.question(1'000, 1'001, 60);
    CHECK_FALSE(d.reads.wants_question({5'000}));  // nobody reads
    d.ask(1'050);
    CHECK(d.reads.take({1'050}, {60}).size() == 1);
    CHECK_FALSE(d.reads.wants_question({1'099}));
    CHECK(d.reads.wants_question({1'100}));
    d.reads.on_asked({1'100});
    CHECK_FALSE(d.reads.wants_question({9'000}));
    d.reads.on_answer(std::nullopt, {9'000});  // given up
    d.ask(9'010, 5);
    CHECK_FALSE(d.reads.wants_question({9'010}));  // not at once
    CHECK(d.reads.wants_question({9'100}));
  }

  TEST_CASE("a copy that does not hold the table any more answers nothing") {
    desk d;
    d.question(1'000, 1'001, 60);
    const auto ticket = d.ask(1'010);
    CHECK(d.reads.take({1'010}, {60}).size() == 1);
    CHECK_FALSE(d.reads.on_result(ticket, {outcome_code::moved, {}}, {1'020}).has_value());
    CHECK(d.reads.take({1'020}, {60}).empty());
    CHECK(d.reads.wants_question({1'100}));
    d.question(1'100, 1'130, 5, log_id{9});
    CHECK(d.reads.log() == log_id{9});
    CHECK(d.reads.take({1'130}, {5}).size() == 1);
    CHECK(d.reads.on_result(ticket, {}, {1'140}) == 0);
  }

  TEST_CASE("what is past its deadline goes, wherever it is") {
    desk d;
    d.question(1'000, 1'001, 60);
    d.ask(1'010);
    CHECK(d.reads.take({1'010}, {60}).size() == 1);
    d.ask(1'011, 0);
    CHECK(d.reads.expire({11'009}).empty());
    CHECK(d.reads.expire({11'011}) == std::vector<std::uint64_t>{2, 1});
    CHECK_FALSE(d.reads.on_result(1, {}, {11'012}).has_value());
  }

  TEST_CASE("a frontier survives its encoding, and nothing else passes for one") {
    const auto bytes = encode_frontier({{300}, {70'000}});
    REQUIRE(decode_frontier(bytes).has_value());
    CHECK(decode_frontier(bytes)->log == log_id{300});
    CHECK(decode_frontier(bytes)->upto == slot{70'000});
    CHECK_FALSE(decode_frontier(bytes + "x").has_value());
    CHECK_FALSE(decode_frontier("").has_value());
  }
}
