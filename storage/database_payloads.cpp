// The database's references to payloads in files, which RocksDB knows nothing of.
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>

#include "core/check.hpp"
#include "storage/database.hpp"
#include "storage/layout.hpp"

namespace atlas::storage {
namespace {

constexpr core::slot no_end{~std::uint64_t{0}};

}  // namespace

/// Which payloads are referred to; that their files hold them.
core::result<core::done> database::find_payloads() {
  if (auto made = make_private(where_.payloads); !made) return made;
  rocksdb::Status status;
  for (const auto& [number, family] : families_) {
    status = walk_places(family.get(), no_end,
                         [&](core::slot, const payload_place& place) { payloads_->found(place); });
    if (!status.ok()) return refusal(status);
  }
  status = payloads_->check();
  if (!status.ok()) return refusal(status);
  return core::done{};
}

bool database::has_dropped() const {
  const std::lock_guard guard(mutex_);
  return !dropped_.empty();
}

/// Who has the handle reads on, payloads too; the last one here has only ours to wait for.
void database::release_dropped() {
  std::vector<family_handle> unread;
  {
    const std::lock_guard guard(mutex_);
    const auto read = std::partition(dropped_.begin(), dropped_.end(),
                                     [](const auto& f) { return f.use_count() > 1; });
    unread.assign(std::move_iterator(read), std::move_iterator(dropped_.end()));
    dropped_.erase(read, dropped_.end());
  }
  constexpr std::size_t at_once = 256;
  for (const auto& family : unread) {
    std::vector<payload_place> gone;
    const auto status =
        walk_places(family.get(), no_end, [&](core::slot, const payload_place& place) {
          gone.push_back(place);
          if (gone.size() < at_once) return;
          payloads_->release(gone);
          gone.clear();
        });
    if (!status.ok()) return fail("reading what a dropped table leaves", status);
    payloads_->release(gone);
  }
}

void database::sync_expired() {
  const std::lock_guard nobody_writes(writing_);
  const auto expired = payloads_->expired();
  if (expired.empty()) return;  // somebody came first
  rocksdb::WriteBatch batch;
  if (write_group(batch, true)) payloads_->retire(expired);
}

core::result<core::done> database::start_chores() {
  const auto status = payloads_->remove_strangers();
  if (!status.ok()) return refusal(status);
  keeper_.start(*payloads_);
  return core::done{};
}

rocksdb::Status database::look_up(payload_owner of, std::optional<payload_place>& place) const {
  place.reset();
  const auto handle = family(of.family);
  return handle ? look_up({}, handle.get(), of.at, place) : rocksdb::Status::OK();
}

rocksdb::Status database::look_up(const rocksdb::ReadOptions& how,
                                  rocksdb::ColumnFamilyHandle* family, core::slot at,
                                  std::optional<payload_place>& place) const {
  place.reset();
  rocksdb::PinnableSlice bytes;
  const slot_key key(space::payload_at, at);
  auto status = db_->Get(how, family, slice(key.view()), &bytes);
  if (status.IsNotFound()) return rocksdb::Status::OK();
  if (!status.ok()) return status;
  place = decode_place(bytes.ToStringView());
  if (place) return status;
  return rocksdb::Status::Corruption("the place of payload " + std::to_string(at.value));
}

void database::refer(rocksdb::WriteBatch& batch, payload_owner of,
                     const payload_place& place) const {
  const auto handle = family(of.family);
  const auto bytes = encode_place(place);
  const slot_key key(space::payload_at, of.at);
  const auto put = batch.Put(handle.get(), slice(key.view()), {bytes.data(), bytes.size()});
  ATLAS_CHECK(handle && put.ok(), "a batch in memory takes a reference of a family that is there");
}

rocksdb::Status database::walk_places(
    rocksdb::ColumnFamilyHandle* family, core::slot end,
    const std::function<void(core::slot, const payload_place&)>& visit) const {
  const slot_key last(space::payload_at, end);
  const auto bound = slice(last.view());
  rocksdb::ReadOptions how;
  how.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(how, family));
  const char first = static_cast<char>(space::payload_at);
  for (it->Seek({&first, 1}); it->Valid(); it->Next()) {
    const auto at = slot_of(it->key().ToStringView());
    const auto place = decode_place(it->value().ToStringView());
    if (!at || !place) return rocksdb::Status::Corruption("the place of a payload is damaged");
    visit(*at, *place);
  }
  return it->status();
}

}  // namespace atlas::storage
