// Keys and values of the default family; docs/formats.md, "Catalogue".
#include "storage/catalogue.hpp"

#include <rocksdb/write_batch.h>

#include <array>
#include <cstdio>
#include <memory>
#include <random>

#include "core/bytes.hpp"
#include "core/format.hpp"
#include "storage/layout.hpp"

namespace atlas::storage {
namespace {

constexpr std::string_view format_key = "atlas/format";
constexpr std::string_view identity_key = "node/identity";
constexpr std::string_view boot_key = "node/boot";
constexpr std::string_view log_prefix = "log/";
constexpr std::string_view lease_key = "node/lease";
constexpr std::string_view sighting_prefix = "seen/";
constexpr std::string_view drop_prefix = "drop/";

std::string number_bytes(std::uint64_t v) {
  std::string out;
  core::put_big_endian(out, v);
  return out;
}

core::failure damaged(const database& disk, const std::string& what) {
  return {core::errc::corrupt, disk.path() + ": " + what +
                                   ". The node must not vote with it. Replace the disk and let " +
                                   "the node join again as a new one."};
}

/// Value of a key, empty if it is absent.
core::result<std::optional<std::string>> read(const database& disk, std::string_view key) {
  std::string value;
  const auto status = disk.db().Get({}, slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (status.IsCorruption()) return damaged(disk, status.ToString());
  if (!status.ok()) return core::failure{core::errc::disk, disk.path() + ": " + status.ToString()};
  return std::optional<std::string>{std::move(value)};
}

core::result<std::uint64_t> read_number(const database& disk, std::string_view key) {
  auto bytes = read(disk, key);
  if (!bytes) return bytes.error();
  if (!bytes.value() || bytes.value()->size() != number_size) {
    return damaged(disk, "the record '" + std::string(key) + "' is missing or damaged");
  }
  return get_number(*bytes.value());
}

core::result<core::done> check_format(const database& disk) {
  auto found = read_number(disk, format_key);
  if (!found) return found.error();
  if (found.value() == core::format_version) return core::done{};
  return core::failure{core::errc::wrong_version,
                       disk.path() + " was written in format " + std::to_string(found.value()) +
                           ", this program reads format " + std::to_string(core::format_version) +
                           ". Start the version of atlas-node that wrote it. Where the other " +
                           "nodes run this version already, name an empty data directory and " +
                           "let the node join again as a new one."};
}

/// One batch, so that a directory is either unborn or complete.
bool found_catalogue(database& disk) {
  node_identity born;
  born.node_uuid = make_uuid();
  born.disk_uuid = make_uuid();
  rocksdb::WriteBatch batch;
  batch.Put(slice(format_key), number_bytes(core::format_version));
  batch.Put(slice(identity_key), encode_identity(born));
  batch.Put(slice(boot_key), number_bytes(0));
  return disk.write_group(batch, true);
}

core::result<core::boot_epoch> raise_boot(database& disk) {
  auto last = read_number(disk, boot_key);
  if (!last) return last.error();
  const core::boot_epoch boot{last.value() + 1};
  rocksdb::WriteBatch batch;
  batch.Put(slice(boot_key), number_bytes(boot.value));
  if (!disk.write_group(batch, true)) {  // still alone: this raises the durable mark as well
    return core::failure{core::errc::disk, disk.path() + ": the boot number could not be written"};
  }
  return boot;
}

core::result<std::vector<catalogue_log>> read_logs(const database& disk) {
  std::vector<catalogue_log> logs;
  const std::unique_ptr<rocksdb::Iterator> it(disk.db().NewIterator({}));
  for (it->Seek(slice(log_prefix)); it->Valid() && it->key().starts_with(slice(log_prefix));
       it->Next()) {
    const auto key = it->key().ToStringView();
    const auto value = it->value().ToStringView();
    if (key.size() != log_prefix.size() + number_size || value.size() < number_size) {
      return damaged(disk, "a log's record in the catalogue is damaged");
    }
    catalogue_log log{core::log_id{get_number(key.substr(log_prefix.size()))}, get_number(value),
                      std::string(value.substr(number_size))};
    if (disk.family(log.family) == nullptr) {
      return damaged(disk, "the column family of log " + std::to_string(log.log.value) +
                               " (table '" + log.table + "') is missing");
    }
    logs.push_back(std::move(log));
  }
  if (!it->status().ok()) return damaged(disk, it->status().ToString());
  return logs;
}

/// Finishes the drops that a crash cut short.
core::result<std::set<core::log_id>> read_dropped(database& disk) {
  std::map<core::log_id, family_number> found;
  const std::unique_ptr<rocksdb::Iterator> it(disk.db().NewIterator({}));
  for (it->Seek(slice(drop_prefix)); it->Valid() && it->key().starts_with(slice(drop_prefix));
       it->Next()) {
    const auto key = it->key().ToStringView();
    const auto value = it->value().ToStringView();
    if (key.size() != drop_prefix.size() + number_size || value.size() != number_size)
      return damaged(disk, "the record of a dropped table is damaged");
    found[{get_number(key.substr(drop_prefix.size()))}] = get_number(value);
  }
  if (!it->status().ok()) return damaged(disk, it->status().ToString());
  std::set<core::log_id> dropped;
  for (const auto& [log, family] : found) {
    dropped.insert(log);
    if (family == 0) continue;
    disk.drop_family(family);
    if (!store_drop(disk, log, 0))
      return core::failure{core::errc::disk, disk.path() + ": a drop could not be finished"};
  }
  return dropped;
}

core::result<std::map<core::node_id, sighting>> read_sightings(const database& disk) {
  std::map<core::node_id, sighting> out;
  const std::unique_ptr<rocksdb::Iterator> it(disk.db().NewIterator({}));
  for (it->Seek(slice(sighting_prefix));
       it->Valid() && it->key().starts_with(slice(sighting_prefix)); it->Next()) {
    const auto key = it->key().ToStringView();
    const auto value = it->value().ToStringView();
    if (key.size() != sighting_prefix.size() + number_size || value.size() != 2 * number_size)
      return damaged(disk, "the record of another node's last start is damaged");
    out[{get_number(key.substr(sighting_prefix.size()))}] = {{get_number(value)},
                                                             get_number(value.substr(number_size))};
  }
  if (!it->status().ok()) return damaged(disk, it->status().ToString());
  return out;
}

/// True for a database that holds nothing yet: new, or left by a first start that was cut short.
bool is_unborn(const database& disk) {
  return disk.fresh() || disk.db().GetLatestSequenceNumber() == 0;
}

}  // namespace

core::result<catalogue> load_catalogue(database& disk) {
  if (is_unborn(disk) && !found_catalogue(disk)) {
    return core::failure{core::errc::disk, disk.path() + ": the catalogue could not be written"};
  }
  auto format = check_format(disk);
  if (!format) return format.error();
  if (auto found = disk.find_payloads(); !found) return found.error();
  auto bytes = read(disk, identity_key);
  if (!bytes) return bytes.error();
  auto identity = decode_identity(bytes.value().value_or(""));
  if (!identity) return damaged(disk, "the node's identity is missing or damaged");
  auto logs = read_logs(disk);
  if (!logs) return logs.error();
  auto dropped = read_dropped(disk);
  if (!dropped) return dropped.error();
  auto sightings = read_sightings(disk);
  if (!sightings) return sightings.error();
  auto lease = read(disk, lease_key);
  if (!lease) return lease.error();
  if (lease.value() && lease.value()->size() != number_size)
    return damaged(disk, "the record of the longest lease is damaged");
  auto boot = raise_boot(disk);
  if (!boot) return boot.error();
  identity->boot = boot.value();
  return catalogue{*std::move(identity), std::move(logs).value(), std::move(sightings).value(),
                   std::move(dropped).value(), lease.value() ? get_number(*lease.value()) : 0};
}

bool store_lease(database& disk, std::uint64_t lease_ms) {
  rocksdb::WriteBatch batch;
  batch.Put(slice(lease_key), number_bytes(lease_ms));
  return disk.write_catalogue(batch);
}

bool store_sighting(database& disk, core::node_id node, const sighting& seen) {
  rocksdb::WriteBatch batch;
  batch.Put(std::string(sighting_prefix) + number_bytes(node.value),
            number_bytes(seen.boot.value) + number_bytes(seen.start_nonce));
  return disk.write_catalogue(batch);
}

bool store_log(database& disk, const catalogue_log& log) {
  rocksdb::WriteBatch batch;
  batch.Put(std::string(log_prefix) + number_bytes(log.log.value),
            number_bytes(log.family) + log.table);
  return disk.write_catalogue(batch);
}

bool store_drop(database& disk, core::log_id log, family_number family) {
  rocksdb::WriteBatch batch;
  batch.Delete(std::string(log_prefix) + number_bytes(log.value));
  batch.Put(std::string(drop_prefix) + number_bytes(log.value), number_bytes(family));
  return disk.write_catalogue(batch);
}

bool store_identity(database& disk, const node_identity& identity) {
  rocksdb::WriteBatch batch;
  batch.Put(slice(identity_key), encode_identity(identity));
  return disk.write_catalogue(batch);
}

std::string make_uuid() {
  std::random_device entropy;
  std::array<unsigned, 4> w{};
  for (auto& word : w) word = entropy();
  w[1] = (w[1] & 0xffff0fffU) | 0x00004000U;  // version 4
  w[2] = (w[2] & 0x3fffffffU) | 0x80000000U;  // the RFC's variant
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%04x%08x", w[0], w[1] >> 16, w[1] & 0xffffU,
                w[2] >> 16, w[2] & 0xffffU, w[3]);
  return text;
}

std::string encode_identity(const node_identity& identity) {
  std::string out;
  core::put_string(out, identity.node_uuid);
  core::put_string(out, identity.disk_uuid);
  core::put_string(out, identity.cluster_id);
  core::put_varint(out, identity.node.value);
  out.push_back(identity.keys_folded ? '\1' : '\0');
  return out;
}

std::optional<node_identity> decode_identity(std::string_view bytes) {
  core::byte_reader in(bytes);
  node_identity identity;
  identity.node_uuid = in.string();
  identity.disk_uuid = in.string();
  identity.cluster_id = in.string();
  identity.node.value = in.varint();
  const std::uint8_t folded = in.byte();
  if (!in.complete() || folded > 1 || identity.node_uuid.empty() || identity.disk_uuid.empty()) {
    return std::nullopt;
  }
  identity.keys_folded = folded == 1;
  return identity;
}

}  // namespace atlas::storage
