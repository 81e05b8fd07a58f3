#include "core/table_move.hpp"

#include "core/access_list.hpp"
#include "core/bytes.hpp"
#include "core/result_window.hpp"
#include "core/row_record.hpp"

namespace atlas::core {
namespace {

bool is_table(table_id id) {
  return id && id != log_itself;
}

}  // namespace

std::string encode(const table_state& s) {
  std::string out(1, static_cast<char>(s.what));
  put_varint(out, s.moves);
  put_varint(out, s.other.value);
  put_varint(out, s.least.us);
  put_varint(out, s.parts);
  put_string(out, s.after);
  put_varint(out, s.position);
  return out;
}

std::optional<table_state> decode_table_state(std::string_view bytes) {
  byte_reader in(bytes);
  table_state s;
  s.what = static_cast<custody>(in.byte());
  s.moves = in.varint();
  s.other.value = in.varint();
  s.least.us = in.varint();
  s.parts = in.varint();
  s.after = in.string();
  s.position = in.varint();
  if (!in.complete() || s.what < custody::held || s.what > custody::gone) return std::nullopt;
  return s;
}

std::string encode(const seal_request& r) {
  std::string out;
  put_varint(out, r.table.value);
  put_varint(out, r.moves);
  put_varint(out, r.to.value);
  return out;
}

std::optional<seal_request> decode_seal_request(std::string_view bytes) {
  byte_reader in(bytes);
  seal_request r;
  r.table.value = in.varint();
  r.moves = in.varint();
  r.to.value = in.varint();
  if (!in.complete() || !is_table(r.table)) return std::nullopt;
  return r;
}

std::string encode(const adopt_part& p) {
  std::string out;
  put_varint(out, p.table.value);
  put_varint(out, p.moves);
  put_varint(out, p.from.value);
  put_varint(out, p.sealed.us);
  put_varint(out, p.position);
  put_varint(out, p.index);
  out.push_back(p.last ? 1 : 0);
  put_string(out, p.results);
  for (const auto& [row, record] : p.rows) {
    put_string(out, row);
    put_string(out, record);
  }
  return out;
}

std::optional<adopt_part> decode_adopt_part(std::string_view bytes) {
  byte_reader in(bytes);
  adopt_part p;
  p.table.value = in.varint();
  p.moves = in.varint();
  p.from.value = in.varint();
  p.sealed.us = in.varint();
  p.position = in.varint();
  p.index = in.varint();
  p.last = in.byte() != 0;
  p.results = in.string();
  while (!in.failed() && !in.rest().empty()) {
    std::string row(in.string());
    std::string record(in.string());
    if (in.failed() || !is_whole_row(record)) return std::nullopt;
    p.rows.emplace_back(std::move(row), std::move(record));
  }
  if (in.failed() || p.moves == 0 || !is_table(p.table)) return std::nullopt;
  result_window lines;
  if (!lines.replay(p.results)) return std::nullopt;
  for (const auto table : lines.tables())
    if (table != p.table) return std::nullopt;
  return p;
}

std::string encode(const part_request& r) {
  std::string out;
  put_varint(out, r.table.value);
  put_varint(out, r.moves);
  put_varint(out, r.to.value);
  put_varint(out, r.index);
  put_string(out, r.after);
  put_varint(out, r.bytes);
  return out;
}

std::optional<part_request> decode_part_request(std::string_view bytes) {
  byte_reader in(bytes);
  part_request r;
  r.table.value = in.varint();
  r.moves = in.varint();
  r.to.value = in.varint();
  r.index = in.varint();
  r.after = in.string();
  r.bytes = in.varint();
  if (!in.complete() || !is_table(r.table)) return std::nullopt;
  return r;
}

std::string encode(const clear_request& r) {
  std::string out;
  put_varint(out, r.table.value);
  put_varint(out, r.moves);
  return out;
}

std::optional<clear_request> decode_clear_request(std::string_view bytes) {
  byte_reader in(bytes);
  clear_request r;
  r.table.value = in.varint();
  r.moves = in.varint();
  if (!in.complete() || !is_table(r.table)) return std::nullopt;
  return r;
}

std::string state_row(table_id table) {
  std::string row(state_rows);
  put_big_endian(row, table.value);
  return row;
}

table_id table_of_state_row(std::string_view row) {
  if (!row.starts_with(state_rows) || row.size() != state_rows.size() + 8) return {};
  table_id table;
  for (const char c : row.substr(state_rows.size()))
    table.value = table.value << 8 | static_cast<unsigned char>(c);
  return table;
}

std::string row_prefix(table_id table, std::uint64_t moves) {
  if (moves == 0) return {};
  std::string prefix(1, moved_rows);
  put_varint(prefix, table.value);
  put_varint(prefix, moves);
  return prefix;
}

log_id moved_to(std::string_view data) {
  return {data.empty() ? 0 : byte_reader(data).varint()};
}

}  // namespace atlas::core
