// What the value of a row's record holds: the client's bytes with version, times and writer.
// Layout: docs/formats.md, "Row record".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// Views into the encoded bytes.
struct row_record {
  std::uint64_t version = 0;  ///< 1 for the first write, then rising by one
  stamp created;
  stamp updated;
  std::string_view principal;
  std::string_view value;
};

inline std::string encode_row(const row_record& r) {
  std::string out;
  out.reserve(40 + r.principal.size() + r.value.size());
  put_varint(out, r.version);
  put_varint(out, r.created.us);
  put_varint(out, r.updated.us);
  put_string(out, r.principal);
  out.append(r.value);
  return out;
}

inline std::optional<row_record> decode_row(std::string_view bytes) {
  byte_reader in(bytes);
  row_record r;
  r.version = in.varint();
  r.created.us = in.varint();
  r.updated.us = in.varint();
  r.principal = in.string();
  if (in.failed()) return std::nullopt;
  r.value = in.rest();
  return r;
}

}  // namespace atlas::core
