#include "storage/space_keeper.hpp"

#include <algorithm>
#include <utility>

namespace atlas::storage {
namespace {

constexpr std::uint64_t garbage_min = std::uint64_t{16} << 20;
/// Copied in one go, so that little more than this is needed beside what is there.
constexpr std::uint64_t copied_max = std::uint64_t{1} << 30;

}  // namespace

std::size_t files_worth_copying(const std::vector<value_file>& files) {
  std::uint64_t bytes = 0;
  std::uint64_t garbage = 0;
  std::size_t worth = 0;
  std::size_t at_once = 0;  // can be copied in one go
  for (std::size_t i = 0; i < files.size(); ++i) {
    bytes += files[i].bytes;
    garbage += files[i].garbage;
    if (bytes - garbage > copied_max) continue;
    at_once = i + 1;
    if (garbage >= garbage_min && garbage >= bytes / 2) worth = i + 1;
  }
  if (worth > 0 || garbage < garbage_min || garbage < bytes / 2) return worth;
  // The garbage lies behind values that live: they move out of its way, a piece with each look.
  return std::max<std::size_t>(at_once, 1);
}

space_keeper::~space_keeper() {
  stop();
}

void space_keeper::start(rocksdb::DB& db, family_finder find, failure_hook failed) {
  db_ = &db;
  find_ = std::move(find);
  failed_ = std::move(failed);
  std::vector<rocksdb::ColumnFamilyMetaData> all;
  db.GetAllColumnFamilyMetaData(&all);
  const std::lock_guard guard(mutex_);
  for (const auto& family : all)
    if (!family.blob_files.empty()) to_look_at_.insert(family.name);
  thread_ = std::thread([this] { run(); });
}

void space_keeper::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void space_keeper::OnCompactionCompleted(rocksdb::DB* /*db*/,
                                         const rocksdb::CompactionJobInfo& job) {
  if (job.blob_file_garbage_infos.empty()) return;
  {
    const std::lock_guard guard(mutex_);
    to_look_at_.insert(job.cf_name);
  }
  changed_.notify_all();
}

void space_keeper::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !to_look_at_.empty(); });
    if (stopping_) return;
    const auto family = std::move(to_look_at_.extract(to_look_at_.begin()).value());
    lock.unlock();
    look_at(family);
    lock.lock();
  }
}

void space_keeper::look_at(const std::string& name) {
  const auto family = find_(name);
  if (!family) return;  // dropped meanwhile
  rocksdb::ColumnFamilyMetaData now;
  db_->GetColumnFamilyMetaData(family.get(), &now);
  std::vector<value_file> files;
  files.reserve(now.blob_files.size());
  for (const auto& f : now.blob_files)
    files.push_back({f.blob_file_number, f.total_blob_bytes, f.garbage_blob_bytes});
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  const auto worth = files_worth_copying(files);
  if (worth == 0) return;
  rocksdb::CompactRangeOptions how;
  how.exclusive_manual_compaction = false;
  how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  how.canceled = &stopping_;
  how.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  how.blob_garbage_collection_age_cutoff =
      std::min(1.0, (static_cast<double>(worth) + 0.5) / static_cast<double>(files.size()));
  const auto status = db_->CompactRange(how, family.get(), nullptr, nullptr);
  const bool is_over =
      status.IsIncomplete() || status.IsShutdownInProgress() || status.IsColumnFamilyDropped();
  if (!status.ok() && !is_over) failed_(status);
}

}  // namespace atlas::storage
