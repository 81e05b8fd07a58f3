// Gives back the space of large values that are gone. RocksDB's own collection copies the oldest
// quarter of all values with every compaction, garbage or not, which for a large table is all that
// the disk does; this one copies what is left only where half of the bytes are garbage.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace atlas::storage {

/// How full of garbage a file of large values is.
struct value_file {
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  std::uint64_t garbage = 0;
};

/// How many of the files, which are in rising order of their numbers, are worth copying from the
/// first on: at least half of what they hold is garbage, and enough to pay for it. If that holds of
/// all files, but not of the first ones, as many of those as can be copied at once.
[[nodiscard]] std::size_t files_worth_copying(const std::vector<value_file>& files);

/// One thread. Told by RocksDB where a compaction met garbage.
class space_keeper final : public rocksdb::EventListener {
 public:
  using family_finder =
      std::function<std::shared_ptr<rocksdb::ColumnFamilyHandle>(const std::string& name)>;
  using failure_hook = std::function<void(const rocksdb::Status& status)>;

  ~space_keeper() override;
  /// Looks at all families once, then at those that are told of. Both are called on the thread.
  void start(rocksdb::DB& db, family_finder find, failure_hook failed);
  /// Returns when nothing of the database is used any more.
  void stop();

  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& job) override;

 private:
  void run();
  void look_at(const std::string& family);

  rocksdb::DB* db_ = nullptr;
  family_finder find_;
  failure_hook failed_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::set<std::string> to_look_at_;
  std::thread thread_;
};

}  // namespace atlas::storage
