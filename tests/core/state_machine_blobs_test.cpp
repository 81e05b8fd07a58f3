// Values in chunks: what is named is kept, what is not ends after its grace, by log time and the
// log alone; who may not write leaves nothing; other commands take such a value for what it is.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/row_command.hpp"
#include "core/scan_terms.hpp"
#include "core/state_machine.hpp"
#include "core/transaction.hpp"
#include "tests/support/memory_log_store.hpp"
#include "tests/support/samples.hpp"

using namespace atlas::core;
using namespace atlas::tests;

namespace {

constexpr std::uint64_t grace = 1'000;
const outcome absent{outcome_code::not_found, {}};

std::string hash(char c) {
  return std::string(hash_bytes, c);
}

/// Names the chunks; the sizes are what a manifest of so many should have.
std::string manifest(const std::string& chunks) {
  blob_manifest m;
  m.size = chunks.size() * chunk_bytes - 5;
  m.hash = hash('=');
  for (const char c : chunks) m.chunks.push_back(hash(c));
  return encode(m);
}

struct blob_bench {
  memory_log_store disk;
  std::unique_ptr<state_machine> table;
  slot at;
  std::uint64_t sequence_ = 0;
  std::vector<record_write> saved;  ///< by the last command

  blob_bench() { restart(); }
  void restart() { table = std::make_unique<state_machine>(table_log, disk, disk.recover()); }

  outcome run(std::uint64_t us, operation what, const std::string& row, const std::string& value,
              const std::string& who = {}) {
    ++sequence_;
    const command c{proc(1), {sequence_}, {1}, what, row, value, who, {}};
    std::vector<command_result> results;
    ++at;
    table->apply(make_batch({us}, {&c, 1}), {us}, &results, at);
    save(us);
    return results.at(0).result;
  }
  void tick(std::uint64_t us) {
    ++at;
    table->apply(make_batch({us}, {}), {us}, nullptr, at);
    save(us);
  }
  void save(std::uint64_t us) {
    std::vector<record_write> writes;
    table->save(at, at.value, writes);
    saved = writes;
    writes.push_back({.what = record_write::kind::applied, .at = at, .when = {us}});
    disk.write(writes);
    table->written(at.value);
  }
  outcome chunk(std::uint64_t us, char c, const std::string& row = ".k",
                const std::string& who = {}) {
    const auto name = hash(c);
    const std::string bytes(3, c);
    return run(us, operation::put_chunk, row, encode(chunk_put{grace, name, bytes}), who);
  }
  outcome blob(std::uint64_t us, const std::string& row, const std::string& chunks) {
    return run(us, operation::put_blob, row, manifest(chunks));
  }
  outcome read(read_kind what, const std::string& row, const std::string& who = {}) const {
    return table->answer({proc(1), {1}, what, row, {}, who});
  }
  /// The chunks that are there.
  std::string chunks() const {
    std::string there;
    for (const char c : std::string("abcdef"))
      if (read(read_kind::chunk, hash(c)).code == outcome_code::ok) there += c;
    return there;
  }
  std::size_t rows_like(const std::string& prefix) const {
    std::size_t n = 0;
    disk.scan(prefix, {}, [&](std::string_view, std::string_view) { return ++n > 0; });
    return n;
  }
};

}  // namespace

