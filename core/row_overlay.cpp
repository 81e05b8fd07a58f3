#include "core/row_overlay.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace atlas::core {

std::optional<std::string> row_overlay::get(const std::string& row) const {
  if (const auto found = rows_.find(row); found != rows_.end()) {
    if (!found->second.value) return std::nullopt;
    return *found->second.value;
  }
  return disk_->get(row);
}

std::vector<std::pair<std::string, std::string>> row_overlay::scan(
    const std::string& prefix) const {
  std::map<std::string_view, const layer*> fresh;
  for (const auto& [row, l] : rows_)
    if (l.state != layer_state::kept && row.starts_with(prefix)) fresh.emplace(row, &l);
  std::vector<std::pair<std::string, std::string>> out;
  auto next = fresh.begin();
  const auto take = [&] {
    if (next->second->value) out.emplace_back(next->first, *next->second->value);
    ++next;
  };
  disk_->scan(prefix, [&](std::string_view row, std::string_view value) {
    while (next != fresh.end() && next->first < row) take();
    if (next != fresh.end() && next->first == row)
      take();
    else
      out.emplace_back(row, value);
    return true;
  });
  while (next != fresh.end()) take();
  return out;
}

std::size_t row_overlay::size_of(const layer_map::value_type& row) {
  return 96 + row.first.size() + (row.second.value ? row.second.value->size() : 0);
}

void row_overlay::set(const std::string& row, blob value) {
  const auto [at, fresh] = rows_.try_emplace(row);
  layer& l = at->second;
  if (!fresh && l.state == layer_state::kept) kept_bytes_ -= size_of(*at);
  if (fresh || l.state != layer_state::unsaved) unsaved_.push_back(&*at);
  l.state = layer_state::unsaved;
  l.value = std::move(value);
}

void row_overlay::save(std::uint64_t group, std::vector<record_write>& writes) {
  std::sort(unsaved_.begin(), unsaved_.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  writes.reserve(writes.size() + unsaved_.size() + 2);
  for (auto* row : unsaved_) {
    row->second.state = layer_state::saved;
    row->second.group = group;
    const bool there = row->second.value != nullptr;
    writes.push_back({.what = there ? record_write::kind::put_row : record_write::kind::erase_row,
                      .key = row->first,
                      .value = row->second.value});
    saved_.emplace_back(group, row->first);
  }
  unsaved_.clear();
}

void row_overlay::written(std::uint64_t group) {
  for (; !saved_.empty() && saved_.front().first <= group; saved_.pop_front()) {
    const auto found = rows_.find(saved_.front().second);
    if (found == rows_.end() || found->second.state != layer_state::saved ||
        found->second.group > group)
      continue;  // changed again since
    if (found->second.value)
      keep(found);
    else
      rows_.erase(found);
  }
}

void row_overlay::keep(layer_map::iterator row) {
  row->second.state = layer_state::kept;
  kept_bytes_ += size_of(*row);
  if (!std::exchange(row->second.listed, true)) kept_.push_back(row->first);
  while (kept_bytes_ > kept_bytes_max && !kept_.empty()) {
    const auto oldest = rows_.find(kept_.front());
    kept_.pop_front();
    if (oldest == rows_.end()) continue;
    oldest->second.listed = false;
    if (oldest->second.state != layer_state::kept) continue;
    kept_bytes_ -= size_of(*oldest);
    rows_.erase(oldest);
  }
}

}  // namespace atlas::core
