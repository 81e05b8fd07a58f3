// Opening goes from the outside in: directory, lock, mark, families, replay, and last the check
// that replay reached the mark.
#include "storage/database.hpp"

#include <rocksdb/listener.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "storage/fail_stop.hpp"
#include "storage/tuning.hpp"

namespace atlas::storage {
namespace {

constexpr std::string_view family_prefix = "family-";

std::string family_name(family_number number) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%08llu", static_cast<unsigned long long>(number));
  return std::string(family_prefix) + digits;
}

std::optional<family_number> parse_family(std::string_view name) {
  if (!name.starts_with(family_prefix)) return std::nullopt;
  name.remove_prefix(family_prefix.size());
  family_number number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

/// A flush or compaction that failed is as fatal as a write that failed: what it should have kept
/// is not where RocksDB thinks it is.
class background_watch final : public rocksdb::EventListener {
 public:
  explicit background_watch(const database& owner) : owner_(owner) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    using cause = rocksdb::BackgroundErrorReason;
    // A write that fails is reported by the write itself.
    if (reason == cause::kWriteCallback || reason == cause::kMemTable) return;
    if (status->IsShutdownInProgress()) return;
    const bool compaction = reason == cause::kCompaction;
    owner_.fail(compaction ? "a compaction" : "a flush or a change of the manifest", *status);
  }

 private:
  const database& owner_;
};

bool is_lock_conflict(const rocksdb::Status& s) {
  const std::string text = s.ToString();
  return s.IsIOError() && (text.find("While lock file") != std::string::npos ||
                           text.find("lock hold by current process") != std::string::npos);
}

}  // namespace

core::result<std::shared_ptr<database>> database::open(const store_options& options) {
  auto where = prepare_directory(options.path);
  if (!where) return where.error();
  std::shared_ptr<database> self(new database(std::move(where).value()));
  auto opened = self->open_files(options);
  if (!opened) return opened.error();
  return self;
}

core::result<core::done> database::open_files(const store_options& options) {
  fail_stop_ = options.fail_stop ? options.fail_stop : abort_with;
  payloads_ = std::make_unique<payload_files>(where_.payloads, options.payload_file_bytes,
                                              options.payload_rest);
  rocksdb::Options tuned = tuned_options(options.cache_bytes);
  family_options_ = rocksdb::ColumnFamilyOptions(tuned);
  // The lock is taken before anything is looked at: the files of a live database change under us.
  rocksdb::FileLock* lock = nullptr;
  const std::string lock_file = where_.database + "/LOCK";
  const auto locked = tuned.env->LockFile(lock_file, &lock);
  if (!locked.ok()) return refusal(locked);
  const auto look = [&]() -> core::result<core::done> {
    auto exists = holds_database(where_);
    if (!exists) return exists.error();
    fresh_ = !exists.value();
    auto mark = durable_mark::open(where_.mark, fresh_);
    if (!mark) return mark.error();
    mark_ = std::move(mark).value();
    return core::done{};
  };
  auto looked = look();
  const auto unlocked = tuned.env->UnlockFile(lock);
  if (!looked) return looked;
  if (!unlocked.ok()) return refusal(unlocked);
  return open_rocksdb(tuned);
}

core::result<core::done> database::open_rocksdb(rocksdb::Options& tuned) {
  std::vector<std::string> names{rocksdb::kDefaultColumnFamilyName};
  if (!fresh_) {
    const auto listed = rocksdb::DB::ListColumnFamilies(tuned, where_.database, &names);
    if (!listed.ok()) return refusal(listed);
  }
  tuned.create_if_missing = fresh_;
  tuned.wal_filter = &guard_;
  tuned.listeners.push_back(std::make_shared<background_watch>(*this));
  tuned.listeners.push_back(space_);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  descriptors.reserve(names.size());
  for (const auto& name : names) descriptors.emplace_back(name, family_options_);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(tuned, where_.database, descriptors, &handles, &db);
  if (!opened.ok()) return refusal(opened);
  db_.reset(db);
  for (auto* handle : handles) keep(handle);
  if (auto whole = check_large_values(); !whole) return whole;
  if (auto marked = check_mark(); !marked) return marked;
  space_->start(
      *db_, [this](const std::string& name) { return named_family(name); },
      [this](const rocksdb::Status& status) { fail("giving back the space of values", status); });
  return core::done{};
}

/// RocksDB opens the files of large values when one is read first, which may be after this node has
/// voted. What is inside them is checked when it is read.
core::result<core::done> database::check_large_values() const {
  std::vector<rocksdb::ColumnFamilyMetaData> families;
  db_->GetAllColumnFamilyMetaData(&families);
  for (const auto& family : families)
    for (const auto& file : family.blob_files) {
      const auto name = file.blob_file_name.substr(file.blob_file_name.find_first_not_of('/'));
      std::error_code missing;
      const auto size =
          std::filesystem::file_size(std::filesystem::path(file.blob_file_path) / name, missing);
      if (missing || size != file.blob_file_size)
        return refusal(rocksdb::Status::Corruption(
            name, missing ? missing.message()
                          : "has " + std::to_string(size) + " bytes instead of " +
                                std::to_string(file.blob_file_size)));
    }
  return core::done{};
}

