// The write path: large entries go to files, ahead of what refers to them, so that nobody else
// waits for their bytes. Records go from the groups straight into one reused batch, without a copy
// in between; one write and, if asked, one fsync carry the groups of all logs. Where a group looks
// at what an earlier one has changed (log_batch.hpp), that one is written before, without an fsync.
#include "storage/rocks_store.hpp"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>

#include "core/check.hpp"
#include "storage/catalogue.hpp"
#include "storage/database.hpp"
#include "storage/family_pool.hpp"
#include "storage/layout.hpp"
#include "storage/log_batch.hpp"
#include "storage/rocks_log.hpp"

namespace atlas::storage {
namespace {

/// A batch that grew beyond this (a snapshot came in) gives its memory back.
constexpr std::size_t batch_keep_bytes = std::size_t{8} << 20;

std::vector<family_number> spares_of(const database& disk, const catalogue& known) {
  std::set<family_number> used;
  for (const auto& log : known.logs) used.insert(log.family);
  std::vector<family_number> spare;
  for (const auto number : disk.families()) {
    if (!used.contains(number)) spare.push_back(number);
  }
  return spare;
}

}  // namespace

struct rocks_store::parts {
  struct known_log {
    std::string table;
    family_handle family;
    std::shared_ptr<rocks_log> reader;  // made by the first open_log
    family_number number = 0;
    log_writer_state written;  // the writer's alone once it is open
  };

  parts(std::shared_ptr<database> d, catalogue known)
      : disk(std::move(d)),
        identity(std::move(known.identity)),
        sightings(std::move(known.sightings)),
        lease_ms(known.lease_ms),
        dropped(std::move(known.dropped)),
        pool(disk, spares_of(*disk, known), known.logs.size()) {
    for (auto& log : known.logs) {
      logs.emplace(log.log,
                   known_log{std::move(log.table), disk->family(log.family), nullptr, log.family});
    }
  }

  /// Readers look at the rows where the last write put them.
  void follow_install(core::log_id log) {
    const std::shared_lock guard(index);
    const auto found = logs.find(log);
    if (found == logs.end()) return;
    auto& known = found->second;
    known.written.unwritten.clear();
    if (known.reader->rows_space() != known.written.rows)
      known.reader->set_rows_space(known.written.rows);
  }

  /// Null if the log was dropped. The writer is the one who drops, so it stays valid.
  known_log* find_to_write(core::log_id log) {
    const std::shared_lock guard(index);
    if (dropped.contains(log)) return nullptr;
    const auto found = logs.find(log);
    ATLAS_CHECK(found != logs.end() && found->second.reader,
                "a log is opened before it is written");
    return &found->second;
  }

  /// Its family; empty if the log was dropped.
  std::optional<family_number> number_of(core::log_id log) {
    const std::shared_lock guard(index);
    const auto found = logs.find(log);
    if (dropped.contains(log) || found == logs.end()) return std::nullopt;
    return found->second.number;
  }

  void file_entries(core::log_writes& group) {
    std::optional<family_number> family;
    for (const auto& w : group.writes) {
      if (!core::is_filed(w)) continue;
      if (!family && !(family = number_of(group.log))) return;
      payload_place place;
      const auto status = stream.append({*family, w.at}, *w.value, place);
      if (!status.ok()) return disk->fail("writing payloads", status);
      const auto bytes = encode_place(place);
      group.filed.append(bytes.data(), bytes.size());
    }
  }

  void sync_filed() {
    if (const auto status = stream.sync(); !status.ok()) disk->fail("writing payloads", status);
  }

  /// What has come here unfiled goes the same way.
  void file_the_rest(std::vector<core::log_writes>& groups) {
    const auto is_left = [](const core::log_writes& group) {
      const auto& all = group.writes;
      return group.filed.empty() && std::any_of(all.begin(), all.end(), core::is_filed);
    };
    if (std::none_of(groups.begin(), groups.end(), is_left)) return;
    const std::lock_guard guard(filing);
    for (auto& group : groups)
      if (is_left(group)) file_entries(group);
    sync_filed();
  }

