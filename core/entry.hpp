// What a slot holds: a batch of commands, a no-op or a configuration. An entry is immutable bytes,
// encoded once by the proposer and shared from there to disk and wire, so that "the same value"
// means "the same bytes". Layout: docs/formats.md, "log entry".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ballot.hpp"
#include "core/bytes.hpp"
#include "core/command.hpp"
#include "core/configuration.hpp"

namespace atlas::core {

/// Immutable shared bytes; safe to hold on any thread. Never null inside an `entry`.
using blob = std::shared_ptr<const std::string>;

[[nodiscard]] blob make_blob(std::string bytes);

enum class entry_kind : std::uint8_t { no_op = 0, batch = 1, configuration = 2 };

struct entry {
  blob bytes;

  [[nodiscard]] entry_kind kind() const;
  [[nodiscard]] std::size_t size() const { return bytes->size(); }
  friend bool operator==(const entry& a, const entry& b) {
    return a.bytes == b.bytes || *a.bytes == *b.bytes;
  }
};

/// An accepted value as an acceptor keeps and reports it.
struct accepted_entry {
  slot at;
  ballot by;
  entry value;
};

[[nodiscard]] entry make_no_op();
/// One slot's worth of commands, stamped by the owner (consensus.md §10). Without commands it is a
/// tick: only log time goes on.
[[nodiscard]] entry make_batch(stamp when, std::span<const command> commands);
[[nodiscard]] entry make_configuration_entry(const configuration& c);

/// True if `bytes` decode as an entry of any kind; everything from the wire passes here first.
[[nodiscard]] bool is_well_formed(std::string_view bytes);
/// True if `c` can be encoded and executed; false for operations of a newer version.
[[nodiscard]] bool is_well_formed(const command& c);

/// Who asked for a command, and what its origin has had answered (§8).
struct command_id {
  process from;
  sequence seq;
  sequence floor;
};

/// A command inside the bytes of an entry, which must outlive it.
struct command_view {
  process from;
  sequence seq;
  sequence floor;
  operation what = operation::put;
  std::string_view row;
  std::string_view value;
  std::string_view principal;
  table_id table;

  [[nodiscard]] command_id id() const { return {from, seq, floor}; }
  [[nodiscard]] command copy() const;
};

/// Walks over the commands of a batch without copying them. The bytes outlive the reader.
class batch_reader {
 public:
  explicit batch_reader(std::string_view entry_bytes);
  explicit batch_reader(const entry& e) : batch_reader(std::string_view(*e.bytes)) {}

  /// False if it is another kind of entry; then there is nothing to read.
  [[nodiscard]] bool is_batch() const { return is_batch_; }
  [[nodiscard]] stamp when() const { return when_; }
  /// The next command; false after the last one and at the first broken byte.
  [[nodiscard]] bool next(command_view& c);
  /// All commands were read and nothing was broken.
  [[nodiscard]] bool complete() const { return is_batch_ && left_ == 0 && in_.complete(); }

 private:
  byte_reader in_;
  stamp when_;
  std::uint64_t left_ = 0;
  bool is_batch_ = false;
};

struct decoded_batch {
  stamp when;
  std::vector<command> commands;
};
/// Contents of a batch; empty if `e` is not a well-formed batch.
[[nodiscard]] std::optional<decoded_batch> decode_batch(const entry& e);
/// Configuration in `e`; empty if `e` is not a well-formed configuration entry.
[[nodiscard]] std::optional<configuration> decode_configuration_entry(const entry& e);

}  // namespace atlas::core
