// All files of payloads of a node: how much of each is still referred to by RocksDB, and since when
// a file that nothing refers to can go. Payloads are counted when they are put there and when their
// references end; the counts are made anew from the references at each start.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/payload_file.hpp"

namespace atlas::storage {

/// While it lives, every file stays that was there when it was made. Taken before the view of
/// RocksDB in which the references are looked up.
using payload_pin = std::shared_ptr<const void>;

/// What is to be done about files that are full of garbage.
struct payload_chores {
  std::vector<std::string> removals;  ///< paths of files that nobody reads any more
  std::optional<std::uint64_t> look;  ///< a file that is empty, or half empty for a while
  bool sync = false;                  ///< files have waited long enough for somebody's synced write
};

/// Thread-safe.
class payload_files {
 public:
  /// Files are filled up to `file_bytes`, and looked at when they were half empty for `rest`.
  payload_files(std::string folder, std::uint64_t file_bytes, std::chrono::milliseconds rest);
  payload_files(const payload_files&) = delete;
  payload_files& operator=(const payload_files&) = delete;

  /// At start, before anything else: tells of each reference ...
  void found(const payload_place& place);
  /// ... and of their end. Fails with Corruption if a file that is referred to is not there, or is
  /// shorter than it must be.
  [[nodiscard]] rocksdb::Status check();
  /// Removes the files that were there without a reference. Once, after `check`.
  [[nodiscard]] rocksdb::Status remove_strangers();

  [[nodiscard]] payload_pin pin() const;
  [[nodiscard]] rocksdb::Status read(const payload_place& place, std::size_t from, std::size_t size,
                                     std::string& out) const {
    return read_payload(folder_, place, from, size, out);
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }

  /// A file that is being filled; nobody looks at it until it is `filled`.
  [[nodiscard]] std::uint64_t begin_file();
  /// Nothing is appended to it any more.
  void filled(std::uint64_t file);
  /// Bytes that are about to be referred to ...
  void add(const payload_place& place);
  /// ... all of it in this file up to this byte is durable ...
  void synced(std::uint64_t file, std::uint64_t upto);
  [[nodiscard]] bool are_synced(const std::vector<payload_place>& places) const;
  /// ... and the references are written, or given up. A file is looked at when none is awaited.
  void settled(const std::vector<payload_place>& places);
  /// The references are gone; after the write that took them away.
  void release(const std::vector<payload_place>& places);

  /// RocksDB holds no reference to the file any more, though its disk may: the next synced write
  /// that begins after this retires it. Not if some are still counted, which readers of a dropped
  /// table may follow; with the end of those it is looked at again.
  void expire(std::uint64_t file);
  /// Files that a synced write that begins now will retire.
  [[nodiscard]] std::vector<std::uint64_t> expired() const;
  /// They go as soon as no pin keeps them.
  void retire(const std::vector<std::uint64_t>& files);

  /// Waits for something to do; if `polls`, a second at most. Empty when it shall end.
  [[nodiscard]] std::optional<payload_chores> next_chores(bool polls);
  /// The one who waits there shall look again.
  void wake();
  void end_chores();
  /// Waits; false if the chores shall end.
  [[nodiscard]] bool pause(std::chrono::milliseconds time);

  struct totals {
    std::uint64_t files = 0, bytes = 0, used = 0;
  };
  [[nodiscard]] totals sum() const;

 private:
  using clock = std::chrono::steady_clock;
  struct known_file {
    std::uint64_t bytes = 0;
    std::uint64_t used = 0;
    std::uint64_t awaited = 0;  ///< payloads that nothing refers to yet
    std::uint64_t synced = 0;   ///< bytes, in this run
    bool is_full = true;
  };
  struct generation;

  void look_if_worth(std::uint64_t number, const known_file& file);
  [[nodiscard]] std::optional<payload_chores> due(clock::time_point now);
  [[nodiscard]] std::optional<clock::time_point> next_due() const;

  const std::string folder_;
  const std::uint64_t file_bytes_;
  const std::chrono::milliseconds rest_;
  std::vector<std::string> strangers_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::uint64_t, known_file> files_;
  std::uint64_t highest_ = 0;
  std::map<std::uint64_t, clock::time_point> to_look_at_;
  std::map<std::uint64_t, clock::time_point> expired_;  ///< and when it is synced in any case
  std::vector<std::string> to_remove_;
  bool woken_ = false;
  bool ending_ = false;
  std::shared_ptr<generation> now_;  // last: what it holds goes to `to_remove_`
};

/// Fills one file after another; from one thread.
class payload_stream {
 public:
  explicit payload_stream(payload_files& all) : all_(all) {}

  [[nodiscard]] rocksdb::Status append(payload_owner of, std::string_view bytes, payload_place& at);
  /// All that was appended is durable when it returns OK.
  [[nodiscard]] rocksdb::Status sync();

 private:
  payload_files& all_;
  std::unique_ptr<payload_writer> writer_;
};

}  // namespace atlas::storage
