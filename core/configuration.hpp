// Who votes in a log: acceptors by zone and the tolerances fn and fz, numbered by epoch. A
// configuration is logged (consensus.md §9); no node ever derives one from health or local lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace atlas::core {

/// One acceptor of a log and the zone it counts in.
struct acceptor_seat {
  node_id node;
  std::string zone;
  friend bool operator==(const acceptor_seat&, const acceptor_seat&) = default;
};

/// The acceptors of a log with its tolerances. `seats` is sorted by (zone, node) and has no
/// duplicates; `parent` is the epoch that this one replaces (0 for the first).
struct configuration {
  config_epoch epoch;
  config_epoch parent;
  std::uint32_t fn = 0;  ///< nodes per zone that may be lost without stopping commits
  std::uint32_t fz = 0;  ///< zones that may be lost without stopping commits
  std::vector<acceptor_seat> seats;

  friend bool operator==(const configuration&, const configuration&) = default;
  [[nodiscard]] bool has(node_id node) const;
};

/// What a user asked for: a number, or "auto" (empty). Kept in the catalogue; what auto resolves to
/// is part of each logged configuration.
struct tolerance_policy {
  std::optional<std::uint32_t> fn;
  std::optional<std::uint32_t> fz;
  friend bool operator==(const tolerance_policy&, const tolerance_policy&) = default;
};

/// Sorts seats into the canonical order of `configuration::seats`.
void sort_seats(std::vector<acceptor_seat>& seats);

/// Appends the wire and disk form of `c` to `out` (docs/formats.md, "configuration").
void encode_configuration(const configuration& c, std::string& out);

/// Decodes what `encode_configuration` wrote and moves `in` past it; empty if the bytes are broken.
std::optional<configuration> decode_configuration(std::string_view& in);

}  // namespace atlas::core
