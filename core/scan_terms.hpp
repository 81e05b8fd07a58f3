// What a listing of rows asks for, and what it is answered with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids.hpp"
#include "core/row_record.hpp"

namespace atlas::core {

/// Row of a read of kind `range`, `count` or `sample`.
struct scan_terms {
  std::string prefix;
  std::optional<std::string> after;  ///< rows behind this one only
  std::uint64_t limit = 0;           ///< rows at most; 0: all
  bool values = false;
  std::uint64_t seed = 0;  ///< of a sample
};
[[nodiscard]] std::string encode(const scan_terms& t);
[[nodiscard]] std::optional<scan_terms> decode_scan_terms(std::string_view bytes);

struct scan_row {
  std::string row;
  std::string value;                          ///< if asked for
  std::optional<std::uint64_t> chunked = {};  ///< size of a value that is kept in chunks
  friend bool operator==(const scan_row&, const scan_row&) = default;
};
/// Answer to `range` and `sample`.
struct scan_page {
  std::vector<scan_row> rows;  ///< in byte order
  bool more = false;           ///< there are more behind the last one
};
[[nodiscard]] std::string encode(const scan_page& p);
[[nodiscard]] std::optional<scan_page> decode_scan_page(std::string_view bytes);

/// Answer to `meta`.
struct row_meta {
  std::uint64_t version = 0;
  std::uint64_t size = 0;  ///< of the value, in bytes
  stamp created;
  stamp updated;
  std::string principal;
  stamp expires;     ///< when it goes, 0: never
  stamp write_once;  ///< 0: not any more
  stamp now;         ///< log time of the answer
  std::string hash;  ///< SHA-256 of the value, if it is known without reading it
};
[[nodiscard]] std::string encode(const row_meta& m);
[[nodiscard]] std::optional<row_meta> decode_row_meta(std::string_view bytes);

}  // namespace atlas::core
