#include "storage/log_batch.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/blob_manifest.hpp"
#include "core/check.hpp"

namespace atlas::storage {
namespace {

static_assert(payload_bytes_min <= core::filed_bytes_min, "what is filed is a payload");

using kind = core::record_write::kind;

void check(const rocksdb::Status& s) {
  ATLAS_CHECK(s.ok(), "a batch in memory takes every record");
}

const std::string& bytes_of(const core::record_write& w) {
  ATLAS_CHECK(w.value != nullptr, "a record that carries a value has one");
  return *w.value;
}

bool is_payload(const core::record_write& w) {
  return w.what == kind::accepted && bytes_of(w).size() >= payload_bytes_min;
}

}  // namespace

bool log_batch::looks_at_disk(const core::record_write& w) {
  switch (w.what) {
    case kind::put_row:
    case kind::erase_row:
      return core::holds_chunk(w.key);
    case kind::truncate:
    case kind::drop_staged:
      return true;
    default:
      return false;
  }
}

bool log_batch::touches_payloads(const core::record_write& w) {
  return looks_at_disk(w) || is_payload(w) || w.what == kind::install;
}

void log_batch::add(const core::record_write& w) {
  switch (w.what) {
    case kind::promised:
      return put_state(promised_key, encode_ballot(w.by));
    case kind::accepted:
      return put_accepted(w);
    case kind::applied:
      return put_state(applied_key, encode_applied({w.at, w.when, w.hash}));
    case kind::configuration:
      return put(slot_key(space::configuration, w.at).view(), slice(w.key));
    case kind::put_row:
      return put_row(now_.rows, w);
    case kind::erase_row:
      return erase_row(w);
    case kind::put_results:
      return put(slot_key(space::results, w.at).view(), slice(bytes_of(w)));
    case kind::erase_results:
      return erase_slot(space::results, w.at);
    case kind::put_history:
      return put(slot_key(space::history, w.at).view(), slice(bytes_of(w)));
    case kind::truncate:
      return truncate(w.at);
    case kind::stage_row:
      return put_row(beside(now_.rows), w);
    case kind::drop_staged:
      return drop_staged();
    case kind::handed_on:
      return put_state(handed_on_key, encode_ballot(w.by));
    case kind::install:
      return install();
  }
  ATLAS_CHECK(false, "a record is of a known kind");
}

void log_batch::put(std::string_view key, rocksdb::Slice value) {
  check(batch_.Put(family_, slice(key), value));
}

void log_batch::put_accepted(const core::record_write& w) {
  const auto by = encode_ballot(w.by);
  const slot_key at(space::log, w.at);
  const rocksdb::Slice key = slice(at.view());
  const rocksdb::Slice value[] = {{by.data(), by.size()}, slice(bytes_of(w))};
  if (!is_payload(w)) {
    return check(batch_.Put(family_, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2)));
  }
  if (!now_.payloads.insert(w.at).second) erase_payload(w.at);  // it was voted for before
  put(at.view(), value[0]);
  put(slot_key(space::of_entry, w.at).view(), {});
  put_payload(w);
}

void log_batch::put_payload(const core::record_write& w) {
  if (!core::is_filed(w)) return put(slot_key(space::payload, w.at).view(), slice(bytes_of(w)));
  ATLAS_CHECK(next_filed_ < filed_.size(), "every filed entry has a place");
  const auto& place = filed_[next_filed_++];
  now_.unwritten[w.at] = place;
  const auto reference = encode_place(place);
  put(slot_key(space::payload_at, w.at).view(), {reference.data(), reference.size()});
}

void log_batch::erase_payload(core::slot at) {
  const auto place = place_of(at);
  if (!place) return erase_slot(space::payload, at);
  ended_with_.push_back(*place);
  now_.unwritten[at] = std::nullopt;
  erase_slot(space::payload_at, at);
}

std::optional<payload_place> log_batch::place_of(core::slot at) const {
  if (const auto known = now_.unwritten.find(at); known != now_.unwritten.end())
    return known->second;
  std::optional<payload_place> place;
  const auto status = disk_.look_up({}, family_, at, place);
  if (!status.ok()) disk_.fail("reading where a payload is", status);
  return place;
}

void log_batch::put_row(space where, const core::record_write& w) {
  if (core::holds_chunk(w.key)) return put_chunk_row(where, w);
  const char first = static_cast<char>(where);
  const rocksdb::Slice key[] = {{&first, 1}, slice(w.key)};
  const rocksdb::Slice value = slice(bytes_of(w));
  check(batch_.Put(family_, rocksdb::SliceParts(key, 2), rocksdb::SliceParts(&value, 1)));
}