  /// The places of a group's filed entries.
  [[nodiscard]] static std::vector<payload_place> places_of(const core::log_writes& group) {
    std::vector<payload_place> places;
    std::string_view notes = group.filed;
    for (; !notes.empty(); notes.remove_prefix(place_size)) {
      const auto place = decode_place(notes.substr(0, place_size));
      ATLAS_CHECK(place.has_value(), "the notes about a group are the store's own");
      places.push_back(*place);
    }
    return places;
  }

  /// Writes what is in the batch: the end of the groups up to `end`.
  void put_down(const std::vector<core::log_writes>& groups, const core::log_writes* end,
                bool sync) {
    const auto expired = sync ? disk->payloads().expired() : std::vector<std::uint64_t>();
    if (!disk->write_group(batch, sync)) return;
    disk->payloads().retire(expired);
    disk->payloads().settled(std::exchange(awaited, {}));
    disk->payloads().release(std::exchange(ended, {}));
    for (const auto* group = groups.data(); group != end; ++group) follow_install(group->log);
    if (batch.GetDataSize() > batch_keep_bytes) {
      batch = rocksdb::WriteBatch();
    } else {
      batch.Clear();
    }
  }

  const std::shared_ptr<database> disk;
  node_identity identity;
  std::map<core::node_id, sighting> sightings;  // guarded by `opening`
  const std::uint64_t lease_ms;
  std::set<core::log_id> dropped;  // guarded by `index`
  family_pool pool;
  mutable std::mutex opening;       // one change of the catalogue at a time
  mutable std::shared_mutex index;  // guards `logs`; never held across a disk access
  std::map<core::log_id, known_log> logs;
  rocksdb::WriteBatch batch;           // the writer's alone, like what follows
  std::vector<payload_place> awaited;  ///< payloads whose first reference is in the batch
  std::vector<payload_place> ended;    ///< with the batch
  std::mutex filing;                   // guards the stream
  payload_stream stream{disk->payloads()};
};

core::result<std::unique_ptr<rocks_store>> rocks_store::open(const store_options& options) {
  auto disk = database::open(options);
  if (!disk) return disk.error();
  auto known = load_catalogue(*disk.value());
  if (!known) return known.error();
  if (auto started = disk.value()->start_chores(); !started) return started.error();
  auto p = std::make_unique<parts>(std::move(disk).value(), std::move(known).value());
  return std::unique_ptr<rocks_store>(new rocks_store(std::move(p)));
}

rocks_store::rocks_store(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
rocks_store::~rocks_store() = default;

const node_identity& rocks_store::identity() const {
  return parts_->identity;
}

core::result<core::done> rocks_store::set_membership(std::string_view cluster_id,
                                                     core::node_id node, bool keys_folded) {
  if (cluster_id.empty() || !node) {
    return core::failure{core::errc::refused, "a membership needs a cluster id and a node number"};
  }
  node_identity& now = parts_->identity;
  const bool member = !now.cluster_id.empty();
  if (member && now.cluster_id == cluster_id && now.node == node &&
      now.keys_folded == keys_folded) {
    return core::done{};
  }
  if (member) {
    return core::failure{
        core::errc::refused,
        parts_->disk->path() + " belongs to node " + std::to_string(now.node.value) +
            " of cluster " + now.cluster_id + " and cannot become node " +
            std::to_string(node.value) + " of cluster " + std::string(cluster_id) +
            (now.keys_folded == keys_folded ? "" : " with another folding of keys") +
            ". Name an empty data directory to join as a new node."};
  }
  node_identity next = now;
  next.cluster_id = cluster_id;
  next.node = node;
  next.keys_folded = keys_folded;
  if (!store_identity(*parts_->disk, next)) {
    return core::failure{core::errc::disk, "the membership could not be written"};
  }
  now = std::move(next);
  return core::done{};
}

std::uint64_t rocks_store::lease_ms() const {
  return parts_->lease_ms;
}

core::result<core::done> rocks_store::allow_leases(std::uint64_t ms) {
  const std::lock_guard one_at_a_time(parts_->opening);
  if (ms > parts_->lease_ms && !store_lease(*parts_->disk, ms))
    return core::failure{core::errc::disk, "the length of leases could not be written down"};
  return core::done{};
}

std::map<core::node_id, sighting> rocks_store::sightings() const {
  const std::lock_guard one_at_a_time(parts_->opening);
  return parts_->sightings;
}

core::result<core::done> rocks_store::remember(core::node_id node, const sighting& seen) {
  const std::lock_guard one_at_a_time(parts_->opening);
  if (!store_sighting(*parts_->disk, node, seen))
    return core::failure{core::errc::disk, "the start of node " + std::to_string(node.value) +
                                               " could not be written down"};
  parts_->sightings[node] = seen;
  return core::done{};
}

void rocks_store::write(std::vector<core::log_writes>& groups, bool sync) {
  parts_->file_the_rest(groups);
  const std::lock_guard writing(parts_->disk->writing());
  bool touches_payloads = false;
  for (auto& group : groups) {
    const auto any = [&](auto is_so) {
      return std::any_of(group.writes.begin(), group.writes.end(), is_so);
    };
    if (touches_payloads && any(log_batch::looks_at_disk)) {
      parts_->put_down(groups, &group, false);
      touches_payloads = false;
    }
    touches_payloads = touches_payloads || any(log_batch::touches_payloads);
    auto* const known = parts_->find_to_write(group.log);
    const auto places = parts::places_of(group);
    ATLAS_CHECK(places.empty() || parts_->disk->payloads().are_synced(places),
                "a vote follows what it is for");
    auto& awaited = parts_->awaited;
    awaited.insert(awaited.end(), places.begin(), places.end());
    if (!known) {  // dropped since it was filed
      parts_->ended.insert(parts_->ended.end(), places.begin(), places.end());
      continue;
    }
    log_batch to(*parts_->disk, parts_->batch, known->family.get(), known->written, places,
                 parts_->ended);
    for (const auto& w : group.writes) to.add(w);
  }
  parts_->put_down(groups, groups.data() + groups.size(), sync);
}

void rocks_store::file_entries(core::log_writes& group) {
  const std::lock_guard guard(parts_->filing);
  parts_->file_entries(group);
}

void rocks_store::sync_filed() {
  const std::lock_guard guard(parts_->filing);
  parts_->sync_filed();
}

std::shared_ptr<core::log_store> rocks_store::open_log(core::log_id log, std::string_view table) {
  ATLAS_CHECK(log, "log 0 means no log");
  const std::lock_guard one_at_a_time(parts_->opening);
  std::optional<family_number> number;
  {
    const std::shared_lock guard(parts_->index);
    if (parts_->dropped.contains(log)) return nullptr;
    const auto known = parts_->logs.find(log);
    if (known != parts_->logs.end() && known->second.reader) return known->second.reader;
    if (known != parts_->logs.end()) number = known->second.number;
  }
  parts::known_log opened{std::string(table)};
  if (!number) {
    number = parts_->pool.take();
    store_log(*parts_->disk, {log, *number, opened.table});
  }
  opened.number = *number;
  opened.family = parts_->disk->family(*number);
  opened.reader = std::make_shared<rocks_log>(parts_->disk, log, *number);
  opened.written = opened.reader->writer_state();
  const std::unique_lock guard(parts_->index);
  auto& known = parts_->logs.try_emplace(log, opened).first->second;
  opened.table = known.table;  // the name it was first opened for
  known = std::move(opened);
  return known.reader;
}

void rocks_store::drop_log(core::log_id log) {
  const std::lock_guard one_at_a_time(parts_->opening);
  family_number family = 0;
  {
    const std::unique_lock guard(parts_->index);
    if (!parts_->dropped.insert(log).second) return;
    const auto known = parts_->logs.find(log);
    if (known != parts_->logs.end()) family = known->second.number;
    parts_->logs.erase(log);
  }
  // The tombstone is on disk before the family goes, so that a crash in between is finished at the
  // next start, and stays: a copy that comes back empty would vote as if it had promised nothing.
  if (!store_drop(*parts_->disk, log, family) || family == 0) return;
  parts_->disk->drop_family(family);
  store_drop(*parts_->disk, log, 0);
}

std::vector<std::pair<core::log_id, std::string>> rocks_store::logs() const {
  const std::shared_lock guard(parts_->index);
  std::vector<std::pair<core::log_id, std::string>> out;
  out.reserve(parts_->logs.size());
  for (const auto& [log, known] : parts_->logs) out.emplace_back(log, known.table);
  return out;
}

}  // namespace atlas::storage
