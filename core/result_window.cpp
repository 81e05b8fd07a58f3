#include "core/result_window.hpp"

#include <algorithm>

#include "core/bytes.hpp"
#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

void put_line(std::string& out, table_id table, const command_id& c, const outcome& result) {
  put_varint(out, table.value);
  put_varint(out, c.from.node.value);
  put_varint(out, c.from.boot.value);
  put_varint(out, c.seq.value);
  put_varint(out, c.seq - c.floor);
  out.push_back(static_cast<char>(result.code));
  put_string(out, result.data);
}

}  // namespace

std::optional<outcome> result_window::find(table_id table, const command_id& c) const {
  const auto known = origins_.find({table, c.from.node});
  if (known == origins_.end() || planted(bug::dedupe_dropped)) return std::nullopt;
  const origin& o = known->second;
  const auto never = [] {
    return outcome{outcome_code::unknown, "the request is older than what is remembered"};
  };
  if (c.from.boot < o.boot && !planted(bug::old_boot_executed)) return never();
  if (c.from.boot > o.boot) return std::nullopt;
  if (c.seq < o.floor) return never();
  const std::uint64_t place = c.seq - o.floor;
  return place < o.results.size() ? o.results[place] : std::nullopt;
}

void result_window::origin::raise_floor(sequence to) {
  if (to <= floor) return;
  const std::uint64_t gone = std::min<std::uint64_t>(to - floor, results.size());
  for (std::uint64_t i = 0; i < gone; ++i) bytes -= results[i] ? results[i]->data.size() : 0;
  results.erase(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(gone));
  floor = to;
}

/// The least floor above which all fits. Above any floor results only gather, so where it comes to
/// stand depends on which were remembered, not on the order or on how often they were written.
void result_window::origin::fit_bytes() {
  std::uint64_t gone = 0;
  for (auto left = bytes; left > bytes_max && gone + 1 < results.size(); ++gone)
    left -= results[gone] ? results[gone]->data.size() : 0;
  raise_floor(floor + gone);
}

void result_window::remember(table_id table, const command_id& c, outcome result) {
  origin& o = origins_[{table, c.from.node}];
  if (c.from.boot > o.boot) o = origin{c.from.boot, c.floor, 0, {}};
  o.raise_floor(planted(bug::dedupe_window_too_narrow) ? c.seq : c.floor);
  if (c.seq < o.floor) return;
  if (c.seq.value >= o.floor.value + sequences_max) o.raise_floor(c.seq - (sequences_max - 1));
  const std::uint64_t place = c.seq - o.floor;
  if (place >= o.results.size()) o.results.resize(place + 1);
  auto& stored = o.results[place];
  o.bytes += result.data.size() - (stored ? stored->data.size() : 0);
  stored = std::move(result);
  o.fit_bytes();
}

void result_window::forget(table_id table) {
  std::erase_if(origins_, [&](const auto& o) { return o.first.first == table; });
}

std::vector<table_id> result_window::tables() const {
  std::vector<table_id> all;
  for (const auto& [name, o] : origins_)
    if (all.empty() || all.back() != name.first) all.push_back(name.first);
  return all;
}

void result_window::encode_line(std::string& out, table_id table, const command_id& c,
                                const outcome& result) {
  put_line(out, table, c, result);
}

bool result_window::replay(std::string_view record) {
  byte_reader in(record);
  while (!in.failed() && !in.rest().empty()) {
    const table_id table{in.varint()};
    process from;
    from.node.value = in.varint();
    from.boot.value = in.varint();
    const sequence seq{in.varint()};
    const std::uint64_t behind = in.varint();
    outcome result;
    result.code = static_cast<outcome_code>(in.byte());
    result.data = in.string();
    if (in.failed() || behind > seq.value) return false;
    remember(table, {from, seq, seq - behind}, std::move(result));
  }
  return !in.failed();
}

std::string result_window::encode_all() const {
  std::vector<std::string> one;
  for (const auto& o : origins_) encode(o, ~std::size_t{0}, one);
  return one.empty() ? std::string() : std::move(one.front());
}

std::vector<std::string> result_window::encode_parts(std::size_t bytes) const {
  std::vector<std::string> parts;
  for (const auto& o : origins_) encode(o, bytes, parts);
  return parts;
}

std::vector<std::string> result_window::encode_parts_of(table_id table, std::size_t bytes) const {
  std::vector<std::string> parts;
  for (auto o = origins_.lower_bound({table, {}}); o != origins_.end() && o->first.first == table;
       ++o)
    encode(*o, bytes, parts);
  return parts;
}

void result_window::encode(const origins::value_type& one, std::size_t bytes,
                           std::vector<std::string>& parts) {
  const auto& [name, o] = one;
  for (std::uint64_t i = 0; i < o.results.size(); ++i) {
    if (!o.results[i]) continue;
    if (parts.empty() || parts.back().size() >= bytes) parts.emplace_back();
    put_line(parts.back(), name.first, {{name.second, o.boot}, o.floor + i, o.floor},
             *o.results[i]);
  }
}

}  // namespace atlas::core
