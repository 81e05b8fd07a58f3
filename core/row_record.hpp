// What the value of a row's record holds: the client's bytes with version, times, writer, and what
// guards and ends it. Layout: docs/formats.md, "Row record".
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/ids.hpp"

namespace atlas::core {

/// Views into the encoded bytes.
struct row_record {
  std::uint64_t version = 0;  ///< 1 for the first write, then rising by one
  stamp created;
  stamp updated;
  std::string_view principal;
  std::string_view value;
  stamp expires = {};         ///< log time at which the value ends; 0: never
  stamp write_once = {};      ///< until then nobody changes or removes the value; 0: anybody may
  bool has_value = true;      ///< false: only the list of who may do what is there
  std::string_view acl = {};  ///< encoded access_list; empty: the table's counts
  bool is_chunked = false;    ///< `value` is an encoded blob_manifest

  /// When the value goes by itself: not before its write-once period is over. 0: never.
  [[nodiscard]] stamp due() const { return expires.us ? std::max(expires, write_once) : stamp{}; }
  /// Whether the value is there at log time `now`.
  [[nodiscard]] bool is_there(stamp now) const { return has_value && (!expires.us || due() > now); }
};

namespace row_flags {
inline constexpr std::uint8_t no_value = 1;
inline constexpr std::uint8_t expires = 2;
inline constexpr std::uint8_t write_once = 4;
inline constexpr std::uint8_t acl = 8;
inline constexpr std::uint8_t chunked = 16;
inline constexpr std::uint8_t all = 31;
}  // namespace row_flags

inline std::string encode_row(const row_record& r) {
  std::string out;
  out.reserve(48 + r.principal.size() + r.acl.size() + r.value.size());
  put_varint(out, r.version);
  put_varint(out, r.created.us);
  put_varint(out, r.updated.us);
  put_string(out, r.principal);
  std::uint8_t flags = r.has_value ? 0 : row_flags::no_value;
  if (r.expires.us) flags |= row_flags::expires;
  if (r.write_once.us) flags |= row_flags::write_once;
  if (!r.acl.empty()) flags |= row_flags::acl;
  if (r.is_chunked) flags |= row_flags::chunked;
  out.push_back(static_cast<char>(flags));
  if (r.expires.us) put_varint(out, r.expires.us);
  if (r.write_once.us) put_varint(out, r.write_once.us);
  if (!r.acl.empty()) put_string(out, r.acl);
  out.append(r.value);
  return out;
}

/// Empty if the bytes are broken. A value is whatever is left, so it can not be.
inline std::optional<row_record> decode_row(std::string_view bytes) {
  byte_reader in(bytes);
  row_record r;
  r.version = in.varint();
  r.created.us = in.varint();
  r.updated.us = in.varint();
  r.principal = in.string();
  const std::uint8_t flags = in.byte();
  if (flags & row_flags::expires) r.expires.us = in.varint();
  if (flags & row_flags::write_once) r.write_once.us = in.varint();
  if (flags & row_flags::acl) r.acl = in.string();
  if (in.failed() || flags > row_flags::all) return std::nullopt;
  r.has_value = (flags & row_flags::no_value) == 0;
  r.is_chunked = (flags & row_flags::chunked) != 0;
  r.value = in.rest();
  return r;
}

/// The record of a row as the table holds it; empty: there is no such row.
inline std::optional<row_record> decoded(const std::shared_ptr<const std::string>& row) {
  if (!row) return std::nullopt;
  auto record = decode_row(*row);
  ATLAS_CHECK(record.has_value(), "rows decode");
  return record;
}

}  // namespace atlas::core
