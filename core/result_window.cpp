#include "core/result_window.hpp"

#include <algorithm>

#include "core/bytes.hpp"

namespace atlas::core {
namespace {

void put_line(std::string& out, process from, sequence seq, sequence floor, const outcome& result) {
  put_varint(out, from.node.value);
  put_varint(out, from.boot.value);
  put_varint(out, seq.value);
  put_varint(out, seq - floor);
  out.push_back(static_cast<char>(result.code));
  put_string(out, result.data);
}

}  // namespace

std::optional<outcome> result_window::find(const command& c) const {
  const auto known = origins_.find(c.from.node);
  if (known == origins_.end()) return std::nullopt;
  const origin& o = known->second;
  const outcome never{outcome_code::unknown, "the request is older than what is remembered"};
  if (c.from.boot < o.boot) return never;
  if (c.from.boot > o.boot) return std::nullopt;
  if (c.seq < o.floor) return never;
  const auto stored = o.results.find(c.seq);
  if (stored == o.results.end()) return std::nullopt;
  return stored->second;
}

void result_window::remember(const command& c, const outcome& result) {
  remember(c.from, c.seq, c.floor, result);
}

void result_window::remember(process from, sequence seq, sequence floor, outcome result) {
  origin& o = origins_[from.node];
  if (from.boot > o.boot) o = origin{from.boot, floor, {}};
  o.floor = std::max(o.floor, floor);
  o.results.insert_or_assign(seq, std::move(result));
  const auto newest = o.results.rbegin()->first;
  if (newest.value >= o.floor.value + sequences_max) o.floor = newest - (sequences_max - 1);
  o.results.erase(o.results.begin(), o.results.lower_bound(o.floor));
}

void result_window::encode_line(std::string& out, const command& c, const outcome& result) {
  put_line(out, c.from, c.seq, c.floor, result);
}

bool result_window::replay(std::string_view record) {
  byte_reader in(record);
  while (!in.failed() && !in.rest().empty()) {
    process from;
    from.node.value = in.varint();
    from.boot.value = in.varint();
    const sequence seq{in.varint()};
    const std::uint64_t behind = in.varint();
    outcome result;
    result.code = static_cast<outcome_code>(in.byte());
    result.data = in.string();
    if (in.failed() || behind > seq.value) return false;
    remember(from, seq, seq - behind, std::move(result));
  }
  return !in.failed();
}

std::string result_window::encode_all() const {
  std::string out;
  for (const auto& [node, o] : origins_)
    for (const auto& [seq, result] : o.results)
      put_line(out, {node, o.boot}, seq, std::min(seq, o.floor), result);
  return out;
}

}  // namespace atlas::core
