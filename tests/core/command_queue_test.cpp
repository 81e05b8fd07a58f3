// What becomes one slot: many small commands, a chunk by itself or with a little beside it, and
// nothing that is lost on the way.
#include "core/command_queue.hpp"

#include "core/rng.hpp"
#include "tests/support/samples.hpp"

namespace atlas::tests {
namespace {

using namespace core;

command small(std::uint64_t seq, std::size_t bytes = 1) {
  return put(proc(9), seq, "k", std::string(bytes, 'v'));
}
command chunk(std::uint64_t seq) {
  auto c = put(proc(9), seq, "k", std::string(200, 'c'));
  c.what = operation::put_chunk;
  return c;
}
std::vector<std::uint64_t> numbers(const command_batch& b) {
  std::vector<std::uint64_t> out;
  for (const auto& c : b.commands) out.push_back(c.seq.value);
  return out;
}
using list = std::vector<std::uint64_t>;

}  // namespace

TEST_SUITE("core/command_queue") {
  TEST_CASE("small commands do not wait behind chunks") {
    command_queue q;
    q.push({chunk(1), chunk(2), small(3), small(4)});
    CHECK(q.size() == 4);
    CHECK(q.small() == 2);
    CHECK(q.chunks() == 2);
    const auto first = q.take(true, false);
    CHECK(numbers(first) == list{3, 4});
    CHECK_FALSE(first.has_chunk);
    CHECK(q.take(true, false).commands.empty());
    CHECK(numbers(q.take(false, true)) == list{1});
  }

  TEST_CASE("a chunk takes along what is little, and is the only one of its slot") {
    command_queue q;
    q.push({chunk(1), small(2), chunk(3), small(4, 20'000)});
    CHECK(numbers(q.take(true, true)) == list{2, 4});  // too much beside a chunk
    q.push({small(5)});
    const auto both = q.take(true, true);
    CHECK(numbers(both) == list{5, 1});
    CHECK(both.has_chunk);
    q.push({small(6)});
    CHECK(numbers(q.take(false, true)) == list{3});
    CHECK(numbers(q.take(true, true)) == list{6});
    CHECK(q.empty());
  }

  TEST_CASE("a chunk that waits is not taken once more, whoever asks") {
    command_queue q;
    auto other = chunk(1);
    other.table = table_id{other.table.value + 1};
    q.push({chunk(1), chunk(2), chunk(1), other});
    q.push({chunk(2), small(1), small(1)});
    CHECK(q.chunks() == 3);
    CHECK(q.small() == 2);
    CHECK(numbers(q.take(false, true)) == list{1});
    q.push({chunk(1)});  // it does not wait any more: the log knows it
    CHECK(q.chunks() == 3);
  }

  TEST_CASE("a slot has a thousand commands or a mebibyte, and one that is larger by itself") {
    command_queue q;
    for (std::uint64_t s = 1; s <= 1'500; ++s) q.push({small(s)});
    CHECK(q.take(true, true).commands.size() == 1'000);
    CHECK(q.take(true, true).commands.size() == 500);
    q.push({small(1, 3'000'000), small(2, 700'000), small(3, 700'000), small(4)});
    CHECK(numbers(q.take(true, true)) == list{1});
    CHECK(numbers(q.take(true, true)) == list{2, 3});
    CHECK(numbers(q.take(true, true)) == list{4});
  }

  TEST_CASE("whatever is asked of it, each command comes out once, its kind in order") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      CAPTURE(seed);
      rng random(seed);
      command_queue q;
      std::uint64_t pushed = 0;
      list smalls, chunks;
      const auto sort = [&](const std::vector<command>& commands) {
        for (const auto& c : commands)
          (c.what == operation::put_chunk ? chunks : smalls).push_back(c.seq.value);
      };
      for (int i = 0; i < 200; ++i) {
        if (random.chance(1, 2)) {
          ++pushed;
          q.push({random.chance(1, 2) ? chunk(pushed) : small(pushed, random.below(30'000))});
        } else {
          const auto batch = q.take(random.chance(1, 2), random.chance(1, 2));
          sort(batch.commands);
        }
      }
      std::vector<command> rest;
      q.give_back(rest);
      sort(rest);
      CHECK(q.empty());
      CHECK(smalls.size() + chunks.size() == pushed);
      CHECK(std::is_sorted(smalls.begin(), smalls.end()));
      CHECK(std::is_sorted(chunks.begin(), chunks.end()));
    }
  }
}

}  // namespace atlas::tests
