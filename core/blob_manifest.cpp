#include "core/blob_manifest.hpp"

#include "core/bytes.hpp"
#include "core/table_move.hpp"

namespace atlas::core {
namespace {

constexpr std::string_view chunks = "!b";
constexpr std::string_view counts = "!c";

}  // namespace

std::string encode(const blob_manifest& m) {
  std::string out;
  put_varint(out, m.size);
  out += m.hash;
  for (const auto& c : m.chunks) out += c;
  return out;
}

std::optional<blob_manifest> decode_manifest(std::string_view bytes) {
  byte_reader in(bytes);
  blob_manifest m;
  m.size = in.varint();
  auto rest = in.rest();
  if (in.failed() || rest.size() < hash_bytes || rest.size() % hash_bytes != 0) return std::nullopt;
  m.hash = rest.substr(0, hash_bytes);
  for (rest.remove_prefix(hash_bytes); !rest.empty(); rest.remove_prefix(hash_bytes))
    m.chunks.emplace_back(rest.substr(0, hash_bytes));
  if (m.size == 0 || (m.size - 1) / chunk_bytes + 1 != m.chunks.size()) return std::nullopt;
  return m;
}

chunk_place place_in(const blob_manifest& m, std::size_t number) {
  return {number == 0 ? std::string() : m.chunks[number - 1], number * chunk_bytes,
          number + 1 == m.chunks.size()};
}

std::string encode(const chunk_place& p) {
  std::string out(1, p.is_last ? 1 : 0);
  put_varint(out, p.offset);
  return out.append(p.before);
}

chunk_place decode_place(std::string_view bytes) {
  byte_reader in(bytes);
  chunk_place p;
  p.is_last = in.byte() == 1;
  p.offset = in.varint();
  p.before = in.rest();
  return p;
}

std::string encode(const chunk_put& c) {
  std::string out;
  out.reserve(10 + c.hash.size() + c.bytes.size());
  put_varint(out, c.grace_us);
  out.append(c.hash).append(c.bytes);
  return out;
}

std::size_t hash_in_put(std::string_view encoded) {
  byte_reader in(encoded);
  static_cast<void>(in.varint());
  return encoded.size() - in.rest().size();
}

std::optional<chunk_put> decode_chunk_put(std::string_view bytes) {
  byte_reader in(bytes);
  chunk_put c;
  c.grace_us = in.varint();
  const auto rest = in.rest();
  if (in.failed() || rest.size() <= hash_bytes || rest.size() > hash_bytes + chunk_bytes)
    return std::nullopt;
  c.hash = rest.substr(0, hash_bytes);
  c.bytes = rest.substr(hash_bytes);
  return c;
}

std::string chunk_row(std::string_view hash) {
  return std::string(chunks).append(hash);
}

std::string chunk_count_row(std::string_view hash) {
  return std::string(counts).append(hash);
}

std::string_view hash_of_count_row(std::string_view row) {
  const bool is_one = row.starts_with(counts) && row.size() == counts.size() + hash_bytes;
  return is_one ? row.substr(counts.size()) : std::string_view();
}

bool is_chunk_row(std::string_view row) {
  return row.starts_with(chunks) || row.starts_with(counts);
}

bool holds_chunk(std::string_view row) {
  if (row.starts_with(moved_rows)) {
    byte_reader in(row.substr(1));
    in.varint();  // the table
    in.varint();  // its moves
    row = in.rest();
  }
  return row.starts_with(chunks);
}

}  // namespace atlas::core
