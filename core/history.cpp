#include "core/history.hpp"

#include <algorithm>
#include <utility>

#include "core/bytes.hpp"

namespace atlas::core {
namespace {

// Beside the kind in a change's first byte.
constexpr std::uint8_t kind_bits = 3;
constexpr std::uint8_t has_value = 4;
constexpr std::uint8_t has_guard = 8;
constexpr std::uint8_t has_step = 16;
constexpr std::uint8_t all_bits = 31;

/// `guard`: its number among the lists of the record.
void encode(std::string& out, const change& c, std::size_t guard) {
  auto head = static_cast<std::uint8_t>(c.what);
  if (c.value) head |= has_value;
  if (!c.guard.empty()) head |= has_guard;
  if (c.step) head |= has_step;
  out.push_back(static_cast<char>(head));
  put_varint(out, c.version);
  if (c.what == change_kind::expire)
    put_string(out, c.row);
  else
    put_varint(out, c.command);
  if (c.step) put_varint(out, c.step);
  if (c.value) put_string(out, *c.value);
  if (!c.guard.empty()) put_varint(out, guard);
}

bool decode(byte_reader& in, const std::vector<std::string_view>& guards, change& c) {
  const auto head = in.byte();
  c.what = static_cast<change_kind>(head & kind_bits);
  c.version = in.varint();
  if (c.what == change_kind::expire)
    c.row = in.string();
  else
    c.command = in.varint();
  if (head & has_step) c.step = in.varint();
  if (head & has_value) c.value = std::string(in.string());
  if (head & has_guard) {
    const auto guard = in.varint();
    if (guard >= guards.size()) return false;
    c.guard = guards[guard];
  }
  return !in.failed() && (head & kind_bits) != 0 && head <= all_bits;
}

std::string_view behind_period(std::string_view value) {
  byte_reader in(value);
  in.byte();
  in.varint();
  return in.rest();
}

std::string_view behind_number(std::string_view value) {
  byte_reader in(value);
  in.varint();
  return in.rest();
}

}  // namespace

void encode_table_changes(std::string& out, table_id table, std::uint64_t first,
                          const std::vector<change>& list) {
  put_varint(out, table.value);
  put_varint(out, first);
  // Nearly always one list guards them all.
  std::vector<std::string_view> guards;
  std::vector<std::size_t> numbers;
  for (const auto& c : list) {
    auto known = std::find(guards.begin(), guards.end(), c.guard);
    if (!c.guard.empty() && known == guards.end()) known = guards.insert(known, c.guard);
    numbers.push_back(static_cast<std::size_t>(known - guards.begin()));
  }
  std::string body;
  put_varint(body, guards.size());
  for (const auto& g : guards) put_string(body, g);
  put_varint(body, list.size());
  for (std::size_t i = 0; i < list.size(); ++i) encode(body, list[i], numbers[i]);
  put_string(out, body);
}

std::optional<table_changes> changes_of(table_id table, std::string_view record) {
  byte_reader in(record);
  while (!in.failed() && !in.rest().empty()) {
    const table_id of{in.varint()};
    table_changes found;
    found.first = in.varint();
    const auto body = in.string();
    if (in.failed()) return std::nullopt;
    if (of != table) continue;
    byte_reader changes(body);
    std::vector<std::string_view> guards;
    for (auto left = changes.varint(); left > 0 && !changes.failed(); --left)
      guards.push_back(changes.string());
    const auto count = changes.varint();
    for (std::uint64_t i = 0; i < count; ++i) {
      change c;
      if (!decode(changes, guards, c)) return std::nullopt;
      found.list.push_back(std::move(c));
    }
    if (!changes.complete() || found.first == 0) return std::nullopt;
    return found;
  }
  if (in.failed()) return std::nullopt;
  return table_changes{};
}

bool change_teller::find(std::uint64_t command) {
  while (next_ <= command) {
    if (!reader_.next(command_)) return false;
    ++next_;
  }
  return next_ == command + 1;
}

std::optional<told_change> change_teller::tell(const change& c) {
  if (c.what == change_kind::expire) return told_change{c.row, {}, {}};
  if (!find(c.command)) return std::nullopt;
  told_change told{command_.row, command_.principal, {}};
  if (c.step) {
    if (steps_of_ != next_) {
      auto steps = decode_steps(command_.value);
      if (!steps) return std::nullopt;
      steps_ = *std::move(steps);
      steps_of_ = next_;
    }
    if (c.step > steps_.size()) return std::nullopt;
    const auto& s = steps_[c.step - 1];
    told.row = row_of_key(s.key);
    told.value = s.value;
  } else if (command_.what == operation::put_once) {
    told.value = behind_period(command_.value);
  } else if (command_.what == operation::cas) {
    told.value = behind_number(command_.value);
  } else if (command_.what == operation::put) {
    told.value = command_.value;
  } else if (command_.what == operation::put_blob) {
    told.value = command_.value;
    told.is_chunked = true;
  }
  if (c.value) told.value = *c.value;
  if (c.what != change_kind::put) told.value = {};
  return told;
}

}  // namespace atlas::core
