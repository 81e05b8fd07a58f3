// Every read checks its status and every decoded record its form: a wrong answer from here would be
// voted on.
#include "storage/rocks_log.hpp"

#include "core/blob_manifest.hpp"
#include "core/check.hpp"

namespace atlas::storage {
namespace {

constexpr auto all_of_it = static_cast<std::size_t>(-1);

}  // namespace

rocks_log::rocks_log(std::shared_ptr<database> disk, core::log_id log, family_number family)
    : disk_(std::move(disk)), log_(log), family_(disk_->family(family)) {
  ATLAS_CHECK(family_ != nullptr, "a log is opened on a family that exists");
  rows_ = read_rows_space({});
}

std::optional<std::string> rocks_log::get(std::string_view row) const {
  std::string value;
  // The row and what it shares are looked at in one moment.
  std::optional<moment> now;
  const bool holds_chunk = core::holds_chunk(row);
  const auto how = holds_chunk ? now.emplace(*disk_).how : rocksdb::ReadOptions();
  const auto status = disk_->db().Get(how, family_.get(), row_key(rows_space(), row), &value);
  if (!status.ok() && !status.IsNotFound()) disk_->fail("reading a row", status);
  if (!status.ok()) return std::nullopt;
  if (holds_chunk) return whole_row(how, value);
  return value;
}

std::string rocks_log::whole_row(const rocksdb::ReadOptions& how, std::string_view kept) const {
  if (is_whole_row(kept)) return std::string(kept.substr(1));
  std::string row;
  if (const auto shared = decode_shared(kept)) {
    row.reserve(shared->head.size() + shared->size);
    row.append(shared->head);
    read_payload(how, shared->at, shared->from, shared->size, row);
  } else {
    damaged("a row that holds a chunk is damaged");
  }
  return row;
}

void rocks_log::read_payload(const rocksdb::ReadOptions& how, core::slot at, std::size_t from,
                             std::size_t size, std::string& out) const {
  std::optional<payload_place> place;
  if (auto found = disk_->look_up(how, family_.get(), at, place); !found.ok())
    return disk_->fail("reading where a payload is", found);
  if (place) {
    const auto read =
        disk_->payloads().read(*place, from, size == all_of_it ? place->size - from : size, out);
    return read.ok() ? void() : disk_->fail("reading a payload", read);
  }
  rocksdb::PinnableSlice bytes;
  const slot_key key(space::payload, at);
  const auto status = disk_->db().Get(how, family_.get(), slice(key.view()), &bytes);
  if (!status.ok() && !status.IsNotFound()) return disk_->fail("reading a payload", status);
  const auto whole = bytes.ToStringView();
  if (!status.ok() || from > whole.size() || (size != all_of_it && size > whole.size() - from))
    return damaged("the payload of slot " + std::to_string(at.value) + " is not there");
  out.append(whole.substr(from, size));
}

std::optional<core::accepted_entry> rocks_log::entry_at(const rocksdb::ReadOptions& how,
                                                        core::slot at,
                                                        std::string_view kept) const {
  const auto by = decode_ballot(kept);
  if (!by) {
    damaged("the entry of slot " + std::to_string(at.value) + " is damaged");
    return std::nullopt;
  }
  std::string bytes;
  if (kept.size() == ballot_size)
    read_payload(how, at, 0, all_of_it, bytes);
  else
    bytes = kept.substr(ballot_size);
  if (bytes.empty()) return std::nullopt;  // an entry holds at least its kind
  return core::accepted_entry{at, *by, core::entry{core::make_blob(std::move(bytes))}};
}

void rocks_log::walk(rocksdb::ReadOptions how, std::string_view first, std::string_view end,
                     const visitor& visit) const {
  const rocksdb::Slice bound = slice(end);
  how.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(disk_->db().NewIterator(how, family_.get()));
  for (it->Seek(slice(first)); it->Valid(); it->Next()) {
    if (!visit(it->key().ToStringView(), it->value().ToStringView())) return;
  }
  if (!it->status().ok()) {
    disk_->fail("reading log " + std::to_string(log_.value), it->status());
  }
}

void rocks_log::scan(
    std::string_view prefix, std::string_view from,
    const std::function<bool(std::string_view row, std::string_view value)>& visit) const {
  const moment now(*disk_);
  scan_rows(now.how, rows_space(), prefix, from, visit);
}

void rocks_log::scan_rows(const rocksdb::ReadOptions& how, space where, std::string_view prefix,
                          std::string_view from, const visitor& visit) const {
  walk(how, row_key(where, std::max(prefix, from)), end_of_prefix(row_key(where, prefix)),
       [&](std::string_view key, std::string_view value) {
         const auto row = key.substr(1);
         return core::holds_chunk(row) ? visit(row, whole_row(how, value)) : visit(row, value);
       });
}

void rocks_log::walk_slots(
    const rocksdb::ReadOptions& how, space where, core::slot first,
    const std::function<bool(core::slot at, std::string_view value)>& visit) const {
  const slot_key from(where, first);
  const std::string end = end_of_prefix(std::string(1, static_cast<char>(where)));
  walk(how, from.view(), end, [&](std::string_view key, std::string_view value) {
    const auto at = slot_of(key);
    if (!at) damaged("a key in space '" + std::string(1, key.front()) + "' holds no slot");
    return at && visit(*at, value);
  });
}

std::vector<core::accepted_entry> rocks_log::entries(core::slot first, core::slot end,
                                                     std::size_t bytes_max) const {
  std::vector<core::accepted_entry> out;
  if (first >= end) return out;
  core::slot expected = first;
  std::size_t bytes = 0;
  const moment now(*disk_);
  walk(now.how, slot_key(space::log, first).view(), slot_key(space::log, end).view(),
       [&](std::string_view key, std::string_view value) {
         const auto at = slot_of(key);
         if (!at) damaged("a key in space 'l' holds no slot");
         if (!at || *at != expected) return false;
         auto e = entry_at(now.how, *at, value);
         if (!e) return false;
         bytes += e->value.size();
         out.push_back(*std::move(e));
         ++expected;
         return bytes <= bytes_max;
       });
  return out;
}

std::optional<std::string> rocks_log::state(const rocksdb::ReadOptions& how,
                                            std::string_view key) const {
  std::string value;
  const auto status = disk_->db().Get(how, family_.get(), slice(key), &value);
  if (status.ok()) return value;
  if (!status.IsNotFound()) {
    disk_->fail("reading the state of log " + std::to_string(log_.value), status);
  }
  return std::nullopt;
}

applied_mark rocks_log::read_applied(const rocksdb::ReadOptions& how) const {
  const auto bytes = state(how, applied_key);
  if (!bytes) return {};
  const auto applied = decode_applied(*bytes);
  if (!applied) damaged("the applied mark is damaged");
  return applied.value_or(applied_mark{});
}

void rocks_log::recover_state(const rocksdb::ReadOptions& how, core::recovered_log& out) const {
  if (const auto bytes = state(how, promised_key)) {
    const auto promised = decode_ballot(*bytes);
    if (promised && bytes->size() == ballot_size) {
      out.promised = *promised;
    } else {
      damaged("the promise is damaged");
    }
  }
  if (const auto bytes = state(how, handed_on_key)) {
    const auto handed_on = decode_ballot(*bytes);
    if (!handed_on || bytes->size() != ballot_size)
      return damaged("the mark of a hand-off is damaged");
    out.handed_on = *handed_on;
  }
  const auto applied = read_applied(how);
  out.applied = applied.at;
  out.last_stamp = applied.when;
  out.applied_hash = applied.hash;
  out.truncated = read_truncated(how);
}

core::slot rocks_log::read_truncated(const rocksdb::ReadOptions& how) const {
  const auto bytes = state(how, truncated_key);
  if (!bytes) return {};
  if (bytes->size() == number_size) return core::slot{get_number(*bytes)};
  damaged("the truncation point is damaged");
  return {};
}

log_writer_state rocks_log::writer_state() const {
  log_writer_state now{rows_space(), read_truncated({}), {}};
  walk_slots({}, space::of_entry, now.truncated + 1, [&](core::slot at, std::string_view) {
    now.payloads.insert(at);
    return true;
  });
  return now;
}

space rocks_log::read_rows_space(const rocksdb::ReadOptions& how) const {
  const auto bytes = state(how, rows_key);
  if (!bytes) return space::row;
  for (const space known : {space::row, space::other_row})
    if (*bytes == std::string(1, static_cast<char>(known))) return known;
  damaged("the place of the rows is damaged");
  return space::row;
}

void rocks_log::recover_configuration(const rocksdb::ReadOptions& how,
                                      core::recovered_log& out) const {
  walk_slots(how, space::configuration, core::slot{0}, [&](core::slot at, std::string_view bytes) {
    if (at > out.applied) return false;
    auto decoded = core::decode_configuration(bytes);
    if (!decoded || !bytes.empty()) {
      damaged("the configuration of slot " + std::to_string(at.value) + " is damaged");
      return false;
    }
    out.configuration_at = at;
    out.active = *std::move(decoded);
    return true;
  });
}

core::recovered_log rocks_log::read_state(const rocksdb::ReadOptions& how) const {
  core::recovered_log out;
  recover_state(how, out);
  recover_configuration(how, out);
  walk_slots(how, space::results, core::slot{0}, [&](core::slot at, std::string_view value) {
    out.results.emplace_back(at, std::string(value));
    return true;
  });
  const std::string beside_rows = row_key(beside(read_rows_space(how)), "");
  walk(how, beside_rows, end_of_prefix(beside_rows), [&](std::string_view, std::string_view) {
    out.staged = true;
    return false;
  });
  return out;
}

core::recovered_log rocks_log::recover() const {
  moment now(*disk_);
  auto& how = now.how;
  how.fill_cache = false;  // read once, at start or after a snapshot came in
  auto out = read_state(how);
  walk_slots(how, space::log, out.applied + 1, [&](core::slot at, std::string_view value) {
    auto e = entry_at(how, at, value);
    if (e) out.tail.push_back(*std::move(e));
    return true;
  });
  return out;
}

/// RocksDB keeps what the snapshot sees, whatever is deleted meanwhile.
class rocks_log::frozen final : public core::frozen_log {
 public:
  explicit frozen(std::shared_ptr<const rocks_log> log)
      : log_(std::move(log)), now_(*log_->disk_), how_(now_.how) {
    how_.fill_cache = false;  // every row once, and not soon again
    rows_ = log_->read_rows_space(how_);
  }
  [[nodiscard]] core::recovered_log state() const override { return log_->read_state(how_); }
  [[nodiscard]] core::slot applied() const override { return log_->read_applied(how_).at; }
  void history(
      core::slot first,
      const std::function<bool(core::slot at, std::string_view record)>& visit) const override {
    log_->walk_slots(how_, space::history, first, visit);
  }
  [[nodiscard]] std::optional<core::entry> entry_of(core::slot at) const override {
    std::optional<core::entry> found;
    log_->walk_slots(how_, space::log, at, [&](core::slot s, std::string_view value) {
      if (s != at) return false;
      auto e = log_->entry_at(how_, s, value);
      if (e) found = std::move(e->value);
      return false;
    });
    return found;
  }
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit)
      const override {
    log_->scan_rows(how_, rows_, prefix, from, visit);
  }

 private:
  const std::shared_ptr<const rocks_log> log_;
  const moment now_;
  rocksdb::ReadOptions how_;
  space rows_;
};

std::unique_ptr<core::frozen_log> rocks_log::freeze() const {
  return std::make_unique<frozen>(shared_from_this());
}

void rocks_log::damaged(const std::string& what) const {
  disk_->fail("reading log " + std::to_string(log_.value), rocksdb::Status::Corruption(what));
}

}  // namespace atlas::storage
