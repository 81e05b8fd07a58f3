// The space of payloads comes back while they are read, moved and dropped, and what is still
// referred to stays readable all the while.
#include <chrono>
#include <map>
#include <thread>

#include "core/rng.hpp"
#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id table{5};
constexpr std::size_t chunk_size = 100 << 10;
constexpr std::uint64_t file_bytes = std::uint64_t{1} << 20;

std::string bytes_of(std::uint64_t at) {
  core::rng random(at);
  std::string out(chunk_size, 0);
  for (auto& c : out) c = static_cast<char>(random.next());
  return out;
}

/// An entry, and the row that shares its bytes.
std::vector<core::record_write> chunk(std::uint64_t at) {
  auto row = put_row(numbered_chunk_row(at), "r" + bytes_of(at));
  row.at = {at};
  row.shared_from = 1;
  row.shared = chunk_size;
  return {accepted(at, ballot_of(1, 1), "e" + bytes_of(at)), std::move(row), applied(at, at, at)};
}

std::uint64_t payload_bytes_in(const std::string& path) {
  std::uint64_t sum = 0;
  for (const auto& e : fs::directory_iterator(path + "/payloads"))
    if (std::error_code gone; const auto size = e.file_size(gone))
      if (!gone) sum += size;
  return sum;
}

/// Waits until the files have shrunk to `most`; they may need a minute on a busy machine.
bool shrinks_to(const std::string& path, std::uint64_t most) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (payload_bytes_in(path) > most) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

TEST_SUITE("storage/payload space") {
  TEST_CASE("chunks that live move out of the way of those that went, and are read meanwhile") {
    scratch_dir dir;
    auto store = open_with_small_files(dir.file("db"), file_bytes);
    auto log = store->open_log(table, "t");
    write(*store, table, {promised(ballot_of(1, 1))}, false);
    std::map<std::uint64_t, std::unique_ptr<core::frozen_log>> views;
    const auto check_view = [&](std::uint64_t at, const core::frozen_log& view) {
      // What has been erased since is there.
      std::uint64_t seen = 0;
      view.scan("", "", [&](std::string_view row, std::string_view value) {
        for (auto i = at - 9; i <= at; ++i)
          if (row == numbered_chunk_row(i)) seen += value == "r" + bytes_of(i);
        return true;
      });
      CHECK(seen == 10);
    };
    constexpr std::uint64_t last = 400;
    for (std::uint64_t at = 1; at <= last; ++at) {
      write(*store, table, chunk(at), at % 5 == 0);
      if (at % 10 != 0) continue;
      if (at % 50 == 0) views[at] = log->freeze();
      std::vector<core::record_write> writes{truncate(at)};
      for (auto i = at - 8; i <= at; ++i) writes.push_back(erase_row(numbered_chunk_row(i)));
      write(*store, table, std::move(writes), false);
      for (auto i = std::uint64_t{1}; i <= at; i += 30)
        REQUIRE(log->get(numbered_chunk_row(i)) == "r" + bytes_of(i));
      if (at % 100 == 0) {
        check_view(at - 50, *views.at(at - 50));
        views.erase(at - 50);
      }
    }
    for (const auto& [at, view] : views) check_view(at, *view);
    CHECK(payload_bytes_in(dir.file("db")) > std::uint64_t{100} * chunk_size);
    views.clear();
    const auto live = last / 10 * chunk_size;
    CHECK(shrinks_to(dir.file("db"), 2 * live + 3 * file_bytes));
    for (int start = 0; start < 2; ++start) {
      for (std::uint64_t i = 1; i <= last; ++i)
        REQUIRE(log->get(numbered_chunk_row(i)).has_value() == (i % 10 == 1));
      for (std::uint64_t i = 1; i <= last; i += 10)
        REQUIRE(log->get(numbered_chunk_row(i)) == "r" + bytes_of(i));
      log.reset();
      store.reset();
      store = open_with_small_files(dir.file("db"), file_bytes);
      log = store->open_log(table, "t");
    }
  }

  TEST_CASE("entries that are truncated take their files along") {
    scratch_dir dir;
    auto store = open_with_small_files(dir.file("db"), file_bytes);
    store->open_log(table, "t");
    for (std::uint64_t at = 1; at <= 200; ++at) {
      write(*store, table, {accepted(at, ballot_of(1, 1), bytes_of(at)), applied(at, at, at)},
            false);
      if (at % 8 == 0) write(*store, table, {truncate(at - 4)}, false);
    }
    CHECK(shrinks_to(dir.file("db"), 5 * chunk_size + 2 * file_bytes));
  }

  TEST_CASE("what was filed of a log that is dropped before it is written goes, too") {
    scratch_dir dir;
    auto store = open_with_small_files(dir.file("db"), file_bytes);
    store->open_log(table, "t");
    std::vector<core::log_writes> groups;
    for (std::uint64_t at = 1; at <= 40; ++at) {
      groups.push_back({table, chunk(at), false});
      store->file_entries(groups.back());
    }
    store->sync_filed();
    CHECK(payload_bytes_in(dir.file("db")) >= 40 * chunk_size);
    store->drop_log(table);
    groups.push_back({table, chunk(41), false});  // too late even for that
    store->file_entries(groups.back());
    CHECK(groups.back().filed.empty());
    store->sync_filed();
    store->write(groups, true);
    CHECK(shrinks_to(dir.file("db"), 2 * file_bytes));
  }

  TEST_CASE("a dropped log is read until nobody holds it; then its payloads go") {
    scratch_dir dir;
    auto store = open_with_small_files(dir.file("db"), file_bytes);
    auto log = store->open_log(table, "t");
    constexpr core::log_id other{6};
    const auto kept = store->open_log(other, "u");
    for (std::uint64_t at = 1; at <= 40; ++at) {
      write(*store, table, chunk(at), false);
      if (at % 4 == 0) write(*store, other, chunk(at / 4), false);
    }
    store->drop_log(table);
    write(*store, other, chunk(11));
    for (std::uint64_t at = 1; at <= 40; ++at)
      CHECK(log->get(numbered_chunk_row(at)) == "r" + bytes_of(at));
    log.reset();
    CHECK(shrinks_to(dir.file("db"), 2 * 11 * chunk_size + 2 * file_bytes));
    for (std::uint64_t at = 1; at <= 11; ++at)
      CHECK(kept->get(numbered_chunk_row(at)) == "r" + bytes_of(at));
  }
}

}  // namespace atlas::storage::tests
