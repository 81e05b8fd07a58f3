// Keys and values inside one log's column family, byte for byte as docs/formats.md tells them. The
// first byte of a key names its space; numbers are big-endian everywhere, so that byte order is
// slot order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ballot.hpp"
#include "core/ids.hpp"

namespace atlas::storage {

/// First byte of every key in a log's family.
enum class space : char {
  state = 'a',          ///< the acceptor's promise, and how far the rows are applied
  configuration = 'c',  ///< chosen configurations by slot
  row = 'd',            ///< rows of the table
  log = 'l',            ///< accepted entries by slot
  history = 'h',        ///< what was changed, by slot
  results = 'r',        ///< results of applied commands by slot
  other_row = 'e',      ///< the second place for rows: a snapshot comes in beside the table
  payload = 'p',        ///< bytes of large entries by slot
  payload_at = 'f',     ///< where the bytes of larger ones are, by slot
  of_entry = 'q',       ///< by slot: the log's entry there is a payload
  of_row = 's',         ///< by slot: a row in `row` shares the payload
  of_other_row = 't',   ///< by slot: a row in `other_row` shares the payload
};

inline constexpr std::string_view promised_key = "ap";
inline constexpr std::string_view applied_key = "aa";
inline constexpr std::string_view handed_on_key = "ah";
/// Holds the space of the rows, one byte; absent: `space::row`.
inline constexpr std::string_view rows_key = "ad";
/// Holds the slot up to which the log is truncated; absent: 0.
inline constexpr std::string_view truncated_key = "at";

constexpr std::size_t number_size = 8;
constexpr std::size_t ballot_size = 2 * number_size;
constexpr std::size_t applied_size = 3 * number_size;

/// Writes eight bytes, most significant first.
void put_number(char* out, std::uint64_t v);
/// Reads what `put_number` wrote; `in` holds at least eight bytes.
[[nodiscard]] std::uint64_t get_number(std::string_view in);

/// Entries from here on are payloads, and rows that hold so many bytes of one share it.
constexpr std::size_t payload_bytes_min = std::size_t{32} << 10;

/// Key of a slot in one of the spaces that are ordered by slot.
class slot_key {
 public:
  slot_key(space where, core::slot at);
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, 1 + number_size> bytes_;
};

/// Slot in a key made by `slot_key`; empty if `key` has another form.
[[nodiscard]] std::optional<core::slot> slot_of(std::string_view key);

/// Key of a row in `space::row` or `space::other_row`.
[[nodiscard]] std::string row_key(space where, std::string_view row);
/// The one of the two places for rows that is not `where`.
constexpr space beside(space where) {
  return where == space::row ? space::other_row : space::row;
}
/// Where it is told which rows of one of the two places share payloads.
constexpr space shares_of(space rows) {
  return rows == space::row ? space::of_row : space::of_other_row;
}
/// First key after all keys that start with `prefix`, which starts with a space byte.
[[nodiscard]] std::string end_of_prefix(std::string prefix);

[[nodiscard]] std::array<char, ballot_size> encode_ballot(core::ballot b);
/// Ballot in the first sixteen bytes; empty if there are fewer.
[[nodiscard]] std::optional<core::ballot> decode_ballot(std::string_view bytes);

/// How far a log is applied to its rows.
struct applied_mark {
  core::slot at;
  core::stamp when;
  std::uint64_t hash = 0;
};

[[nodiscard]] std::array<char, applied_size> encode_applied(const applied_mark& m);
[[nodiscard]] std::optional<applied_mark> decode_applied(std::string_view bytes);

/// A row that holds a chunk (`core::holds_chunk`) is kept either whole, behind one byte, or as its
/// head and the place of the rest in a payload.
enum class row_form : char { whole = 0, shared = 1 };

struct shared_row {
  core::slot at;
  std::uint64_t from = 0;  ///< first byte of the payload's that belongs to the row
  std::uint64_t size = 0;
  std::string_view head;
};
constexpr std::size_t shared_row_size = 1 + 3 * number_size;

/// All but the head, which comes behind it.
[[nodiscard]] std::array<char, shared_row_size> encode_shared(const shared_row& r);
/// Empty if the bytes are those of a whole row, or broken.
[[nodiscard]] std::optional<shared_row> decode_shared(std::string_view bytes);
[[nodiscard]] inline bool is_whole_row(std::string_view bytes) {
  return !bytes.empty() && bytes.front() == static_cast<char>(row_form::whole);
}

}  // namespace atlas::storage
