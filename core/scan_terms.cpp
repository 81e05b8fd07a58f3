#include "core/scan_terms.hpp"

#include "core/bytes.hpp"

namespace atlas::core {

std::string encode(const scan_terms& t) {
  std::string out;
  put_string(out, t.prefix);
  out.push_back(t.after ? 1 : 0);
  put_string(out, t.after.value_or(""));
  put_varint(out, t.limit);
  out.push_back(t.values ? 1 : 0);
  put_varint(out, t.seed);
  return out;
}

std::optional<scan_terms> decode_scan_terms(std::string_view bytes) {
  byte_reader in(bytes);
  scan_terms t;
  t.prefix = in.string();
  const bool has_after = in.byte() != 0;
  const auto after = in.string();
  if (has_after) t.after = std::string(after);
  t.limit = in.varint();
  t.values = in.byte() != 0;
  t.seed = in.varint();
  if (!in.complete()) return std::nullopt;
  return t;
}

std::string encode(const scan_page& p) {
  std::string out(1, p.more ? 1 : 0);
  for (const auto& r : p.rows) {
    put_string(out, r.row);
    put_string(out, r.value);
    out.push_back(r.chunked ? 1 : 0);
    if (r.chunked) put_varint(out, *r.chunked);
  }
  return out;
}

std::optional<scan_page> decode_scan_page(std::string_view bytes) {
  byte_reader in(bytes);
  scan_page p;
  p.more = in.byte() != 0;
  while (!in.failed() && !in.rest().empty()) {
    scan_row r;
    r.row = in.string();
    r.value = in.string();
    if (in.byte() != 0) r.chunked = in.varint();
    p.rows.push_back(std::move(r));
  }
  if (in.failed()) return std::nullopt;
  return p;
}

std::string encode(const row_meta& m) {
  std::string out;
  for (const auto n :
       {m.version, m.size, m.created.us, m.updated.us, m.expires.us, m.write_once.us, m.now.us})
    put_varint(out, n);
  put_string(out, m.principal);
  put_string(out, m.hash);
  return out;
}

std::optional<row_meta> decode_row_meta(std::string_view bytes) {
  byte_reader in(bytes);
  row_meta m;
  for (auto* n : {&m.version, &m.size, &m.created.us, &m.updated.us, &m.expires.us,
                  &m.write_once.us, &m.now.us})
    *n = in.varint();
  m.principal = in.string();
  m.hash = in.string();
  if (!in.complete()) return std::nullopt;
  return m;
}

}  // namespace atlas::core
