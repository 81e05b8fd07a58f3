// What a transaction asks for: conditions first to last, then changes in order, all of them or none
// (docs/protocol.md, TXN). As bytes it is the value of one command, so that it is atomic because a
// slot is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace atlas::core {

/// The numbers are on disk.
enum class step_kind : std::uint8_t {
  if_version = 1,  ///< `number`: the row is there with this version
  if_absent = 2,
  if_value = 3,  ///< the row is there with this `value`
  put = 4,
  erase = 5,
  increase = 6,  ///< `number`: by how much, two's complement
};

struct txn_step {
  step_kind what = step_kind::put;
  /// From the client: the whole key, and no table. In a command: the row and its table.
  std::string key;
  std::uint64_t number = 0;
  std::string value;
  table_id table = {};
  friend bool operator==(const txn_step&, const txn_step&) = default;
};

/// Steps of one transaction at most.
inline constexpr std::size_t txn_steps_max = 1'000;

[[nodiscard]] inline bool is_condition(step_kind k) {
  return k < step_kind::put;
}
/// The part of a key behind its table: empty, or from the first dot on.
[[nodiscard]] inline std::string_view row_of_key(std::string_view key) {
  const auto dot = key.find('.');
  return dot == std::string_view::npos ? std::string_view() : key.substr(dot);
}
[[nodiscard]] std::string encode_steps(const std::vector<txn_step>& steps);
/// Empty if the bytes are broken, hold no step or too many.
[[nodiscard]] std::optional<std::vector<txn_step>> decode_steps(std::string_view bytes);

}  // namespace atlas::core
