// What is answered from the applied rows: single rows, listings, counts and samples, each as one
// principal may see it.
#include <algorithm>

#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/rng.hpp"
#include "core/row_command.hpp"
#include "core/scan_terms.hpp"
#include "core/state_machine.hpp"

namespace atlas::core {
namespace {

// What one listing returns: it is held in memory, and travels in one message.
constexpr std::size_t scan_bytes_max = 8 << 20;
constexpr std::size_t sample_rows_max = 10'000;

outcome too_much() {
  return {outcome_code::refused, "more than " + std::to_string(scan_bytes_max >> 20) +
                                     " MiB begin like this; name a longer prefix or a LIMIT"};
}

}  // namespace

outcome state_machine::answer(const read& r, stamp wall) const {
  if (closed_ && !planted(bug::closed_log_read)) return {outcome_code::dropped, {}};
  if (r.what == read_kind::part) return part(r);
  const auto table = table_of(r.table);
  const auto* const state = state_of(table);
  const bool is_fenced = !state || state->what != custody::held;
  if (is_fenced && !(state && planted(bug::sealed_table_read))) return elsewhere(state);
  switch (r.what) {
    case read_kind::frontier:
      return {};
    case read_kind::scan:
      return answer_keys(r, table, *state);
    case read_kind::range:
    case read_kind::count:
    case read_kind::sample:
      return answer_listing(r, table, *state);
    default:
      return answer_row(r, table, *state, wall);
  }
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
  if (!record || !is_visible(*record, table, r.principal, now))
    return {outcome_code::not_found, {}};
  // Over by the owner's clock, but not in the log: nobody may be told either yet.
  if (const auto due = record->due(); due.us && due <= wall) return {outcome_code::expiring, {}};
  if (r.what == read_kind::get) return {outcome_code::ok, std::string(record->value)};
  row_meta m{record->version,
             record->value.size(),
             record->created,
             record->updated,
             std::string(record->principal),
             record->due(),
             record->write_once > now ? record->write_once : stamp{},
             now};
  return {outcome_code::ok, encode(m)};
}

bool state_machine::is_visible(const row_record& record, table_id table, std::string_view principal,
                               stamp now) const {
  if (!record.is_there(now)) return false;
  const auto* const of_table = guard(table);
  if (record.acl.empty() && (!of_table || of_table->empty())) return record.has_value;
  return record.has_value && guard_of(record, of_table).may_read(principal);
}

void state_machine::visit_visible(
    const read& r, const scan_terms& t, table_id table, const table_state& state,
    const std::function<bool(std::string_view row, const row_record& record)>& visit) const {
  const auto now = std::max(now_, state.least);
  const auto from = t.after ? *t.after + std::string(1, 0) : std::string();
  scan_table(table, state.moves, t.prefix, from, [&](std::string_view row, std::string_view bytes) {
    const auto record = decode_row(bytes);
    ATLAS_CHECK(record.has_value(), "rows decode");
    return !is_visible(*record, table, r.principal, now) || visit(row, *record);
  });
}

/// The catalogue's own listing: names only, as encode_rows.
outcome state_machine::answer_keys(const read& r, table_id table, const table_state& state) const {
  outcome found;
  visit_visible(r, {r.row, {}, 0, false, 0}, table, state,
                [&](std::string_view row, const row_record&) {
                  put_string(found.data, row);
                  put_string(found.data, {});
                  return found.data.size() <= scan_bytes_max;
                });
  return found.data.size() > scan_bytes_max ? too_much() : found;
}

outcome state_machine::answer_listing(const read& r, table_id table,
                                      const table_state& state) const {
  const auto t = decode_scan_terms(r.row);
  if (!t) return {outcome_code::refused, "not a listing"};
  if (r.what == read_kind::count) {
    std::uint64_t n = 0;
    visit_visible(r, *t, table, state,
                  [&](std::string_view, const row_record&) { return ++n > 0; });
    outcome counted;
    put_varint(counted.data, n);
    return counted;
  }
  if (r.what == read_kind::sample) return answer_sample(r, *t, table, state);
  scan_page page;
  std::size_t bytes = 0;
  visit_visible(r, *t, table, state, [&](std::string_view row, const row_record& record) {
    page.more = (t->limit && page.rows.size() == t->limit) || bytes > scan_bytes_max;
    if (page.more) return false;
    page.rows.emplace_back(row, t->values ? record.value : std::string_view());
    bytes += 16 + row.size() + page.rows.back().second.size();
    return true;
  });
  // Without a limit nobody expects a part for the whole.
  if (page.more && !t->limit) return too_much();
  return {outcome_code::ok, encode(page)};
}

/// Every visible row with the same chance (Vitter, "Random Sampling with a Reservoir", 1985).
outcome state_machine::answer_sample(const read& r, const scan_terms& t, table_id table,
                                     const table_state& state) const {
  const auto wanted = std::min<std::uint64_t>(t.limit, sample_rows_max);
  rng random(t.seed);
  std::vector<std::string> kept;
  std::uint64_t seen = 0;
  visit_visible(r, t, table, state, [&](std::string_view row, const row_record&) {
    ++seen;
    if (kept.size() < wanted)
      kept.emplace_back(row);
    else if (const auto place = random.below(seen); place < wanted)
      kept[place] = row;
    return wanted > 0;
  });
  std::sort(kept.begin(), kept.end());
  // How many there are goes along, so that samples of several tables can be weighed.
  outcome out;
  put_varint(out.data, seen);
  for (const auto& row : kept) put_string(out.data, row);
  return out;
}

}  // namespace atlas::core
