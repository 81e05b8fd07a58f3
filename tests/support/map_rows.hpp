// The rows of a catalogue in memory, for tests of what the meta log's commands do to them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/catalogue.hpp"

namespace atlas::tests {

class map_rows final : public core::catalogue_rows {
 public:
  std::optional<std::string> get(const std::string& row) const override {
    const auto found = rows.find(row);
    if (found == rows.end()) return std::nullopt;
    return found->second;
  }
  std::vector<std::pair<std::string, std::string>> scan(const std::string& prefix) const override {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [row, value] : rows)
      if (row.starts_with(prefix)) out.emplace_back(row, value);
    return out;
  }
  void put(const std::string& row, std::string value) override {
    rows.insert_or_assign(row, std::move(value));
  }
  void erase(const std::string& row) override { rows.erase(row); }

  std::map<std::string, std::string> rows;
};

}  // namespace atlas::tests
