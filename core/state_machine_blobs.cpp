// Chunks of large values: kept when they come, counted while values name them, removed when they
// have not been named for a while. All of it by the log alone, like the rows that name them.
#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_command.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {
namespace {

std::optional<row_record> decoded(const blob& bytes) {
  if (!bytes) return std::nullopt;
  auto record = decode_row(*bytes);
  ATLAS_CHECK(record.has_value(), "rows decode");
  return record;
}

}  // namespace

/// That the bytes belong to the hash was checked where they came from, and is checked again where
/// they are read. `c.row` is the row that will name the chunk: who may not write it leaves nothing
/// here either.
outcome state_machine::put_chunk(const command_view& c, const stay& of, stamp when) {
  const auto put = decode_chunk_put(c.value);
  if (!put) return {outcome_code::refused, "not a part of a value"};
  const auto prefix = row_prefix(of.table, of.moves);
  const auto named = rows_.get(prefix + std::string(c.row));
  auto probe = c;
  probe.what = operation::put;
  probe.value = {};
  row_command check(probe, decoded(named), guard(of.table), when);
  if (check.result().code != outcome_code::ok) return check.take_result();
  const auto from = static_cast<std::size_t>(put->bytes.data() - batch_.data());
  rows_.update(prefix + chunk_row(put->hash),
               [&](const blob& before) -> std::optional<blob> {
                 if (before) return std::nullopt;
                 return make_blob(encode_row({1, when, when, {}, put->bytes}));
               },
               {batch_at_, from, put->bytes.size()});
  const auto bytes = rows_.get(prefix + chunk_count_row(put->hash));
  const auto counted = decoded(bytes);
  // The longest grace that anybody gave it counts.
  const auto known = counted ? byte_reader(counted->value).varint() : 0;
  std::string grace;
  put_varint(grace, std::max(known, put->grace_us));
  const auto names = counted ? counted->version : 0;
  if (names == 0 || put->grace_us > known) keep_count(of, put->hash, names, grace, when);
  return {};
}

/// The chunk is named so often from now on; what nobody names ends after its grace.
void state_machine::keep_count(const stay& of, std::string_view hash, std::uint64_t names,
                               std::string_view grace, stamp when) {
  stamp before_due, after_due;
  const auto row = chunk_count_row(hash);
  rows_.update(row_prefix(of.table, of.moves) + row, [&](const blob& before) {
    if (const auto old = decoded(before)) before_due = old->due();
    row_record next{names, when, when, {}, grace};
    if (names == 0 || planted(bug::chunk_ends_named))
      next.expires = period{true, byte_reader(grace).varint()}.end(when);
    after_due = next.due();
    return std::optional<blob>(make_blob(encode_row(next)));
  });
  note_due(of, row, before_due, after_due);
}

void state_machine::count_chunk(const stay& of, std::string_view hash, std::int64_t by,
                                stamp when) {
  const auto bytes = rows_.get(row_prefix(of.table, of.moves) + chunk_count_row(hash));
  const auto old = decoded(bytes);
  ATLAS_CHECK(old && (by > 0 || old->version > 0), "what a value names is there and counted");
  keep_count(of, hash, old->version + static_cast<std::uint64_t>(by), old->value, when);
}

bool state_machine::has_chunks(const stay& of, std::string_view manifest) const {
  const auto m = decode_manifest(manifest);
  if (!m) return false;
  const auto prefix = row_prefix(of.table, of.moves);
  return std::all_of(m->chunks.begin(), m->chunks.end(), [&](const auto& hash) {
    return rows_.get(prefix + chunk_count_row(hash)) != nullptr;
  });
}

/// A row's value goes from one manifest to another; empty: it is none.
void state_machine::count_chunks(const stay& of, const std::string& before,
                                 const std::string& after, stamp when) {
  if (before == after) return;
  const auto count = [&](const std::string& bytes, std::int64_t by) {
    if (bytes.empty()) return;
    const auto manifest = decode_manifest(bytes);
    ATLAS_CHECK(manifest.has_value(), "manifests decode");
    for (const auto& hash : manifest->chunks) count_chunk(of, hash, by, when);
  };
  count(after, 1);
  if (!planted(bug::chunks_never_released)) count(before, -1);
}

/// The count of a chunk has ended: nothing names it.
void state_machine::end_chunk(const stay& of, std::string_view hash) {
  const auto prefix = row_prefix(of.table, of.moves);
  rows_.erase(prefix + chunk_row(hash));
  rows_.erase(prefix + chunk_count_row(hash));
}

}  // namespace atlas::core
