#include "core/listing.hpp"

#include <algorithm>
#include <utility>

#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/row_command.hpp"
#include "core/table_move.hpp"

namespace atlas::core {
namespace {

// What one listing returns: it is held in memory, and travels in one message.
constexpr std::size_t scan_bytes_max = 8 << 20;
constexpr std::size_t sample_rows_max = 10'000;
// Rows are read with their values; a turn takes no more of them.
constexpr std::size_t turn_bytes_max = 1 << 20;

std::uint64_t size_in(const row_record& record) {
  return byte_reader(record.value).varint();  // what a manifest begins with
}

}  // namespace

listing::listing(const read& asked, scan_terms terms, moment at)
    : what_(asked.what),
      principal_(asked.principal),
      terms_(std::move(terms)),
      at_(std::move(at)),
      random_(terms_.seed) {
  from_ = at_.before + (terms_.after ? *terms_.after + std::string(1, 0) : terms_.prefix);
  terms_.limit = what_ == read_kind::sample ? std::min<std::uint64_t>(terms_.limit, sample_rows_max)
                                            : terms_.limit;
  over_ = what_ == read_kind::sample && terms_.limit == 0;
}

bool listing::advance(std::size_t rows) {
  std::size_t visited = 0;
  std::size_t seen_bytes = 0;
  const auto is_full = [&] { return visited >= rows || seen_bytes >= turn_bytes_max; };
  while (!over_ && !is_full()) {
    bool stopped = false;
    const auto stop_before = [&](std::string from) {
      from_ = std::move(from);
      stopped = true;
      return false;
    };
    at_.rows.scan(at_.before + terms_.prefix, from_,
                  [&](std::string_view whole, std::string_view bytes) {
                    const auto row = whole.substr(at_.before.size());
                    if (is_reserved_row(row)) return stop_before(at_.before + end_of_reserved_rows);
                    if (is_full()) return stop_before(std::string(whole));
                    ++visited;
                    seen_bytes += bytes.size();
                    return visit(row, bytes);
                  });
    over_ = !stopped;
  }
  return over_;
}

bool listing::visit(std::string_view row, std::string_view bytes) {
  const auto record = decode_row(bytes);
  ATLAS_CHECK(record.has_value(), "rows decode");
  if (!may_see(*record, at_.of_table, principal_, at_.now)) return true;
  return take(row, *record);
}

bool listing::take(std::string_view row, const row_record& record) {
  ++seen_;
  if (what_ == read_kind::count) return true;
  if (what_ == read_kind::sample) {
    // Every visible row with the same chance (Vitter, "Random Sampling with a Reservoir", 1985).
    if (kept_.size() < terms_.limit)
      kept_.emplace_back(row);
    else if (const auto place = random_.below(seen_); place < terms_.limit)
      kept_[place] = row;
    return true;
  }
  page_.more = (terms_.limit && page_.rows.size() == terms_.limit) || bytes_ > scan_bytes_max;
  // Without a limit nobody expects a part for the whole.
  if (page_.more && !terms_.limit)
    failure_ = {outcome_code::refused, "more than " + std::to_string(scan_bytes_max >> 20) +
                                           " MiB begin like this; name a longer prefix or a LIMIT"};
  if (page_.more) return false;
  scan_row r{std::string(row), {}};
  if (record.is_chunked)
    r.chunked = size_in(record);
  else if (terms_.values)
    r.value = record.value;
  bytes_ += 16 + r.row.size() + r.value.size();
  page_.rows.push_back(std::move(r));
  return true;
}

outcome listing::take_result() {
  ATLAS_CHECK(over_, "a listing is told as a whole");
  if (failure_.code != outcome_code::ok) return std::move(failure_);
  if (what_ == read_kind::range) return {outcome_code::ok, encode(page_)};
  // How many there are goes along with a sample, so that those of several tables can be weighed.
  outcome out;
  put_varint(out.data, seen_);
  std::sort(kept_.begin(), kept_.end());
  for (const auto& row : kept_) put_string(out.data, row);
  return out;
}

}  // namespace atlas::core
