// See payload_files.hpp.
#include "storage/payload_files.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/check.hpp"

namespace atlas::storage {
namespace {

namespace fs = std::filesystem;

/// An idle node syncs nothing by itself.
constexpr std::chrono::seconds sync_wait{2};
constexpr std::chrono::seconds poll_every{1};

/// Bytes of the file that it takes.
std::uint64_t whole(const payload_place& p) {
  return payload_end(p) - (p.from - payload_head_size);
}

rocksdb::Status failure_of(const std::string& path, const std::error_code& why) {
  return rocksdb::Status::IOError(path, why.message());
}

}  // namespace

/// The files that were retired while it was the newest. Each keeps the one after it, so it ends
/// when nobody holds it or an older one: then nobody can ask for its files.
struct payload_files::generation {
  explicit generation(payload_files& o) : owner(o) {}
  generation(const generation&) = delete;
  generation& operator=(const generation&) = delete;
  ~generation() {
    if (retired.empty()) return;
    {
      const std::lock_guard guard(owner.mutex_);
      for (auto& path : retired) owner.to_remove_.push_back(std::move(path));
    }
    owner.changed_.notify_all();
  }

  payload_files& owner;
  std::vector<std::string> retired;
  std::shared_ptr<generation> next;
};

payload_files::payload_files(std::string folder, std::uint64_t file_bytes,
                             std::chrono::milliseconds rest)
    : folder_(std::move(folder)),
      file_bytes_(file_bytes),
      rest_(rest),
      now_(std::make_shared<generation>(*this)) {}

payload_pin payload_files::pin() const {
  const std::lock_guard guard(mutex_);
  return now_;
}

void payload_files::found(const payload_place& place) {
  auto& file = files_[place.file];
  file.used += whole(place);
  file.bytes = std::max(file.bytes, payload_end(place));
}

rocksdb::Status payload_files::check() {
  std::map<std::uint64_t, std::uint64_t> sizes;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const auto number = payload_file_number(it->path().filename().string());
    if (number) sizes[*number] = it->file_size(error);
    if (error) break;
  }
  if (error) return failure_of(folder_, error);
  if (!sizes.empty()) highest_ = sizes.rbegin()->first;
  for (auto& [number, file] : files_) {
    const auto path = payload_path(folder_, number);
    const auto there = sizes.extract(number);
    if (there.empty()) return rocksdb::Status::Corruption(path, "is not there");
    if (there.mapped() < file.bytes)
      return rocksdb::Status::Corruption(path, "has " + std::to_string(there.mapped()) +
                                                   " bytes, and synced writes up to " +
                                                   std::to_string(file.bytes));
    file.bytes = there.mapped();
    look_if_worth(number, file);
  }
  for (const auto& [number, size] : sizes) strangers_.push_back(payload_path(folder_, number));
  return rocksdb::Status::OK();
}

rocksdb::Status payload_files::remove_strangers() {
  std::error_code error;
  for (const auto& path : std::exchange(strangers_, {}))
    if (fs::remove(path, error); error) return failure_of(path, error);
  return rocksdb::Status::OK();
}

std::uint64_t payload_files::begin_file() {
  const std::lock_guard guard(mutex_);
  files_[++highest_].is_full = false;
  return highest_;
}

void payload_files::filled(std::uint64_t number) {
  const std::lock_guard guard(mutex_);
  auto& file = files_.at(number);
  file.is_full = true;
  look_if_worth(number, file);
}

void payload_files::add(const payload_place& place) {
  const std::lock_guard guard(mutex_);
  auto& file = files_.at(place.file);
  file.used += whole(place);
  file.bytes += whole(place);
  ++file.awaited;
}

void payload_files::synced(std::uint64_t number, std::uint64_t upto) {
  const std::lock_guard guard(mutex_);
  auto& file = files_.at(number);
  file.synced = std::max(file.synced, upto);
}

bool payload_files::are_synced(const std::vector<payload_place>& places) const {
  const std::lock_guard guard(mutex_);
  return std::all_of(places.begin(), places.end(), [&](const payload_place& place) {
    return payload_end(place) <= files_.at(place.file).synced;
  });
}

void payload_files::settled(const std::vector<payload_place>& places) {
  const std::lock_guard guard(mutex_);
  for (const auto& place : places) {
    auto& file = files_.at(place.file);
    ATLAS_CHECK(file.awaited > 0, "a reference to a payload is settled once");
    --file.awaited;
    look_if_worth(place.file, file);
  }
}

