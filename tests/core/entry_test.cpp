// Log entries and configurations as bytes: they must come back as they went in, a cut one must
// never pass as another, and bytes from anywhere must never hurt.
#include "core/entry.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "core/grid_quorum.hpp"
#include "core/rng.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

bool same(const command& a, const command& b) {
  return a.from == b.from && a.seq == b.seq && a.floor == b.floor && a.what == b.what &&
         a.row == b.row && a.value == b.value && a.principal == b.principal;
}

bool same(const decoded_batch& a, const decoded_batch& b) {
  if (a.when != b.when || a.commands.size() != b.commands.size()) return false;
  for (std::size_t i = 0; i < a.commands.size(); ++i)
    if (!same(a.commands[i], b.commands[i])) return false;
  return true;
}

std::vector<command> sample_commands() {
  std::string every_byte;
  for (int b = 0; b < 256; ++b) every_byte.push_back(static_cast<char>(b));
  return {put(proc(1), 1, "row", "value"),
          erase(proc(2, 9), 300, "", 290),
          {proc(3), {5}, {5}, operation::create_table, every_byte, every_byte, "p"},
          {{{largest}, {largest}}, {largest}, {0}, operation::add_node, "", "", ""}};
}

std::vector<entry> sample_entries() {
  const auto commands = sample_commands();
  std::vector<entry> out{make_no_op(), make_batch({largest}, commands),
                         make_configuration_entry(three_nodes()),
                         make_configuration_entry(grid({{"a", 2}, {"b", 1}}, 0, 1, 900))};
  for (const auto& c : commands) out.push_back(batch_of(1, c));
  return out;
}

entry of_bytes(std::string bytes) {
  return {make_blob(std::move(bytes))};
}

bool is_legal(const std::optional<configuration>& c) {
  return c && grid_quorum::make(*c).ok();
}

/// Feeds bytes to every decoder; what they take must survive another round trip unchanged.
bool harmless(const std::string& bytes) {
  if (bytes.empty()) return !is_well_formed(bytes);
  const entry e = of_bytes(bytes);
  const auto batch = decode_batch(e);
  const auto config = decode_configuration_entry(e);
  const bool no_op = bytes == *make_no_op().bytes;
  if (is_well_formed(bytes) != (batch.has_value() || is_legal(config) || no_op)) return false;
  if (batch) {
    const auto again = decode_batch(make_batch(batch->when, batch->commands));
    if (!again || !same(*batch, *again)) return false;
  }
  if (config && decode_configuration_entry(make_configuration_entry(*config)) != config)
    return false;
  return true;
}

}  // namespace

