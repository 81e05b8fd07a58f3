// What the node knows about its own data directory: format version, identity, boot number, and
// which log lives in which family. Kept in RocksDB's default family; every change is synced.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "storage/database.hpp"
#include "storage/identity.hpp"

namespace atlas::storage {

/// One log on this disk.
struct catalogue_log {
  core::log_id log;
  family_number family = 0;
  std::string table;  ///< name the log was first opened for
};

struct catalogue {
  node_identity identity;
  std::vector<catalogue_log> logs;  ///< by log id
  std::map<core::node_id, sighting> sightings;
  std::set<core::log_id> dropped;  ///< logs that were here and must never come back
  std::uint64_t lease_ms = 0;      ///< the longest lease that this node may have granted
};

/// Reads the catalogue, or founds it in a fresh database, and raises the boot number durably.
/// Has the database find its payloads as soon as the format is known. Errors: `wrong_version`,
/// `corrupt`, `disk`.
core::result<catalogue> load_catalogue(database& disk);

/// Adds a log, durably. False after a failure.
bool store_log(database& disk, const catalogue_log& log);
/// Puts a tombstone in the place of a log, durably; `family` is what is still to be removed, or 0.
/// False after a failure.
bool store_drop(database& disk, core::log_id log, family_number family);
/// Replaces the identity (all but the boot number), durably. False after a failure.
bool store_identity(database& disk, const node_identity& identity);

/// Replaces what is remembered of a node, durably. False after a failure.
bool store_lease(database& disk, std::uint64_t lease_ms);
bool store_sighting(database& disk, core::node_id node, const sighting& seen);

/// A random (version 4) uuid in lower case.
[[nodiscard]] std::string make_uuid();

/// Bytes of the identity record, and back; empty if they are broken. The boot number is elsewhere.
[[nodiscard]] std::string encode_identity(const node_identity& identity);
[[nodiscard]] std::optional<node_identity> decode_identity(std::string_view bytes);

}  // namespace atlas::storage
