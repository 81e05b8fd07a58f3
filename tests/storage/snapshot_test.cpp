// Truncation and snapshots on a real disk: what a truncation takes away, that an install is all or
// nothing even if the process is killed, that a frozen view stands still, and that space is freed.
#include <thread>

#include "child_process.hpp"
#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id table{3};

core::record_write stage(std::string row, std::string value) {
  auto w = put_row(std::move(row), std::move(value));
  w.what = kind::stage_row;
  return w;
}

core::record_write bare(core::record_write::kind what, std::uint64_t at = 0) {
  core::record_write w;
  w.what = what;
  w.at = {at};
  return w;
}

/// What puts staged rows in place as of slot `at`.
std::vector<core::record_write> install(std::uint64_t at) {
  return {bare(kind::install, at), truncate(at), results(at, "r" + std::to_string(at)),
          applied(at, at, at * at)};
}

rows frozen_rows(const core::frozen_log& view, const std::optional<std::string>& after = {}) {
  rows out;
  const auto from = after ? *after + std::string(1, 0) : std::string();
  view.scan({}, from, [&](std::string_view row, std::string_view value) {
    out.emplace_back(row, value);
    return true;
  });
  return out;
}

std::uint64_t bytes_in(const std::string& path) {
  std::uint64_t sum = 0;
  for (const auto& e : fs::recursive_directory_iterator(path))
    if (std::error_code gone; e.is_regular_file(gone)) {
      const auto size = e.file_size(gone);
      if (!gone) sum += size;
    }
  return sum;
}

}  // namespace