void payload_files::release(const std::vector<payload_place>& places) {
  const std::lock_guard guard(mutex_);
  for (const auto& place : places) {
    auto& file = files_.at(place.file);
    ATLAS_CHECK(file.used >= whole(place), "a reference to a payload ends once");
    file.used -= whole(place);
    look_if_worth(place.file, file);
  }
}

/// What goes bit by bit, such as a log that is truncated, needs no copy of what goes next.
void payload_files::look_if_worth(std::uint64_t number, const known_file& file) {
  if (!file.is_full || file.awaited > 0 || file.used > file.bytes / 2) return;
  const auto now = clock::now();
  const auto [known, is_new] = to_look_at_.try_emplace(number, now + rest_);
  if (file.used == 0) known->second = now;
  if (is_new || file.used == 0) changed_.notify_all();
}

void payload_files::expire(std::uint64_t number) {
  const std::lock_guard guard(mutex_);
  const auto file = files_.find(number);
  // Somebody's synced write may have retired it while it was looked at a second time.
  if (file == files_.end() || file->second.used != 0) return;
  to_look_at_.erase(number);
  expired_.try_emplace(number, clock::now() + sync_wait);
}

std::vector<std::uint64_t> payload_files::expired() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::uint64_t> all;
  for (const auto& [number, due] : expired_) all.push_back(number);
  return all;
}

void payload_files::retire(const std::vector<std::uint64_t>& files) {
  if (files.empty()) return;
  std::shared_ptr<generation> before;  // ends outside of the lock
  const std::lock_guard guard(mutex_);
  for (const auto number : files) {
    if (expired_.erase(number) == 0) continue;
    const auto file = files_.find(number);
    ATLAS_CHECK(file != files_.end() && file->second.is_full, "a file that is retired is full");
    files_.erase(file);
    to_look_at_.erase(number);
    now_->retired.push_back(payload_path(folder_, number));
  }
  now_->next = std::make_shared<generation>(*this);
  before = std::exchange(now_, now_->next);
}

std::optional<payload_chores> payload_files::due(clock::time_point now) {
  payload_chores chores{std::exchange(to_remove_, {}), std::nullopt, false};
  for (auto it = to_look_at_.begin(); it != to_look_at_.end() && !chores.look; ++it)
    if (it->second <= now) chores.look = it->first;
  if (chores.look) to_look_at_.erase(*chores.look);
  for (auto& [number, when] : expired_)
    if (when <= now) {
      chores.sync = true;
      when = now + sync_wait;
    }
  const bool any = !chores.removals.empty() || chores.look || chores.sync;
  if (!any && !std::exchange(woken_, false)) return std::nullopt;
  return chores;
}

std::optional<payload_files::clock::time_point> payload_files::next_due() const {
  std::optional<clock::time_point> next;
  for (const auto* times : {&to_look_at_, &expired_})
    for (const auto& [number, when] : *times)
      if (!next || when < *next) next = when;
  return next;
}

std::optional<payload_chores> payload_files::next_chores(bool polls) {
  std::unique_lock lock(mutex_);
  const auto last = clock::now() + poll_every;
  while (!ending_) {
    const auto now = clock::now();
    if (auto chores = due(now)) return chores;
    if (polls && now >= last) return payload_chores{};
    auto until = next_due();
    if (polls && (!until || last < *until)) until = last;
    if (until)
      changed_.wait_until(lock, *until);
    else
      changed_.wait(lock);
  }
  return std::nullopt;
}

void payload_files::wake() {
  {
    const std::lock_guard guard(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

bool payload_files::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [&] { return ending_; });
}

void payload_files::end_chores() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

payload_files::totals payload_files::sum() const {
  const std::lock_guard guard(mutex_);
  totals all;
  for (const auto& [number, file] : files_) {
    all.files += 1;
    all.bytes += file.bytes;
    all.used += file.used;
  }
  return all;
}

rocksdb::Status payload_stream::append(payload_owner of, std::string_view bytes,
                                       payload_place& at) {
  if (writer_ && writer_->size() >= all_.file_bytes()) {
    // Nobody syncs it later.
    if (auto synced = sync(); !synced.ok()) return synced;
    all_.filled(writer_->file());
    writer_.reset();
  }
  if (!writer_) {
    writer_ = std::make_unique<payload_writer>(all_.folder(), all_.begin_file());
    if (auto created = writer_->create(); !created.ok()) return created;
  }
  auto appended = writer_->append(of, bytes, at);
  if (appended.ok()) all_.add(at);
  return appended;
}

rocksdb::Status payload_stream::sync() {
  if (!writer_) return rocksdb::Status::OK();
  auto status = writer_->sync();
  if (status.ok()) all_.synced(writer_->file(), writer_->size());
  return status;
}

}  // namespace atlas::storage
