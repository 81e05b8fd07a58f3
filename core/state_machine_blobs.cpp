// Chunks of large values: kept when they come, counted while values name them, removed when they
// have not been named for a while. All of it by the log alone, like the rows that name them.
#include <algorithm>
#include <utility>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_command.hpp"
#include "core/row_record.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {
namespace {

struct chunk_count {
  std::uint64_t names = 0;
  std::uint64_t grace_us = 0;
};

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
  bool is_new = false;
  change_count(of, put->hash, when, [&](const std::optional<row_record>& old) {
    is_new = !old;
    const auto known = old ? byte_reader(old->value).varint() : 0;
    const auto names = old ? old->version : 0;
    // The longest grace that anybody gave it counts; of one that nobody names, from now on.
    const bool changes = names == 0 || put->grace_us > known;
    return changes ? std::optional(chunk_count{names, std::max(known, put->grace_us)})
                   : std::nullopt;
  });
  if (!is_new) return {};  // what is counted is there
  // One row at most shares an entry: how long its bytes are kept depends on that row alone.
  const auto from = static_cast<std::size_t>(put->bytes.data() - batch_.data());
  rows_.put(prefix + chunk_row(put->hash), make_blob(encode_row({1, when, when, {}, put->bytes})),
            {std::exchange(batch_at_, slot{}), from, put->bytes.size()});
  return {};
}

/// The chunk is named so often from now on; what nobody names ends after its grace.
template <class Next>
void state_machine::change_count(const stay& of, std::string_view hash, stamp when,
                                 const Next& next) {
  stamp before_due, after_due;
  const auto row = chunk_count_row(hash);
  rows_.update(row_prefix(of.table, of.moves) + row, [&](const blob& before) {
    const auto old = decoded(before);
    if (old) before_due = after_due = old->due();
    const auto count = next(old);
    if (!count) return std::optional<blob>();
    std::string grace;
    put_varint(grace, count->grace_us);
    row_record now{count->names, when, when, {}, grace};
    if (count->names == 0 || planted(bug::chunk_ends_named))
      now.expires = period{true, count->grace_us}.end(when);
    after_due = now.due();
    return std::optional<blob>(make_blob(encode_row(now)));
  });
  note_due(of, row, before_due, after_due);
}

void state_machine::count_chunk(const stay& of, std::string_view hash, std::int64_t by,
                                stamp when) {
  change_count(of, hash, when, [&](const std::optional<row_record>& old) {
    ATLAS_CHECK(old && (by > 0 || old->version > 0), "what a value names is there and counted");
    return std::optional(chunk_count{old->version + static_cast<std::uint64_t>(by),
                                     byte_reader(old->value).varint()});
  });
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