TEST_SUITE("core/entry") {
  TEST_CASE("a batch comes back as it went in") {
    const auto commands = sample_commands();
    const auto e = make_batch({1'700'000'000'000'000}, commands);
    CHECK(e.kind() == entry_kind::batch);
    CHECK(is_well_formed(*e.bytes));
    const auto back = decode_batch(e);
    REQUIRE(back.has_value());
    CHECK(same(*back, {{1'700'000'000'000'000}, commands}));
    CHECK_FALSE(decode_configuration_entry(e).has_value());
  }

  TEST_CASE("a configuration comes back as it went in") {
    for (const auto& c : {three_nodes(), grid({{"a", 4}, {"b", 1}, {"\xff\x00z", 60}}, 3, 2, 77),
                          configuration{{largest}, {largest - 1}, 4'294'967'295u, 0, {}}}) {
      const auto e = make_configuration_entry(c);
      CHECK(e.kind() == entry_kind::configuration);
      CHECK(is_well_formed(*e.bytes) == is_legal(c));
      CHECK(decode_configuration_entry(e) == c);
      CHECK_FALSE(decode_batch(e).has_value());
    }
  }

  TEST_CASE("a configuration that no quorum fits is refused at the border") {
    CHECK(is_well_formed(*make_configuration_entry(three_nodes()).bytes));
    CHECK_FALSE(is_well_formed(*make_configuration_entry(grid({{"a", 3}}, 3, 0)).bytes));
    CHECK_FALSE(is_well_formed(*make_configuration_entry(grid({{"a", 3}}, 0, 1)).bytes));
    CHECK_FALSE(is_well_formed(*make_configuration_entry(configuration{{2}, {1}, 0, 0, {}}).bytes));
  }

  TEST_CASE("a configuration's decoder stops behind its last byte") {
    std::string bytes;
    encode_configuration(three_nodes(), bytes);
    bytes += "tail";
    std::string_view in = bytes;
    CHECK(decode_configuration(in) == three_nodes());
    CHECK(in == "tail");
  }

  TEST_CASE("a no-op is one byte and equal bytes are equal entries") {
    CHECK(make_no_op().kind() == entry_kind::no_op);
    CHECK(make_no_op().size() == 1);
    CHECK(is_well_formed(*make_no_op().bytes));
    CHECK(make_no_op() == of_bytes(std::string(1, '\0')));
    CHECK_FALSE(make_no_op() == batch_of(1, put(proc(1), 1, "a", "b")));
  }

  TEST_CASE("an entry cut at any byte is refused") {
    for (const auto& e : sample_entries())
      for (std::size_t length = 0; length < e.size(); ++length) {
        const std::string cut = e.bytes->substr(0, length);
        REQUIRE_FALSE(is_well_formed(cut));
        if (cut.empty()) continue;
        REQUIRE_FALSE(decode_batch(of_bytes(cut)).has_value());
        REQUIRE_FALSE(decode_configuration_entry(of_bytes(cut)).has_value());
      }
  }

  TEST_CASE("an entry with a byte too many is refused") {
    for (const auto& e : sample_entries())
      for (const char extra : {'\0', '\1', '\xff'}) CHECK_FALSE(is_well_formed(*e.bytes + extra));
  }

  TEST_CASE("unknown kinds, unknown operations and impossible floors are refused") {
    CHECK_FALSE(is_well_formed(std::string(1, '\3')));
    CHECK_FALSE(is_well_formed("\xff\xff\xff"));
    // kind, stamp, count | table, node, boot, sequence, behind, operation, row, value, principal
    const std::string good("\x01\x05\x01\x07\x01\x01\x09\x02\x01\x00\x00\x00", 12);
    REQUIRE(is_well_formed(good));
    for (const char operation_byte : {'\0', '\x40', '\xff'}) {
      auto bad = good;
      bad[8] = operation_byte;
      CHECK_FALSE(is_well_formed(bad));
    }
    auto floor_below_zero = good;
    floor_below_zero[7] = '\x0a';
    CHECK_FALSE(is_well_formed(floor_below_zero));
    CHECK(is_well_formed(std::string("\x01\x05\x00", 3)));  // a tick
  }

  TEST_CASE("a count that the bytes can not hold reserves nothing") {
    std::string huge("\x01\x05", 2);
    huge += std::string(9, '\xff') + '\x01';
    CHECK_FALSE(is_well_formed(huge));
    std::string seats("\x02\x01\x00\x00\x00", 5);
    seats += std::string(9, '\xff') + '\x01';
    CHECK_FALSE(is_well_formed(seats));
  }

  TEST_CASE("random bytes and damaged entries never do harm") {
    rng random(2);
    int bad = 0;
    for (int i = 0; i < 20'000; ++i) {
      std::string bytes(random.below(48), '\0');
      for (auto& b : bytes)
        b = static_cast<char>(random.chance(1, 2) ? random.below(4) : random.next());
      if (!bytes.empty()) bytes[0] = static_cast<char>(random.below(4));
      if (!harmless(bytes)) ++bad;
    }
    const auto samples = sample_entries();
    for (int i = 0; i < 20'000; ++i) {
      std::string bytes = *samples[random.below(samples.size())].bytes;
      for (auto hits = 1 + random.below(3); hits > 0; --hits)
        bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      if (!harmless(bytes)) ++bad;
    }
    CHECK(bad == 0);
  }
}
