// Small types that everything leans on: ballots order attempts, varints carry every number, and the
// running hash tells logs apart.
#include <doctest/doctest.h>

#include <limits>
#include <set>
#include <string>

#include "core/ballot.hpp"
#include "core/bytes.hpp"
#include "core/row_record.hpp"
#include "core/running_hash.hpp"

using namespace atlas::core;

TEST_SUITE("core/ids") {
  TEST_CASE("ballots are ordered by round, then by node, and the next one is above") {
    CHECK(ballot{1, {9}} < ballot{2, {1}});
    CHECK(ballot{2, {1}} < ballot{2, {2}});
    CHECK(next_ballot({2, {9}}, {1}) > ballot{2, {9}});
    CHECK(next_ballot({}, {1}) == ballot{1, {1}});
    CHECK_FALSE(static_cast<bool>(ballot{}));
  }

  TEST_CASE("varints carry every size of number and refuse to run on") {
    for (unsigned bit = 0; bit < 64; ++bit)
      for (const std::uint64_t v : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
        std::string bytes;
        put_varint(bytes, v);
        byte_reader in(bytes);
        CHECK(in.varint() == v);
        CHECK(in.complete());
      }
    byte_reader endless(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11));
    (void)endless.varint();
    CHECK(endless.failed());
  }

  TEST_CASE("a reader that saw one broken field stays failed") {
    byte_reader in(
        std::string_view("\x05"
                         "ab",
                         3));
    CHECK(in.string().empty());
    CHECK(in.failed());
    (void)in.byte();
    CHECK_FALSE(in.complete());
  }

  TEST_CASE("big-endian numbers sort as numbers") {
    std::string low;
    std::string high;
    put_big_endian(low, 255);
    put_big_endian(high, 256);
    CHECK(low.size() == 8);
    CHECK(low < high);
  }

  TEST_CASE("row records come back, cut heads are refused") {
    const row_record r{300, {5}, {std::numeric_limits<std::uint64_t>::max()}, "ann", "value"};
    const auto bytes = encode_row(r);
    const auto back = decode_row(bytes);
    REQUIRE(back.has_value());
    CHECK(back->version == 300);
    CHECK(back->created == stamp{5});
    CHECK(back->updated == r.updated);
    CHECK(back->principal == "ann");
    CHECK(back->value == "value");
    const auto head = bytes.size() - r.value.size();
    for (std::size_t length = 0; length < head; ++length)
      CHECK_FALSE(decode_row(std::string_view(bytes).substr(0, length)).has_value());
  }

  TEST_CASE("the running hash depends on position, length, bytes and past") {
    std::set<std::uint64_t> seen{running_hash(0, 1, "abc"),
                                 running_hash(0, 2, "abc"),
                                 running_hash(1, 1, "abc"),
                                 running_hash(0, 1, "abd"),
                                 running_hash(0, 1, std::string_view("abc\0", 4)),
                                 running_hash(0, 1, "abcdefgh"),
                                 running_hash(0, 1, "abcdefghi"),
                                 running_hash(0, 1, "")};
    CHECK(seen.size() == 8);
    // Every byte of a long one counts, and where it stands.
    std::string bytes(100, 0);
    seen = {running_hash(0, 1, bytes)};
    for (auto& c : bytes) {
      c = 1;
      CHECK(seen.insert(running_hash(0, 1, bytes)).second);
      c = 0;
    }
    CHECK(running_hash(0, 1, "abc") == running_hash(0, 1, std::string("abc")));
  }
}
