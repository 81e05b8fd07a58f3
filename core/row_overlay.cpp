#include "core/row_overlay.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

/// Visits the rows of `disk` and the newer ones in [next, end) as one, in byte order.
template <class Newer, class Disk>
void merge(Newer next, Newer end, const Disk& disk, std::string_view prefix, std::string_view from,
           const std::function<bool(std::string_view row, std::string_view value)>& visit) {
  bool more = true;
  const auto take = [&] {
    if (next->second) more = visit(next->first, *next->second);
    ++next;
  };
  disk.scan(prefix, from, [&](std::string_view row, std::string_view value) {
    while (more && next != end && next->first < row) take();
    if (!more) return false;
    if (next != end && next->first == row)
      take();
    else
      more = visit(row, value);
    return more;
  });
  while (more && next != end) take();
}

}  // namespace

blob row_overlay::get(std::string_view row) const {
  if (const auto found = rows_.find(row); found != rows_.end()) return found->second.value;
  auto on_disk = disk_->get(row);
  return on_disk ? make_blob(*std::move(on_disk)) : nullptr;
}

void row_overlay::scan(
    const std::string& prefix, std::string_view from,
    const std::function<bool(std::string_view row, std::string_view value)>& visit) const {
  std::map<std::string_view, blob> fresh;
  for (const auto& [row, l] : rows_)
    if (l.state != layer_state::kept && row.starts_with(prefix) && row >= from)
      fresh.emplace(row, l.value);
  merge(fresh.begin(), fresh.end(), *disk_, prefix, from, visit);
}

row_view row_overlay::freeze(std::string_view prefix, std::string_view from) const {
  std::map<std::string, blob> fresh;
  for (const auto& [row, l] : rows_)
    if (l.state != layer_state::kept && row.starts_with(prefix) && row >= from)
      fresh.emplace(row, l.value);
  return {disk_->freeze(), std::move(fresh)};
}

void row_view::scan(
    std::string_view prefix, std::string_view from,
    const std::function<bool(std::string_view row, std::string_view value)>& visit) const {
  auto end = fresh_.lower_bound(std::string(std::max(prefix, from)));
  const auto next = end;
  while (end != fresh_.end() && end->first.starts_with(prefix)) ++end;
  merge(next, end, *disk_, prefix, from, visit);
}

std::size_t row_overlay::size_of(const layer_map::value_type& row) {
  return 96 + row.first.size() + (row.second.value ? row.second.value->size() : 0);
}

row_overlay::layer_map::iterator row_overlay::find_or_add(std::string_view row) {
  const auto found = rows_.find(row);
  return found != rows_.end() ? found : rows_.try_emplace(std::string(row)).first;
}

row_overlay::layer_map::iterator row_overlay::find_or_load(std::string_view row) {
  const auto at = find_or_add(row);
  if (at->second.state != layer_state::fresh) return at;
  if (auto on_disk = disk_->get(row)) at->second.value = make_blob(*std::move(on_disk));
  return at;
}

void row_overlay::replace(layer_map::iterator row, blob value, const row_origin& origin) {
  layer& l = row->second;
  if (l.state == layer_state::kept) kept_bytes_ -= size_of(*row);
  if (l.state != layer_state::unsaved) unsaved_.push_back(&*row);
  l.state = layer_state::unsaved;
  unsaved_bytes_ += value ? value->size() : 0;
  l.value = std::move(value);
  l.origin = origin;
}

void row_overlay::save(std::uint64_t group, std::vector<record_write>& writes) {
  if (planted(bug::rows_lost_at_save) && unsaved_.size() > 1) unsaved_.pop_back();
  std::sort(unsaved_.begin(), unsaved_.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  writes.reserve(writes.size() + unsaved_.size() + 2);
  for (auto* row : unsaved_) {
    row->second.state = layer_state::saved;
    // One place in `saved_` per row and group, so that the row lives until its last place is left.
    const bool listed = std::exchange(row->second.group, group) == group;
    const bool there = row->second.value != nullptr;
    const auto& origin = row->second.origin;
    writes.push_back({.what = there ? record_write::kind::put_row : record_write::kind::erase_row,
                      .at = origin.at,
                      .key = row->first,
                      .value = row->second.value,
                      .shared_from = origin.from,
                      .shared = origin.size});
    if (!listed) saved_.emplace_back(group, row);
  }
  unsaved_.clear();
  unsaved_bytes_ = 0;
}

void row_overlay::written(std::uint64_t group) {
  for (; !saved_.empty() && saved_.front().first <= group; saved_.pop_front()) {
    auto& row = *saved_.front().second;
    if (row.second.state != layer_state::saved || row.second.group != saved_.front().first)
      continue;  // changed again since
    const bool is_wanted = row.second.value && size_of(row) <= kept_row_max;
    if (is_wanted || row.second.listed)
      keep(row);
    else
      rows_.erase(rows_.find(row.first));
  }
}

void row_overlay::keep(layer_map::value_type& row) {
  row.second.state = layer_state::kept;
  kept_bytes_ += size_of(row);
  if (!std::exchange(row.second.listed, true)) kept_.push_back(&row);
  while (kept_bytes_ > kept_bytes_max && !kept_.empty()) {
    auto& oldest = *kept_.front();
    kept_.pop_front();
    oldest.second.listed = false;
    if (oldest.second.state != layer_state::kept) continue;
    kept_bytes_ -= size_of(oldest);
    rows_.erase(rows_.find(oldest.first));
  }
}

}  // namespace atlas::core