TEST_SUITE("storage/snapshots") {
  TEST_CASE("truncated entries are gone, later ones are there, and a restart knows the point") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto log = store->open_log(table, "t");
    std::vector<core::record_write> all{promised(ballot_of(1, 1))};
    for (std::uint64_t s = 1; s <= 9; ++s)
      all.push_back(accepted(s, ballot_of(1, 1), "e" + std::to_string(s)));
    all.push_back(applied(7, 7, 7));
    write(*store, table, std::move(all));
    write(*store, table, {truncate(5)});
    for (int opened = 0; opened < 2; ++opened) {
      CHECK(log->entries({1}, {10}, 1000).empty());
      CHECK(log->entries({6}, {10}, 1000).size() == 4);
      const auto past = log->recover();
      CHECK(past.truncated == core::slot{5});
      CHECK(past.tail.size() == 2);
      CHECK_FALSE(past.staged);
      log.reset();
      store.reset();
      store = must_open(dir.file("db"));
      log = store->open_log(table, "t");
    }
  }

  TEST_CASE("staged rows are not seen until they are put in place, all at once") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto log = store->open_log(table, "t");
    write(*store, table,
          {promised(ballot_of(4, 2)), put_row("a", "old"), put_row("b", "old"), results(1, "r1"),
           applied(1, 1, 1), accepted(3, ballot_of(4, 2), "e3"),
           accepted(12, ballot_of(4, 2), "e12")});
    write(*store, table, {stage("b", "new"), stage("c", "new")});
    CHECK(all_rows(*log) == rows{{"a", "old"}, {"b", "old"}});
    CHECK(log->recover().staged);
    write(*store, table, install(10));
    CHECK(all_rows(*log) == rows{{"b", "new"}, {"c", "new"}});
    CHECK_FALSE(log->get("a").has_value());
    const auto past = log->recover();
    CHECK(past.promised == ballot_of(4, 2));
    CHECK(past.applied == core::slot{10});
    CHECK(past.truncated == core::slot{10});
    REQUIRE(past.results.size() == 1);
    CHECK(past.results[0].second == "r10");
    REQUIRE(past.tail.size() == 1);
    CHECK(past.tail[0].at == core::slot{12});
    CHECK(past.staged);  // the rows that were replaced
    write(*store, table, {bare(kind::drop_staged), put_row("d", "later")});
    CHECK_FALSE(log->recover().staged);
    CHECK(all_rows(*log) == rows{{"b", "new"}, {"c", "new"}, {"d", "later"}});
  }

  TEST_CASE("a second snapshot comes in where the first rows were, also after a restart") {
    scratch_dir dir;
    for (std::uint64_t round = 1; round <= 4; ++round) {
      auto store = must_open(dir.file("db"));
      auto log = store->open_log(table, "t");
      const std::string value = std::to_string(round);
      write(*store, table,
            {bare(kind::drop_staged), stage("row", value), stage("r" + value, value)});
      auto group = install(round * 10);
      group.push_back(put_row("behind", value));  // of the same group: goes to the new place
      write(*store, table, std::move(group));
      CHECK(all_rows(*log) == rows{{"behind", value}, {"r" + value, value}, {"row", value}});
    }
    auto store = must_open(dir.file("db"));
    CHECK(store->open_log(table, "t")->get("row") == "4");
  }

  TEST_CASE("a frozen view stands still through writes, truncation and an install") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    auto log = store->open_log(table, "t");
    write(*store, table,
          {promised(ballot_of(1, 1)), put_row("", "empty"), put_row("a", "1"),
           put_row(std::string("a\0", 2), "2"), put_row("b", "3"), results(4, "r4"),
           applied(5, 5, 25)});
    const auto view = log->freeze();
    write(*store, table, {put_row("a", "changed"), put_row("z", "new"), stage("q", "q")});
    write(*store, table, install(30));
    write(*store, table, {bare(kind::drop_staged)});
    log.reset();
    const auto state = view->state();
    CHECK(state.applied == core::slot{5});
    CHECK(state.applied_hash == 25);
    CHECK(state.results.size() == 1);
    CHECK(frozen_rows(*view).size() == 4);
    CHECK(frozen_rows(*view, "") == rows{{"a", "1"}, {std::string("a\0", 2), "2"}, {"b", "3"}});
    CHECK(frozen_rows(*view, "a") == rows{{std::string("a\0", 2), "2"}, {"b", "3"}});
    CHECK(frozen_rows(*view, "b").empty());
  }

  TEST_CASE("child takes snapshots for ever" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    auto store = must_open(child_directory());
    auto log = store->open_log(table, "t");
    for (auto round = log->recover().applied.value + 1;; ++round) {
      const std::string value = std::to_string(round);
      write(*store, table, {bare(kind::drop_staged)}, false);
      for (std::uint64_t row = 0; row < round % 20; ++row)
        write(*store, table, {stage("row" + std::to_string(row), value + std::string(2'000, 'x'))},
              row % 5 == 4);
      write(*store, table, install(round));
      report("installed " + value);
    }
  }

  TEST_CASE("a snapshot is there as a whole or not at all after kill -9, again and again") {
    scratch_dir dir;
    std::uint64_t known = 0;
    for (const int installs : {1, 3, 17, 60, 150}) {
      {
        child_process child("child takes snapshots for ever", dir.file("db"));
        std::string line;
        const auto note = [&] {
          if (line.rfind("installed ", 0) != 0) return 0;
          known = std::stoull(line.substr(10));
          return 1;
        };
        for (int seen = 0; seen < installs; seen += note()) REQUIRE(child.next_line(line));
        child.kill_and_wait();
        while (child.next_line(line)) note();
      }
      auto store = must_open(dir.file("db"));
      auto log = store->open_log(table, "t");
      const auto past = log->recover();
      const auto reached = past.applied.value;
      CHECK(reached >= known);
      CHECK(past.applied_hash == reached * reached);
      CHECK(past.truncated == past.applied);
      REQUIRE(past.results.size() == 1);
      CHECK(past.results[0].second == "r" + std::to_string(reached));
      const auto held = all_rows(*log);
      CHECK(held.size() == reached % 20);
      for (const auto& [row, value] : held)
        CHECK(value == std::to_string(reached) + std::string(2'000, 'x'));
      known = reached;
    }
  }

  TEST_CASE("a log that is truncated all the time takes bounded space") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    store->open_log(table, "t");
    write(*store, table, {promised(ballot_of(1, 1))});
    std::uint64_t random = 1;
    std::uint64_t most = 0;
    for (std::uint64_t s = 1; s <= 400; ++s) {
      std::string noise(512 << 10, ' ');  // does not compress
      for (auto& c : noise)
        c = static_cast<char>((random = random * 6364136223846793005u + 1) >> 56);
      write(*store, table, {accepted(s, ballot_of(1, 1), std::move(noise)), applied(s, s, s)},
            false);
      if (s % 8 == 0 && s > 16) write(*store, table, {truncate(s - 16)});
      if (s % 50 == 0) most = std::max(most, bytes_in(dir.file("db")));
    }
    MESSAGE("200 MiB were written, at most " << (most >> 20) << " MiB were on disk");
    CHECK(most < std::uint64_t{100} << 20);
  }
}

}  // namespace atlas::storage::tests
