// Spare column families. Making one costs a rewrite of RocksDB's options file, which grows with
// their number, so they are made in bulk by a thread of their own before anybody needs them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/database.hpp"

namespace atlas::storage {

/// Thread-safe.
class family_pool {
 public:
  /// `spare` are families that exist and hold nothing; `in_use` of them are taken already.
  family_pool(std::shared_ptr<database> disk, std::vector<family_number> spare, std::size_t in_use);
  ~family_pool();
  family_pool(const family_pool&) = delete;
  family_pool& operator=(const family_pool&) = delete;

  /// Takes an empty family; waits for new ones only if the pool ran dry.
  family_number take();

 private:
  [[nodiscard]] std::size_t bulk() const;
  void refill();

  const std::shared_ptr<database> disk_;
  std::mutex mutex_;  // guards all below but the thread
  std::condition_variable changed_;
  std::deque<family_number> spare_;
  std::size_t in_use_;
  bool stopping_ = false;
  bool broken_ = false;
  std::thread thread_;
};

}  // namespace atlas::storage
