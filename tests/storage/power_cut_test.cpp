// What was acknowledged survives the end of the power: of each file only what was synced is left,
// while chunks of values come, go and are moved out of the way. The "child" case runs in a process
// of its own.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "child_process.hpp"
#include "store_fixture.hpp"
#include "tests/storage/synced_sizes.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id table{5};
constexpr std::size_t chunk_size = 100 << 10;
constexpr std::uint64_t file_bytes = std::uint64_t{1} << 20;

std::string bytes_of(std::uint64_t at) {
  return std::to_string(at) + std::string(chunk_size, static_cast<char>('a' + at % 26));
}

/// The rows of slots that end in 1 stay; the others end with the next truncation, at each tenth.
std::vector<core::record_write> group(std::uint64_t at) {
  auto row = put_row(numbered_chunk_row(at), "r" + bytes_of(at));
  row.at = {at};
  row.shared_from = 1;
  row.shared = bytes_of(at).size();
  std::vector<core::record_write> writes{accepted(at, ballot_of(1, 1), "e" + bytes_of(at)),
                                         std::move(row), applied(at, at, at)};
  if (at % 10 != 0) return writes;
  writes.push_back(truncate(at));
  for (auto i = at - 8; i <= at; ++i) writes.push_back(erase_row(numbered_chunk_row(i)));
  return writes;
}

/// The state is that after some group, none of those before is missing; answers which.
std::uint64_t check_state(rocks_store& store) {
  const auto log = store.open_log(table, "t");
  const auto reached = log->recover().applied.value;
  const auto truncated = reached / 10 * 10;
  for (std::uint64_t at = 1; at <= reached; ++at) {
    CAPTURE(at);
    const auto row = log->get(numbered_chunk_row(at));
    REQUIRE(row.has_value() == (at % 10 == 1 || at > truncated));
    if (row) REQUIRE(*row == "r" + bytes_of(at));
  }
  const auto entries = log->entries({truncated + 1}, {reached + 9}, std::size_t{1} << 30);
  REQUIRE(entries.size() == reached - truncated);
  for (const auto& e : entries) REQUIRE(*e.value.bytes == "e" + bytes_of(e.at.value));
  return reached;
}

std::uint64_t number_in(const std::string& line, std::uint64_t otherwise) {
  return line.starts_with("synced ") ? std::stoull(line.substr(7)) : otherwise;
}

/// Groups on their way from one thread to another, a few at a time.
class handed_on {
 public:
  void put(core::log_writes&& group) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return groups_.size() < 8; });
    groups_.push_back(std::move(group));
    changed_.notify_all();
  }
  core::log_writes take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !groups_.empty(); });
    auto group = std::move(groups_.front());
    groups_.pop_front();
    changed_.notify_all();
    return group;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<core::log_writes> groups_;
};

}  // namespace

TEST_SUITE("storage/power cut") {
  TEST_CASE("child writes chunks for ever" * doctest::skip()) {
    if (child_directory() == nullptr) return;
    note_syncs_in(std::string(child_directory()) + ".synced");
    auto store = open_with_small_files(child_directory(), file_bytes);
    auto at = store->open_log(table, "t")->recover().applied.value;
    handed_on filed;
    // As in a node: one thread files what another one writes.
    std::thread filer([&, next = at]() mutable {
      while (true) {
        std::vector<core::log_writes> some;
        for (std::size_t i = 0; i < 1 + next % 3; ++i) some.push_back({table, group(++next), true});
        // Now and then the store has to do it.
        if (next % 4 != 0)
          for (auto& g : some) store->file_entries(g);
        store->sync_filed();
        for (auto& g : some) filed.put(std::move(g));
      }
    });
    while (true) {
      const bool sync = ++at % 7 == 0;
      std::vector<core::log_writes> groups{filed.take()};
      store->write(groups, sync);
      if (sync) report("synced " + std::to_string(at));
    }
  }

  TEST_CASE("every acknowledged group is there after the power went, again and again") {
    scratch_dir dir;
    const auto live = dir.file("live");
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      fs::remove(live + ".synced");
      synced_sizes sizes(live + ".synced");
      note_all(live, sizes);
      child_process child("child writes chunks for ever", live);
      std::string line;
      for (int seen = 0; seen < 3 + round * 5; ++seen) {
        REQUIRE(child.next_line(line));
        CAPTURE(line);
        acknowledged = number_in(line, acknowledged);
      }
      child.stop();
      copy_what_is_synced(live, dir.file("left"), sizes);
      child.kill_and_wait();
      // What it said between our last look and its end counts as well.
      while (child.next_line(line)) acknowledged = number_in(line, acknowledged);
      fs::remove_all(live);
      fs::rename(dir.file("left"), live);
      const auto reached = check_state(*open_with_small_files(live, file_bytes));
      CHECK(reached >= acknowledged);
    }
  }
}

}  // namespace atlas::storage::tests
