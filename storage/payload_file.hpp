// One file of payloads: bytes that RocksDB would write twice, to its log and out of its memory, and
// that are written here once. Behind each other, each with a head that tells whose it is, from the
// beginning of a block on; nothing in a file is ever changed.
#pragma once

#include <rocksdb/status.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "storage/block_file.hpp"
#include "storage/layout.hpp"

namespace atlas::storage {

/// Where the bytes of a payload are.
struct payload_place {
  std::uint64_t file = 0;
  std::uint64_t from = 0;  ///< of the first byte, behind the head
  std::uint32_t size = 0;  ///< bytes, at most 2^32 - 1
  std::uint32_t crc = 0;   ///< CRC-32C of the bytes

  friend bool operator==(const payload_place&, const payload_place&) = default;
};
constexpr std::size_t place_size = 3 * number_size;

[[nodiscard]] std::array<char, place_size> encode_place(const payload_place& p);
/// Empty unless it is what `encode_place` wrote.
[[nodiscard]] std::optional<payload_place> decode_place(std::string_view bytes);

/// Whose payload it is: number of the family, and the slot in its log.
struct payload_owner {
  std::uint64_t family = 0;
  core::slot at;
};
/// Bytes of a head: owner, and size and CRC-32C of the bytes; then the CRC-32C of all that.
constexpr std::size_t payload_head_size = 3 * number_size + 4;
/// Where the next payload of the file begins, with its head: each begins a block.
[[nodiscard]] constexpr std::uint64_t payload_end(const payload_place& p) {
  return block_end(p.from + p.size);
}

/// The file of that number in `folder`: sixteen hexadecimal digits and ".payloads".
[[nodiscard]] std::string payload_path(const std::string& folder, std::uint64_t file);
/// Its number; empty for a name of another form.
[[nodiscard]] std::optional<std::uint64_t> payload_file_number(std::string_view name);

/// Writes one file, from one thread.
class payload_writer {
 public:
  payload_writer(const std::string& folder, std::uint64_t file) : folder_(folder), file_(file) {}

  /// Creates the file, which must not exist, durably. Once, before the first append.
  [[nodiscard]] rocksdb::Status create();
  /// Puts the bytes behind what is there; they can be read after `sync`.
  [[nodiscard]] rocksdb::Status append(payload_owner of, std::string_view bytes, payload_place& at);
  /// All that was appended is durable when it returns OK.
  [[nodiscard]] rocksdb::Status sync() { return out_.sync(); }

  [[nodiscard]] std::uint64_t file() const { return file_; }
  [[nodiscard]] std::uint64_t size() const { return out_.size(); }

 private:
  const std::string folder_;
  const std::uint64_t file_;
  block_file out_;
};

/// Appends `size` bytes of the payload, from its byte `from` on, to `out`. All of it is read and
/// compared with its CRC. Fails with Corruption if they differ or are not there.
[[nodiscard]] rocksdb::Status read_payload(const std::string& folder, const payload_place& place,
                                           std::size_t from, std::size_t size, std::string& out);

/// Shows all payloads of a file in order, until `visit` says false or the file ends; a head that is
/// cut or broken ends it, too, because what stands there was never synced.
[[nodiscard]] rocksdb::Status walk_payloads(
    const std::string& folder, std::uint64_t file,
    const std::function<bool(payload_owner of, const payload_place& place)>& visit);

}  // namespace atlas::storage
