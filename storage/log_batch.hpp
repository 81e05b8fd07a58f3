// What a record becomes on disk: collects the records of one log in a RocksDB batch. Large entries
// go beside the log, as payloads, so that the row that a chunk of a value becomes can share its
// bytes instead of writing them once more. A payload goes when neither its entry nor a row needs
// it: with the truncation of the log, or with the row if that outlives the entry.
#pragma once

#include <rocksdb/write_batch.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports.hpp"
#include "storage/database.hpp"
#include "storage/layout.hpp"

namespace atlas::storage {

/// What the writer knows of one log from batch to batch.
struct log_writer_state {
  space rows = space::row;  ///< where rows go; changes with an install
  core::slot truncated;
  std::set<core::slot> payloads;  ///< that are entries of the log
  /// What the batch in hand says of payloads in files; empty: the slot has none any more.
  std::map<core::slot, std::optional<payload_place>> unwritten;
};

class log_batch {
 public:
  /// One group of records; everything must outlive it. `filed` tells where its entries are that
  /// `core::is_filed` names, in order; payloads that end with the batch are added to `ended`.
  log_batch(const database& disk, rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family,
            log_writer_state& now, const std::vector<payload_place>& filed,
            std::vector<payload_place>& ended)
      : disk_(disk), batch_(batch), family_(family), now_(now), filed_(filed), ended_with_(ended) {}

  /// To be written, it looks at what is on disk: batches that `touch` what it looks for must be
  /// written before.
  [[nodiscard]] static bool looks_at_disk(const core::record_write& w);
  [[nodiscard]] static bool touches_payloads(const core::record_write& w);

  void add(const core::record_write& w);

 private:
  void put(std::string_view key, rocksdb::Slice value);
  template <std::size_t N>
  void put_state(std::string_view key, const std::array<char, N>& value) {
    put(key, {value.data(), value.size()});
  }
  void put_accepted(const core::record_write& w);
  void put_row(space where, const core::record_write& w);
  void put_chunk_row(space where, const core::record_write& w);
  void erase_row(const core::record_write& w);
  void truncate(core::slot at);
  void install();
  void drop_staged();
  void erase_all(space where);
  void erase_up_to(space where, std::string_view end);
  void erase_slot(space where, core::slot at);
  void put_payload(const core::record_write& w);
  void erase_payload(core::slot at);
  [[nodiscard]] std::optional<payload_place> place_of(core::slot at) const;

  /// The row that is about to change shared a payload: it does not any more.
  void end_sharing(std::string_view row_key);
  void end_payloads(core::slot upto);
  [[nodiscard]] bool is_shared(core::slot at) const;
  [[nodiscard]] std::optional<std::string> on_disk(std::string_view key) const;

  const database& disk_;
  rocksdb::WriteBatch& batch_;
  rocksdb::ColumnFamilyHandle* const family_;
  log_writer_state& now_;
  const std::vector<payload_place>& filed_;
  std::size_t next_filed_ = 0;
  std::vector<payload_place>& ended_with_;
  // What this group has changed so far, by row; the disk does not know it yet.
  std::map<std::string, core::slot, std::less<>> began_;  ///< shares it; slot 0: shares nothing
  std::set<core::slot> ended_;  ///< rows shared these payloads until this group
};

}  // namespace atlas::storage
