// What was acknowledged survives kill -9, and a disk that refuses a write ends the process with a
// message that tells what to do. The "child" cases run in processes of their own.
#include <sys/resource.h>

#include <thread>

#include "child_process.hpp"
#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id first{1};
constexpr core::log_id second{2};

/// Group `i` puts one entry and one row in each of two logs.
std::vector<core::log_writes> group(std::uint64_t i) {
  // Some are kept in files of payloads.
  const std::string value =
      std::to_string(i) + std::string(i % 6 == 5 ? 100'000 + i % 977 : i * 37 % 3000, 'v');
  const auto writes = [&] {
    return std::vector<core::record_write>{accepted(i, ballot_of(1, 1), value),
                                           applied(i, i, i * i),
                                           put_row("row" + std::to_string(i), value)};
  };
  return {{first, writes(), true}, {second, writes(), true}};
}

/// Acknowledged groups are all there, groups are whole, and none is missing in between.
std::uint64_t check_prefix(rocks_store& store, std::uint64_t acknowledged) {
  auto one = store.open_log(first, "one");
  auto two = store.open_log(second, "two");
  const std::uint64_t reached = one->recover().applied.value;
  CHECK(reached >= acknowledged);
  CHECK(two->recover().applied.value == reached);
  for (const auto& log : {one, two}) {
    CHECK(log->recover().applied_hash == reached * reached);
    CHECK(all_rows(*log).size() == reached);
    const auto entries = log->entries(core::slot{1}, core::slot{reached + 9}, std::size_t{1} << 30);
    REQUIRE(entries.size() == reached);
    for (std::uint64_t i = 1; i <= reached; ++i) {
      const auto expected = *group(i)[0].writes[0].value;
      REQUIRE(*entries[i - 1].value.bytes == expected);
      REQUIRE(log->get("row" + std::to_string(i)) == expected);
    }
  }
  return reached;
}

[[noreturn]] void write_for_ever(rocks_store& store, std::uint64_t from) {
  for (std::uint64_t i = from;; ++i) {
    auto groups = group(i);
    // Some groups ride with the next synced one, as the store actor lets them.
    const bool sync = i % 4 != 3;
    store.write(groups, sync);
    if (sync) report("synced " + std::to_string(i));
  }
}

/// From here on no file of this process may grow: every append fails as on a full disk.
void forbid_growth() {
  ::signal(SIGXFSZ, SIG_IGN);
  const ::rlimit limit{1, 1};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

}  // namespace

TEST_SUITE("storage/crash") {
  TEST_CASE("child writes groups for ever" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    auto store = open_with_small_files(child_directory(), 1 << 20);
    auto one = store->open_log(first, "one");
    store->open_log(second, "two");
    write_for_ever(*store, one->recover().applied.value + 1);
  }

  TEST_CASE("every acknowledged group is there after kill -9, again and again") {
    scratch_dir dir;
    std::uint64_t reached = 0;
    for (const int acknowledgements : {1, 7, 60, 300}) {
      std::uint64_t acknowledged = reached;
      {
        child_process child("child writes groups for ever", dir.file("db"));
        std::string line;
        for (int seen = 0; seen < acknowledgements;) {
          REQUIRE(child.next_line(line));
          if (line.rfind("synced ", 0) != 0) continue;
          acknowledged = std::stoull(line.substr(7));
          ++seen;
        }
        child.kill_and_wait();
        // What it said between our last look and its end counts as well.
        while (child.next_line(line)) {
          if (line.rfind("synced ", 0) == 0) acknowledged = std::stoull(line.substr(7));
        }
      }
      auto store = must_open(dir.file("db"));
      reached = check_prefix(*store, acknowledged);
    }
  }

  TEST_CASE("child opens a directory that is in use" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    const auto opened = try_open(child_directory());
    report(opened.ok() ? "opened" : "refused: " + opened.error().detail);
  }

  TEST_CASE("another process is refused while the store is open, and harms nothing") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    store->open_log(first, "t");
    write(*store, first, {put_row("a", "1")});
    child_process child("child opens a directory that is in use", dir.file("db"));
    const std::string said = child.rest();
    child.wait();
    CHECK(said.find("refused: another atlas-node uses " + dir.file("db")) != std::string::npos);
    write(*store, first, {put_row("b", "2")});
    store.reset();
    CHECK(must_open(dir.file("db"))->open_log(first, "t")->get("b") == "2");
  }

  TEST_CASE("child meets a full disk with the default hook" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    auto store = must_open(child_directory());
    store->open_log(first, "t");
    write(*store, first, {put_row("kept", "1")});
    forbid_growth();
    write(*store, first, {put_row("lost", "2")});
    report("went on");
  }

  TEST_CASE("a failed write aborts the process with what, where and a remedy") {
    scratch_dir dir;
    {
      child_process child("child meets a full disk with the default hook", dir.file("db"));
      const std::string said = child.rest();
      const int status = child.wait();
      CHECK(WIFSIGNALED(status));
      CHECK(WTERMSIG(status) == SIGABRT);
      CHECK(said.find("went on") == std::string::npos);
      CHECK(said.find("a synced write failed in " + dir.file("db")) != std::string::npos);
      CHECK(said.find("start the node again") != std::string::npos);
    }
    auto store = must_open(dir.file("db"));
    CHECK(store->open_log(first, "t")->get("kept") == "1");
  }

  TEST_CASE("child meets a full disk with its own hook" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    auto options = options_for(child_directory());
    options.fail_stop = [](const std::string& message) {
      report("hook: " + message);
      ::_exit(7);
    };
    auto opened = rocks_store::open(options);
    REQUIRE(opened.ok());
    auto store = std::move(opened).value();
    store->open_log(first, "t");
    forbid_growth();
    write(*store, first, {put_row("lost", "2")}, false);
  }

  TEST_CASE("a hook given by the caller is called instead") {
    scratch_dir dir;
    child_process child("child meets a full disk with its own hook", dir.file("db"));
    const std::string said = child.rest();
    const int status = child.wait();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
    CHECK(said.find("hook: a write failed in") != std::string::npos);
  }
}

}  // namespace atlas::storage::tests
