// References are changed with the store's writer standing still, a few at a time; the bytes are
// copied beside it. A file is retired only after a walk through it found no reference to it,
// whatever the counts say, and after that state was synced.
#include "storage/payload_keeper.hpp"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>

#include "core/check.hpp"
#include "storage/database.hpp"

namespace atlas::storage {
namespace {

constexpr std::size_t moved_at_once = 32;
constexpr std::size_t synced_at_once = std::size_t{4} << 20;
constexpr std::chrono::milliseconds pace{40};  // 100 MB a second at most

}  // namespace

void payload_keeper::start(payload_files& files) {
  files_ = &files;
  stream_ = std::make_unique<payload_stream>(files);
  thread_ = std::thread([this] { run(); });
}

void payload_keeper::stop() {
  if (!thread_.joinable()) return;
  files_->end_chores();
  thread_.join();
}

void payload_keeper::run() {
  while (const auto chores = files_->next_chores(disk_.has_dropped())) {
    for (const auto& path : chores->removals) {
      std::error_code error;
      std::filesystem::remove(path, error);
      if (error) disk_.fail("removing " + path, rocksdb::Status::IOError(path, error.message()));
    }
    if (chores->look) look_at(*chores->look);
    if (chores->sync) disk_.sync_expired();
    disk_.release_dropped();
  }
}

void payload_keeper::look_at(std::uint64_t file) {
  payloads used;
  // All references to a full file were written, and they only end: what is seen stays true.
  auto status = used_of(file, used);
  if (status.ok() && !used.empty()) {
    bool goes_on = true;
    status = move(used, goes_on);
    if (!goes_on) return;
    used.clear();
    if (status.ok()) status = used_of(file, used);
  }
  if (!status.ok()) return disk_.fail("giving back a file of payloads", status);
  if (used.empty()) files_->expire(file);
}

rocksdb::Status payload_keeper::used_of(std::uint64_t file, payloads& used) const {
  rocksdb::Status status;
  const auto walked =
      walk_payloads(files_->folder(), file, [&](payload_owner of, const payload_place& place) {
        std::optional<payload_place> now;
        status = disk_.look_up(of, now);
        if (now == place) used.emplace_back(of, place);
        return status.ok();
      });
  return status.ok() ? walked : status;
}

rocksdb::Status payload_keeper::move(const payloads& used, bool& goes_on) {
  std::vector<payload_place> copies;
  std::string bytes;
  std::size_t unsynced = 0;
  for (const auto& [of, place] : used) {
    bytes.clear();
    auto status = files_->read(place, 0, place.size, bytes);
    if (status.ok()) status = stream_->append(of, bytes, copies.emplace_back());
    if (!status.ok()) return status;
    if ((unsynced += bytes.size()) < synced_at_once) continue;
    // At a pace, beside what clients write.
    if (status = stream_->sync(); !status.ok()) return status;
    unsynced = 0;
    if (goes_on = files_->pause(pace); !goes_on) return status;
  }
  if (auto synced = stream_->sync(); !synced.ok()) return synced;
  return refer(used, copies);
}

rocksdb::Status payload_keeper::refer(const payloads& from, const std::vector<payload_place>& to) {
  ATLAS_CHECK(files_->are_synced(to), "a copy is durable before anything refers to it");
  for (std::size_t begin = 0; begin < from.size(); begin += moved_at_once) {
    const auto end = std::min(begin + moved_at_once, from.size());
    const std::lock_guard nobody_writes(disk_.writing());
    rocksdb::WriteBatch batch;
    std::vector<payload_place> left;
    for (auto i = begin; i < end; ++i) {
      const auto& [of, place] = from[i];
      std::optional<payload_place> now;
      if (auto status = disk_.look_up(of, now); !status.ok()) return status;
      const bool is_used = now == place;
      left.push_back(is_used ? place : to[i]);
      if (is_used) disk_.refer(batch, of, to[i]);
    }
    if (batch.Count() != 0 && !disk_.write_group(batch, false)) return rocksdb::Status::OK();
    files_->settled({to.begin() + static_cast<std::ptrdiff_t>(begin),
                     to.begin() + static_cast<std::ptrdiff_t>(end)});
    files_->release(left);
  }
  return rocksdb::Status::OK();
}

}  // namespace atlas::storage