TEST_SUITE("core/state_machine_blobs") {
  TEST_CASE("a chunk's row tells which bytes of the entry it ends with") {
    blob_bench t;
    const command c{
        proc(1), {1}, {1}, operation::put_chunk, ".k", encode(chunk_put{grace, hash('a'), "aaa"}),
        {},      {}};
    const command before{proc(2), {1}, {1}, operation::put, ".other", "v", {}, {}};
    const std::vector<command> both{before, c};
    const auto batch = make_batch({100}, both);
    t.at = slot{1};
    t.table->apply(batch, {100}, nullptr, t.at);
    t.save(100);
    std::size_t shared = 0;
    for (const auto& w : t.saved) {
      if (w.what != record_write::kind::put_row || !holds_chunk(w.key)) {
        CHECK(w.shared == 0);
        continue;
      }
      ++shared;
      CHECK(w.at == slot{1});
      CHECK(batch.bytes->substr(w.shared_from, w.shared) == "aaa");
      CHECK(w.value->ends_with("aaa"));
    }
    CHECK(shared == 1);
    // Of two in one entry only one shares it.
    const command one{
        proc(3), {1}, {1}, operation::put_chunk, ".k", encode(chunk_put{grace, hash('y'), "yyy"}),
        {},      {}};
    const command two{
        proc(3), {2}, {1}, operation::put_chunk, ".k", encode(chunk_put{grace, hash('z'), "zzz"}),
        {},      {}};
    ++t.at;
    t.table->apply(make_batch({150}, std::vector{one, two}), {150}, nullptr, t.at);
    t.save(150);
    CHECK(std::count_if(t.saved.begin(), t.saved.end(),
                        [](const auto& w) { return w.at && w.shared > 0; }) == 1);
    // The second time it is there already.
    t.chunk(200, 'a');
    for (const auto& w : t.saved) CHECK_FALSE(holds_chunk(w.key));
  }

  TEST_CASE("rows that hold chunks are known in every stay of a table") {
    const auto row = chunk_row(hash('a'));
    CHECK(holds_chunk(row));
    CHECK(holds_chunk(row_prefix({300}, 7) + row));
    CHECK_FALSE(holds_chunk(chunk_count_row(hash('a'))));
    CHECK_FALSE(holds_chunk(row_prefix({300}, 7) + ".!b"));
    CHECK_FALSE(holds_chunk(row_prefix({300}, 7)));
    CHECK_FALSE(holds_chunk(""));
  }

  TEST_CASE("a value is what its manifest names, and only what is there can be named") {
    blob_bench t;
    CHECK(t.blob(1, ".k", "ab").code == outcome_code::refused);
    CHECK(t.chunk(2, 'a').code == outcome_code::ok);
    CHECK(t.blob(3, ".k", "ab").code == outcome_code::refused);
    CHECK(t.read(read_kind::get, ".k") == absent);
    CHECK(t.chunk(4, 'b').code == outcome_code::ok);
    CHECK(t.blob(5, ".k", "aab").code == outcome_code::ok);
    CHECK(t.read(read_kind::get, ".k") == outcome{outcome_code::chunked, manifest("aab")});
    CHECK(t.read(read_kind::chunk, hash('a')) == outcome{outcome_code::ok, "aaa"});
    CHECK(t.read(read_kind::chunk, hash('x')) == absent);
    const auto meta = decode_row_meta(t.read(read_kind::meta, ".k").data);
    REQUIRE(meta.has_value());
    CHECK(meta->size == 3 * chunk_bytes - 5);
    CHECK(meta->hash == hash('='));
  }

  TEST_CASE("equal chunks are kept once, and go a grace after the last value that names them") {
    blob_bench t;
    for (const char c : std::string("abc")) t.chunk(1, c);
    t.blob(2, ".one", "ab");
    t.blob(3, ".two", "bc");
    CHECK(t.rows_like("!b") == 3);
    t.tick(2 + 10 * grace);
    CHECK(t.chunks() == "abc");
    t.run(20'000, operation::erase, ".one", {});
    t.tick(20'000 + grace - 1);
    CHECK(t.chunks() == "abc");
    t.restart();
    t.tick(20'000 + grace);
    CHECK(t.chunks() == "bc");
    // Named again within its grace it stays.
    t.run(40'000, operation::put, ".two", "small");
    t.blob(40'500, ".three", "c");
    t.tick(50'000);
    CHECK(t.chunks() == "c");
    CHECK(t.rows_like("!b") == 1);
    CHECK(t.rows_like("!c") == 1);
    CHECK(t.rows_like("!x") == 0);
  }

  TEST_CASE("a chunk whose value never comes goes; sent again it has its grace again") {
    blob_bench t;
    t.chunk(1, 'a');
    t.chunk(500, 'a');
    t.tick(1 + grace);
    CHECK(t.chunks() == "a");
    t.tick(500 + grace);
    CHECK(t.chunks().empty());
    CHECK(t.blob(600 + grace, ".k", "a").code == outcome_code::refused);
    CHECK(t.rows_like("!") == 0);
  }

  TEST_CASE("the longest grace that anybody gave a chunk counts") {
    blob_bench t;
    const auto put = [&](std::uint64_t us, std::uint64_t wanted) {
      const auto name = hash('a');
      t.run(us, operation::put_chunk, ".k", encode(chunk_put{wanted, name, "aaa"}));
    };
    put(1, 5'000);
    put(2, 10);
    t.tick(5'001);
    CHECK(t.chunks() == "a");
    t.blob(5'001, ".k", "a");
    put(5'002, 9'000);
    t.run(6'000, operation::erase, ".k", {});
    t.tick(6'000 + 8'999);
    CHECK(t.chunks() == "a");
    t.tick(6'000 + 9'000);
    CHECK(t.chunks().empty());
  }

  TEST_CASE("a transaction lets go of so many chunks and no more") {
    blob_bench t;
    t.chunk(1, 'a');
    std::vector<txn_step> steps;
    for (int i = 0; i < 17; ++i) {
      const auto row = ".k" + std::to_string(i);
      t.blob(2, row, std::string(1'000, 'a'));
      steps.push_back({step_kind::erase, "t" + row, 0, {}, {table_log.value}});
    }
    const auto refused = t.run(3, operation::transaction, {}, encode_steps(steps));
    CHECK(refused.code == outcome_code::refused);
    CHECK(refused.data.find("more than 2 GiB") != std::string::npos);
    CHECK(t.read(read_kind::get, ".k0").code == outcome_code::chunked);
    steps.resize(16);
    CHECK(t.run(4, operation::transaction, {}, encode_steps(steps)).data.starts_with("COMMITTED"));
  }

  TEST_CASE("every way a value can go lets its chunks go") {
    blob_bench t;
    for (const char c : std::string("abcd")) t.chunk(1, c);
    t.blob(2, ".ended", "a");
    t.run(3, operation::expire, ".ended", encode_expire(100));
    t.blob(3, ".replaced", "b");
    t.blob(4, ".replaced", "d");
    t.blob(5, ".txn", "c");
    const auto steps = encode_steps({{step_kind::erase, "t.txn", 0, {}, {table_log.value}}});
    CHECK(t.run(6, operation::transaction, {}, steps).data.starts_with("COMMITTED"));
    t.tick(103);
    CHECK(t.read(read_kind::get, ".ended") == absent);
    t.tick(103 + grace);
    CHECK(t.chunks() == "d");
    // An end that is moved changes nothing about what is named.
    t.run(5'000, operation::expire, ".replaced", encode_expire(50'000));
    t.run(5'001, operation::protect, ".replaced", encode_period({true, 500}));
    t.tick(9'000);
    CHECK(t.chunks() == "d");
  }

  TEST_CASE("who may not write the key, or not yet, leaves no chunk") {
    blob_bench t;
    t.run(1, operation::put, ".mine", "x", "ann");
    t.run(2, operation::grant, ".mine", encode_access_change(permission::owner, "ann"), "ann");
    CHECK(t.chunk(3, 'a', ".mine", "bob").code == outcome_code::denied);
    t.run(4, operation::put_once, ".kept", encode_put_once({true, 5'000}, "x"));
    const auto refused = t.chunk(5, 'b', ".kept");
    CHECK(refused.code == outcome_code::refused);
    CHECK(refused.data.starts_with("key is write-once until "));
    CHECK(t.chunks().empty());
    CHECK(t.chunk(6, 'a', ".mine", "ann").code == outcome_code::ok);
    CHECK(t.run(7, operation::put_blob, ".mine", manifest("a"), "bob").code ==
          outcome_code::denied);
  }

  TEST_CASE("sums, conditions and listings do not take the manifest for the value") {
    blob_bench t;
    t.chunk(1, 'a');
    t.blob(2, ".k", "a");
    CHECK(t.run(3, operation::increase, ".k", encode_amount(1)).code == outcome_code::refused);
    const auto steps =
        encode_steps({{step_kind::if_value, "t.k", 0, manifest("a"), {table_log.value}},
                      {step_kind::put, "t.k", 0, "x", {table_log.value}}});
    CHECK(t.run(4, operation::transaction, {}, steps).data == "CONFLICT t.k VERSION:1");
    CHECK(t.run(5, operation::cas, ".k", encode_cas(1, "small")).data == "VERSION:2");
    t.blob(6, ".k", "a");
    scan_terms terms;
    terms.values = true;
    const auto page = decode_scan_page(t.read(read_kind::range, encode(terms)).data);
    REQUIRE(page.has_value());
    CHECK(page->rows == std::vector<scan_row>{{".k", {}, chunk_bytes - 5}});
  }

  TEST_CASE("broken manifests and parts do not decode") {
    CHECK_FALSE(decode_manifest(""));
    CHECK_FALSE(decode_manifest(manifest("ab").substr(1)));
    auto m = *decode_manifest(manifest("ab"));
    m.size = chunk_bytes;
    CHECK_FALSE(decode_manifest(encode(m)));
    m.size = 2 * chunk_bytes;
    CHECK(decode_manifest(encode(m)) == m);
    m.size = 2 * chunk_bytes + 1;
    CHECK_FALSE(decode_manifest(encode(m)));
    CHECK_FALSE(decode_manifest(encode(blob_manifest{0, hash('a'), {}})));
    const auto name = hash('a');
    CHECK_FALSE(decode_chunk_put(encode(chunk_put{1, name, {}})));
    const std::string large(chunk_bytes + 1, 'x');
    CHECK_FALSE(decode_chunk_put(encode(chunk_put{1, name, large})));
    const auto put = encode(chunk_put{7, name, "x"});
    REQUIRE(decode_chunk_put(put));
    for (const std::uint64_t wait : {std::uint64_t{0}, std::uint64_t{300}, ~std::uint64_t{0}}) {
      auto named = encode(chunk_put{wait, std::string(hash_bytes, 0), "x"});
      named.replace(hash_in_put(named), hash_bytes, name);
      CHECK(named == encode(chunk_put{wait, name, "x"}));
    }
    CHECK(decode_chunk_put(put)->grace_us == 7);
    CHECK(decode_chunk_put(put)->hash == name);
    CHECK(decode_chunk_put(put)->bytes == "x");
  }
}
