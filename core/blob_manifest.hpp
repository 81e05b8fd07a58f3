// A value too large for one command is kept in chunks, each under a name that is a hash of its
// bytes and all in front of them, so that equal values and equal beginnings are kept once in a
// table; the row itself holds the manifest: which chunks, in order. Chunks come first, each a
// command of its own; the manifest names only what is there already. How names are made is known
// where values come in and go out (actors/chunk_name.hpp), not here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace atlas::core {

inline constexpr std::size_t hash_bytes = 32;  ///< SHA-256, and names of chunks
/// All chunks of a value but its last are of this size.
inline constexpr std::size_t chunk_bytes = 256 << 10;
struct blob_manifest {
  std::uint64_t size = 0;           ///< of the value, in bytes
  std::string hash;                 ///< SHA-256 of the value
  std::vector<std::string> chunks;  ///< names, in order
  friend bool operator==(const blob_manifest&, const blob_manifest&) = default;
};

[[nodiscard]] std::string encode(const blob_manifest& m);
/// Empty if the bytes are broken, or size and number of chunks do not agree.
[[nodiscard]] std::optional<blob_manifest> decode_manifest(std::string_view bytes);

/// Where a chunk stands in its value: its bytes and this give its name.
struct chunk_place {
  std::string before;        ///< name of the chunk in front of it; empty: it is the first
  std::uint64_t offset = 0;  ///< bytes in front of it
  bool is_last = false;
};
/// Place of chunk `number`, counted from 0.
[[nodiscard]] chunk_place place_in(const blob_manifest& m, std::size_t number);
[[nodiscard]] std::string encode(const chunk_place& p);
[[nodiscard]] chunk_place decode_place(std::string_view bytes);

/// A chunk on its way into a table: value of a `put_chunk`.
struct chunk_put {
  /// So long it is kept while no value names it: the value may yet come, or is being read.
  std::uint64_t grace_us = 0;
  std::string_view hash;
  std::string_view bytes;  ///< 1 to `chunk_bytes`
};
[[nodiscard]] std::string encode(const chunk_put& c);
/// Where the hash begins in an encoded one; the bytes begin `hash_bytes` behind it.
[[nodiscard]] std::size_t hash_in_put(std::string_view encoded);
/// Views into `bytes`; empty if they are broken.
[[nodiscard]] std::optional<chunk_put> decode_chunk_put(std::string_view bytes);

/// Rows of the table that hold a chunk's bytes, and how often it is named (as the version of the
/// row's record, which ends when that is 0 for long enough; its value is the grace).
[[nodiscard]] std::string chunk_row(std::string_view hash);
[[nodiscard]] std::string chunk_count_row(std::string_view hash);
/// The hash in a row made by `chunk_count_row`; empty if it is another row.
[[nodiscard]] std::string_view hash_of_count_row(std::string_view row);
/// Either of the two: it belongs to a table, though no client can name it.
[[nodiscard]] bool is_chunk_row(std::string_view row);
/// A row as it stands in a log, of whichever stay of a table: it holds a chunk's bytes.
[[nodiscard]] bool holds_chunk(std::string_view row);

}  // namespace atlas::core
