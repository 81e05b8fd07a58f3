// Remembers, beside the database, how far writes were synced. RocksDB takes a damaged length or a
// cut-off file at the end of the write-ahead log for the torn tail of a crash and drops it without
// a word; if the dropped part had been synced, promises would be forgotten. The mark is written
// after each fsync and not synced itself: it may lag behind the truth, but never runs ahead of it,
// so a database that ends below its mark has lost acknowledged writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"

namespace atlas::storage {

/// A file of 24 bytes that holds one rising number. One thread at a time.
class durable_mark {
 public:
  /// Opens the file; for a `fresh` database makes it, durably, before the database is made, so that
  /// a database without its mark has lost it. Errors: `disk`, or `corrupt` if there is no mark in
  /// it, or one that says the disk has failed the check before.
  static core::result<std::unique_ptr<durable_mark>> open(const std::string& file, bool fresh);
  ~durable_mark();
  durable_mark(const durable_mark&) = delete;
  durable_mark& operator=(const durable_mark&) = delete;

  /// All writes up to this sequence number were synced; 0 if the file is new.
  [[nodiscard]] std::uint64_t value() const { return value_; }
  /// Records that everything up to `sequence` is synced; false if the file refuses (see errno).
  [[nodiscard]] bool raise(std::uint64_t sequence);
  /// Makes the mark itself durable; for an orderly end.
  [[nodiscard]] bool settle();
  /// Remembers for ever that the database ended below the mark: opening it may have rewritten it in
  /// a way that hides the loss from the next start.
  [[nodiscard]] bool condemn();

 private:
  explicit durable_mark(int fd) : fd_(fd) {}
  core::result<core::done> load(const std::string& file, bool fresh);
  core::result<core::done> found(const std::string& file);
  [[nodiscard]] bool put(std::uint64_t sequence);

  int fd_;
  std::uint64_t value_ = 0;
};

}  // namespace atlas::storage