core::failure database::refusal(const rocksdb::Status& status) const {
  if (is_lock_conflict(status)) {
    return {core::errc::refused, "another atlas-node uses " + where_.root +
                                     ". Stop it, or give this node a db_path of its own."};
  }
  if (status.IsCorruption()) {
    return {core::errc::corrupt, where_.root + " is damaged: " + status.ToString() +
                                     ". The node must not vote with it. Replace the disk and let " +
                                     "the node join again as a new one."};
  }
  return {core::errc::disk, "cannot open " + where_.root + ": " + status.ToString()};
}

core::result<core::done> database::check_mark() {
  // The manifest's own number may be ahead of a log that lost its end, so the log is asked first.
  const std::uint64_t reached =
      guard_.saw_records() ? guard_.last_sequence() : db_->GetLatestSequenceNumber();
  const std::uint64_t synced = mark_->value();
  if (reached >= synced) return core::done{};
  // RocksDB has taken what it found into its tables by now: the next start could not tell any more.
  const bool told = mark_->condemn();
  return core::failure{core::errc::corrupt,
                       where_.root + " has lost synced writes: it ends at write " +
                           std::to_string(reached) + ", but " + std::to_string(synced) +
                           " were durable. The node must not vote with it. Replace the disk and " +
                           "let the node join again as a new one." +
                           (told ? "" : " (It could not even be marked as such: keep it away.)")};
}

database::~database() {
  keeper_.stop();
  space_->stop();
  if (!db_) return;
  // An orderly end leaves nothing behind that was only written, not synced.
  const auto synced = db_->SyncWAL();
  if (synced.ok() && mark_->raise(db_->GetLatestSequenceNumber())) {
    static_cast<void>(mark_->settle());  // an older mark is a weaker check, not a wrong one
  }
  families_.clear();
  dropped_.clear();
  others_.clear();
  static_cast<void>(db_->Close());
  db_.reset();
}

void database::keep(rocksdb::ColumnFamilyHandle* handle) {
  const auto number = parse_family(handle->GetName());
  family_handle kept(handle, [db = db_.get()](rocksdb::ColumnFamilyHandle* last) {
    static_cast<void>(db->DestroyColumnFamilyHandle(last));
  });
  if (!number) return others_.push_back(std::move(kept));
  families_.emplace(*number, std::move(kept));
  highest_ = std::max(highest_, *number);
}

std::vector<family_number> database::families() const {
  const std::lock_guard guard(mutex_);
  std::vector<family_number> all;
  all.reserve(families_.size());
  for (const auto& [number, handle] : families_) all.push_back(number);
  std::sort(all.begin(), all.end());
  return all;
}

family_handle database::family(family_number number) const {
  const std::lock_guard guard(mutex_);
  const auto found = families_.find(number);
  return found == families_.end() ? nullptr : found->second;
}

family_handle database::named_family(const std::string& name) const {
  const auto number = parse_family(name);
  return number ? family(*number) : nullptr;
}

std::vector<family_number> database::create_families(std::size_t count) {
  std::vector<family_number> numbers;
  numbers.reserve(count);
  std::vector<std::string> names;
  {
    const std::lock_guard guard(mutex_);
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(++highest_);
  }
  names.reserve(count);
  for (const auto number : numbers) names.push_back(family_name(number));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status = db_->CreateColumnFamilies(family_options_, names, &handles);
  {
    const std::lock_guard guard(mutex_);
    for (auto* handle : handles) keep(handle);
  }
  if (status.ok()) return numbers;
  fail("creating column families", status);
  return {};
}

void database::drop_family(family_number number) {
  auto handle = family(number);
  if (!handle) return;
  const std::lock_guard nobody_writes(writing_);
  {
    const std::lock_guard guard(mutex_);
    families_.erase(number);
  }
  if (const auto status = db_->DropColumnFamily(handle.get()); !status.ok())
    return fail("dropping a column family", status);
  {
    const std::lock_guard guard(mutex_);
    dropped_.push_back(std::move(handle));
  }
  payloads_->wake();
}

bool database::write_group(rocksdb::WriteBatch& batch, bool sync) {
  // For what was written before. SyncWAL can leave a log in the manifest that is gone (RocksDB's
  // pull request 10892, which came after 7.8), and then the database does not open.
  if (sync && batch.Count() == 0) static_cast<void>(batch.Delete("nothing"));
  if (batch.Count() == 0) return true;
  rocksdb::WriteOptions how;
  how.sync = sync;
  const auto status = db_->Write(how, &batch);
  if (!status.ok()) {
    fail(sync ? "a synced write" : "a write", status);
    return false;
  }
  // What another thread adds meanwhile is the catalogue's, and that is never visible unsynced.
  if (sync && !mark_->raise(db_->GetLatestSequenceNumber())) {
    fail("writing the durable mark", rocksdb::Status::IOError(where_.mark, std::to_string(errno)));
    return false;
  }
  return true;
}

bool database::write_catalogue(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions how;
  how.sync = true;
  const auto status = db_->Write(how, &batch);
  if (!status.ok()) fail("writing the catalogue", status);
  return status.ok();
}

void database::fail(std::string_view doing, const rocksdb::Status& status) const {
  fail_stop_(describe_failure(doing, where_.root, status));
}

}  // namespace atlas::storage
