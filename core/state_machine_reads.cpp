// What is answered from the applied rows: single rows at once, listings by a walk (listing.hpp);
// each as one principal may see it.
#include <algorithm>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/row_command.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {
namespace {

constexpr std::size_t keys_bytes_max = 8 << 20;

}  // namespace

std::optional<outcome> state_machine::fence(table_id table) const {
  const auto* const state = state_of(table);
  const bool is_fenced = !state || state->what != custody::held;
  if (is_fenced && !(state && planted(bug::sealed_table_read))) return elsewhere(state);
  return std::nullopt;
}

outcome state_machine::answer(const read& r, stamp wall) const {
  if (closed_ && !planted(bug::closed_log_read)) return closed_answer(table_of(r.table));
  if (r.what == read_kind::part) return part(r);
  const auto table = table_of(r.table);
  if (auto fenced = fence(table)) return *std::move(fenced);
  if (r.what == read_kind::frontier) return {};
  if (r.what == read_kind::scan) return answer_keys(r, table);
  if (r.what == read_kind::chunk) return answer_chunk(r, table);
  if (!is_listing(r.what)) return answer_row(r, table, *state_of(table), wall);
  // Over by the owner's clock, but not in the log: nobody may be told either yet.
  if (next_due().us && next_due() <= wall) return {outcome_code::expiring, {}};
  const auto walk = list(r);
  if (!walk) return {outcome_code::refused, "not a listing"};
  while (!walk->advance(4096)) continue;
  return walk->take_result();
}

std::unique_ptr<listing> state_machine::list(const read& r) const {
  if (!is_listing(r.what)) return nullptr;
  auto terms = decode_scan_terms(r.row);
  const auto table = table_of(r.table);
  if (!terms || closed_ || fence(table)) return nullptr;
  const auto* const state = state_of(table);
  auto before = row_prefix(table, state->moves);
  const auto* const of_table = guard(table);
  listing::moment at{rows_.freeze(before + terms->prefix, {}), std::move(before),
                     of_table ? *of_table : access_list(), std::max(now_, state->least)};
  return std::make_unique<listing>(r, *std::move(terms), std::move(at));
}

outcome state_machine::answer_row(const read& r, table_id table, const table_state& state,
                                  stamp wall) const {
  const auto prefix = row_prefix(table, state.moves);
  const auto bytes = rows_.get(prefix.empty() ? r.row : prefix + r.row);
  std::optional<row_record> record;
  if (bytes) {
    record = decode_row(*bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
  }
  if (r.what == read_kind::access) {
    const auto list = guard_of(record, guard(table));
    if (!list.may_read(r.principal))
      return {outcome_code::denied, denial(r.principal, "it may not read this key")};
    return {outcome_code::ok, list.encode()};
  }
  const auto now = std::max(now_, state.least);
  static const access_list nobodys;
  const auto* const of_table = guard(table);
  if (!record || !may_see(*record, of_table ? *of_table : nobodys, r.principal, now))
    return {outcome_code::not_found, {}};
  // Over by the owner's clock, but not in the log: nobody may be told either yet.
  if (const auto due = record->due(); due.us && due <= wall) return {outcome_code::expiring, {}};
  // How long it has left is told in log time, which stands still while nothing is written; the
  // owner, who was asked, lets it go on.
  const bool is_late = wall.us > now.us + time_lag_us_max;
  if (r.what == read_kind::meta && record->expires.us && is_late && !closed_)
    return {outcome_code::expiring, {}};
  if (r.what == read_kind::get)
    return {record->is_chunked ? outcome_code::chunked : outcome_code::ok,
            std::string(record->value)};
  row_meta m{record->version,
             record->value.size(),
             record->created,
             record->updated,
             std::string(record->principal),
             record->due(),
             record->write_once > now ? record->write_once : stamp{},
             now,
             {}};
  if (record->is_chunked) {
    const auto manifest = decode_manifest(record->value);
    ATLAS_CHECK(manifest.has_value(), "manifests decode");
    m.size = manifest->size;
    m.hash = manifest->hash;
  }
  return {outcome_code::ok, encode(m)};
}

/// Who asks has read the manifest that names it, so nothing is hidden here.
outcome state_machine::answer_chunk(const read& r, table_id table) const {
  const auto bytes = rows_.get(row_prefix(table, state_of(table)->moves) + chunk_row(r.row));
  if (!bytes) return {outcome_code::not_found, {}};
  const auto record = decode_row(*bytes);
  ATLAS_CHECK(record.has_value(), "rows decode");
  return {outcome_code::ok, std::string(record->value)};
}

/// The catalogue's own listing: names only, as encode_rows.
outcome state_machine::answer_keys(const read& r, table_id table) const {
  outcome found;
  scan_table(table, state_of(table)->moves, r.row, {}, [&](std::string_view row, std::string_view) {
    put_string(found.data, row);
    put_string(found.data, {});
    return found.data.size() <= keys_bytes_max;
  });
  if (found.data.size() > keys_bytes_max) return {outcome_code::refused, "too many names"};
  return found;
}

}  // namespace atlas::core
