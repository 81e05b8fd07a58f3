#include "core/row_overlay.hpp"

#include <map>

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
    if (row.starts_with(prefix)) fresh.emplace(row, &l);
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

void row_overlay::set(const std::string& row, blob value, std::uint64_t group) {
  rows_.insert_or_assign(row, layer{std::move(value), group});
  order_.emplace_back(group, row);
}

void row_overlay::written(std::uint64_t group) {
  while (!order_.empty() && order_.front().first <= group) {
    const auto found = rows_.find(order_.front().second);
    if (found != rows_.end() && found->second.group <= group) rows_.erase(found);
    order_.pop_front();
  }
}

}  // namespace atlas::core
