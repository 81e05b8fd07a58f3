// The node's configuration file (YAML) and `--set` overrides, checked before anything starts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/configuration.hpp"
#include "core/lease.hpp"
#include "core/replica_limits.hpp"
#include "core/result.hpp"

namespace atlas::cli {

struct endpoint {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// `emulate:` delays between regions, for tests and demos. Milliseconds round trip.
struct emulated_wan {
  bool enabled = false;
  std::map<std::pair<std::string, std::string>, double> rtt_ms;  ///< both orders present
  double same_region_ms = 1;                                     ///< pairs that are not listed
  double other_region_ms = 50;
};

/// Everything `atlas-node` can be told. Defaults are those of docs/configuration.md.
struct node_config {
  endpoint advertise{"localhost", 8080};
  endpoint listen{"0.0.0.0", 8080};  ///< default: port of advertise on every interface
  std::string region = "local";
  std::string credentials;
  std::string db_path;  ///< required
  std::string socket;   ///< default: db_path/socket
  unsigned socket_mode = 0660;
  std::vector<endpoint> connect;
  bool development_mode = false;
  std::uint64_t max_cache_bytes = 512ull << 20;
  core::tolerance_policy quorum;
  bool keys_folded = false;
  bool reads_on_leases = true;  ///< `reads: lease`; false: quorum
  bool thrifty = false;         ///< ask the nearest quorum first
  core::lease_terms lease;
  std::uint64_t request_timeout_ms = 10'000;
  std::string log_level = "info";  ///< trace | debug | info | warn | error
  bool log_json = false;
  emulated_wan emulate;
  core::replica_limits limits;
  std::size_t line_bytes_max = 128u << 20;
  std::size_t blob_bytes_max = 128u << 20;
  std::uint64_t unused_parts_ms = 3'600'000;
};

/// Reads `path`, applies `--set key=value` overrides (dots descend: `quorum.fn=1`) and checks the
/// whole. A refusal names file, line, column, key, the value found and what would be right.
core::result<node_config> load_config(const std::string& path,
                                      const std::vector<std::string>& overrides);

}  // namespace atlas::cli
