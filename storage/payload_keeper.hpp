// Gives back the space of payloads that are gone. A file of them goes as a whole; when half of one
// is garbage, what is left moves to another file first.
#pragma once

#include <thread>
#include <utility>
#include <vector>

#include "storage/payload_files.hpp"

namespace atlas::storage {

class database;

/// One thread, from `start` to `stop`.
class payload_keeper {
 public:
  explicit payload_keeper(database& disk) : disk_(disk) {}
  ~payload_keeper() { stop(); }
  payload_keeper(const payload_keeper&) = delete;
  payload_keeper& operator=(const payload_keeper&) = delete;

  void start(payload_files& files);
  /// Returns when nothing of the database is used any more.
  void stop();

 private:
  using payloads = std::vector<std::pair<payload_owner, payload_place>>;

  void run();
  void look_at(std::uint64_t file);
  /// What RocksDB still refers to in a file.
  rocksdb::Status used_of(std::uint64_t file, payloads& used) const;
  /// Copies them and moves the references; `goes_on` is false if the end came in between.
  rocksdb::Status move(const payloads& used, bool& goes_on);
  /// Lets the references follow, those that are still there.
  rocksdb::Status refer(const payloads& from, const std::vector<payload_place>& to);

  database& disk_;
  payload_files* files_ = nullptr;
  std::unique_ptr<payload_stream> stream_;
  std::thread thread_;
};

}  // namespace atlas::storage