void log_batch::put_chunk_row(space where, const core::record_write& w) {
  const auto key = row_key(where, w.key);
  const rocksdb::Slice key_slice = slice(key);
  const auto put_parts = [&](std::string_view form, std::string_view rest) {
    const rocksdb::Slice value[] = {slice(form), slice(rest)};
    check(batch_.Put(family_, rocksdb::SliceParts(&key_slice, 1), rocksdb::SliceParts(value, 2)));
  };
  if (w.what == kind::put_row) end_sharing(key);
  const std::string_view bytes = bytes_of(w);
  if (!w.at || w.shared < payload_bytes_min) {
    const char form = static_cast<char>(row_form::whole);
    return put_parts({&form, 1}, bytes);
  }
  ATLAS_CHECK(w.shared < bytes.size() && w.at > now_.truncated,
              "a row shares the end of its value with an entry that is there");
  put(slot_key(shares_of(where), w.at).view(), {});
  began_[key] = w.at;
  const auto form = encode_shared({w.at, w.shared_from, w.shared, {}});
  put_parts({form.data(), form.size()}, bytes.substr(0, bytes.size() - w.shared));
}

void log_batch::erase_row(const core::record_write& w) {
  const auto key = row_key(now_.rows, w.key);
  if (core::holds_chunk(w.key)) end_sharing(key);
  check(batch_.Delete(family_, slice(key)));
}

void log_batch::truncate(core::slot at) {
  std::array<char, number_size> number;
  put_number(number.data(), at.value);
  put_state(truncated_key, number);
  erase_up_to(space::log, slot_key(space::log, at + 1).view());
  erase_up_to(space::history, slot_key(space::history, at + 1).view());
  end_payloads(at);
  now_.truncated = std::max(now_.truncated, at);
}

/// The entries up to this slot are gone; payloads that no row shares go with them.
void log_batch::end_payloads(core::slot upto) {
  auto& all = now_.payloads;
  const auto end = all.upper_bound(upto);
  if (end == all.begin()) return;
  for (auto at = all.begin(); at != end; ++at)
    if (!is_shared(*at)) erase_payload(*at);
  all.erase(all.begin(), end);
  erase_up_to(space::of_entry, slot_key(space::of_entry, upto + 1).view());
}

void log_batch::end_sharing(std::string_view key) {
  core::slot at;
  if (const auto began = began_.find(key); began != began_.end()) {
    at = std::exchange(began->second, core::slot{});
  } else {
    const auto row = on_disk(key);
    if (const auto shared = row ? decode_shared(*row) : std::nullopt) at = shared->at;
    began_.emplace(key, core::slot{});
  }
  if (!at) return;
  erase_slot(shares_of(static_cast<space>(key.front())), at);
  ended_.insert(at);
  if (at <= now_.truncated) erase_payload(at);
}

bool log_batch::is_shared(core::slot at) const {
  const auto shares = [&](const auto& row) { return row.second == at; };
  if (std::any_of(began_.begin(), began_.end(), shares)) return true;
  if (ended_.contains(at)) return false;
  return on_disk(slot_key(space::of_row, at).view()) ||
         on_disk(slot_key(space::of_other_row, at).view());
}

void log_batch::install() {
  now_.rows = beside(now_.rows);
  put_state(rows_key, std::array{static_cast<char>(now_.rows)});
  erase_all(space::results);
}

/// Rows of a snapshot are whole, so only those that an install replaced share payloads; that took
/// their entries too, and whatever shares one since is of a later slot.
void log_batch::drop_staged() {
  const space where = beside(now_.rows);
  erase_all(where);
  const std::string end = end_of_prefix(std::string(1, static_cast<char>(shares_of(where))));
  const std::unique_ptr<rocksdb::Iterator> it(disk_.db().NewIterator({}, family_));
  it->SeekForPrev(slice(end));
  const auto last = it->Valid() ? slot_of(it->key().ToStringView()) : std::nullopt;
  const bool any = last && it->key()[0] == static_cast<char>(shares_of(where));
  if (!it->status().ok()) disk_.fail("reading which rows share payloads", it->status());
  if (!any) return;
  ATLAS_CHECK(*last <= now_.truncated, "an install takes the entries of what it replaces");
  erase_all(shares_of(where));
  erase_up_to(space::payload, slot_key(space::payload, *last + 1).view());
  const auto walked = disk_.walk_places(family_, *last + 1, [&](core::slot at, const auto& place) {
    if (now_.unwritten.try_emplace(at).second) ended_with_.push_back(place);
  });
  if (!walked.ok()) return disk_.fail("reading where payloads are", walked);
  erase_up_to(space::payload_at, slot_key(space::payload_at, *last + 1).view());
}

void log_batch::erase_all(space where) {
  erase_up_to(where, end_of_prefix(std::string(1, static_cast<char>(where))));
}

/// The first key is the space byte alone: tuning.cpp tells why it must be.
void log_batch::erase_up_to(space where, std::string_view end) {
  const char first = static_cast<char>(where);
  check(batch_.DeleteRange(family_, {&first, 1}, slice(end)));
}

void log_batch::erase_slot(space where, core::slot at) {
  check(batch_.Delete(family_, slice(slot_key(where, at).view())));
}

std::optional<std::string> log_batch::on_disk(std::string_view key) const {
  std::string value;
  const auto status = disk_.db().Get({}, family_, slice(key), &value);
  if (status.ok()) return value;
  if (!status.IsNotFound()) disk_.fail("reading what a row shares", status);
  return std::nullopt;
}

}  // namespace atlas::storage
