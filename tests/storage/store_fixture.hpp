// What the storage tests share: a directory that is gone afterwards, short ways to say records, and
// a failure hook that remembers instead of aborting.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/blob_manifest.hpp"
#include "storage/rocks_store.hpp"

namespace atlas::storage::tests {

namespace fs = std::filesystem;
using kind = core::record_write::kind;
using rows = std::vector<std::pair<std::string, std::string>>;

/// A directory for one test.
class scratch_dir {
 public:
  scratch_dir() {
    std::string name = (fs::temp_directory_path() / "atlas-storage-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~scratch_dir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  scratch_dir(const scratch_dir&) = delete;
  scratch_dir& operator=(const scratch_dir&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

/// Counts failures and keeps the first message; may be called from any thread.
struct failure_log {
  std::atomic<int> count = 0;
  std::mutex mutex;
  std::string first;

  void operator()(const std::string& message) {
    const std::lock_guard guard(mutex);
    if (count++ == 0) first = message;
  }
};

inline store_options options_for(const std::string& path) {
  store_options o;
  o.path = path;
  o.cache_bytes = std::uint64_t{16} << 20;
  return o;
}

inline core::result<std::unique_ptr<rocks_store>> try_open(const std::string& path,
                                                           failure_log* failures = nullptr) {
  auto o = options_for(path);
  if (failures != nullptr) {
    o.fail_stop = [failures](const std::string& message) { (*failures)(message); };
  }
  return rocks_store::open(o);
}

inline std::unique_ptr<rocks_store> must_open(const std::string& path) {
  auto store = try_open(path);
  REQUIRE_MESSAGE(store.ok(), (store.ok() ? "" : store.error().detail));
  return std::move(store).value();
}

/// With so small files of payloads that many come and go.
inline std::unique_ptr<rocks_store> open_with_small_files(const std::string& path,
                                                          std::uint64_t file_bytes) {
  auto options = options_for(path);
  options.payload_file_bytes = file_bytes;
  options.payload_rest = std::chrono::milliseconds(0);
  auto store = rocks_store::open(options);
  REQUIRE_MESSAGE(store.ok(), (store.ok() ? "" : store.error().detail));
  return std::move(store).value();
}

/// The row of a chunk that is told by a number.
inline std::string numbered_chunk_row(std::uint64_t number) {
  auto hash = std::to_string(number);
  hash.resize(core::hash_bytes, 'h');
  return core::chunk_row(hash);
}

inline core::record_write put_row(std::string row, std::string value) {
  core::record_write w;
  w.what = kind::put_row;
  w.key = std::move(row);
  w.value = core::make_blob(std::move(value));
  return w;
}

inline core::record_write erase_row(std::string row) {
  core::record_write w;
  w.what = kind::erase_row;
  w.key = std::move(row);
  return w;
}

inline core::record_write accepted(std::uint64_t at, core::ballot by, std::string entry) {
  core::record_write w;
  w.what = kind::accepted;
  w.at = {at};
  w.by = by;
  w.value = core::make_blob(std::move(entry));
  return w;
}

inline core::record_write applied(std::uint64_t at, std::uint64_t when, std::uint64_t hash) {
  core::record_write w;
  w.what = kind::applied;
  w.at = {at};
  w.when = {when};
  w.hash = hash;
  return w;
}

inline core::record_write truncate(std::uint64_t at) {
  core::record_write w;
  w.what = kind::truncate;
  w.at = {at};
  return w;
}

inline core::record_write promised(core::ballot by) {
  core::record_write w;
  w.what = kind::promised;
  w.by = by;
  return w;
}

inline core::record_write results(std::uint64_t at, std::string bytes) {
  core::record_write w;
  w.what = kind::put_results;
  w.at = {at};
  w.value = core::make_blob(std::move(bytes));
  return w;
}

inline core::record_write erase_results(std::uint64_t at) {
  core::record_write w;
  w.what = kind::erase_results;
  w.at = {at};
  return w;
}

inline core::record_write chosen(std::uint64_t at, const core::configuration& c) {
  core::record_write w;
  w.what = kind::configuration;
  w.at = {at};
  core::encode_configuration(c, w.key);
  return w;
}

inline core::ballot ballot_of(std::uint64_t round, std::uint64_t node) {
  return {round, core::node_id{node}};
}

inline void write(rocks_store& store, core::log_id log, std::vector<core::record_write> writes,
                  bool sync = true) {
  std::vector<core::log_writes> groups(1);
  groups[0] = {log, std::move(writes), sync};
  store.write(groups, sync);
}

inline rows all_rows(const core::log_store& log, std::string_view prefix = "") {
  rows out;
  log.scan(prefix, "", [&](std::string_view row, std::string_view value) {
    out.emplace_back(row, value);
    return true;
  });
  return out;
}

}  // namespace atlas::storage::tests
