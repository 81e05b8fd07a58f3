// Records of the catalogue as bytes (docs/formats.md, "Catalogue rows").
#include "core/bytes.hpp"
#include "core/catalogue.hpp"

namespace atlas::core {
namespace {

constexpr std::uint8_t closing_flag = 1;
constexpr std::uint8_t group_flag = 2;

}  // namespace

std::string encode_policy_change(const policy_change& p) {
  std::string out;
  for (const auto& one : {p.fn, p.fz}) put_varint(out, !one ? 0 : !*one ? 1 : **one + 2ull);
  return out;
}

std::optional<policy_change> decode_policy_change(std::string_view bytes) {
  byte_reader in(bytes);
  policy_change p;
  for (auto* one : {&p.fn, &p.fz}) {
    const std::uint64_t n = in.varint();
    if (n > 0) one->emplace();
    if (n > 1) one->emplace(static_cast<std::uint32_t>(n - 2));
  }
  if (!in.complete()) return std::nullopt;
  return p;
}

std::string encode_node(const node_record& n) {
  std::string out;
  put_varint(out, n.id.value);
  put_string(out, n.uuid);
  put_string(out, n.disk_uuid);
  put_string(out, n.zone);
  put_string(out, n.host);
  put_varint(out, n.port);
  return out;
}

std::optional<node_record> decode_node(std::string_view bytes) {
  byte_reader in(bytes);
  node_record n;
  n.id.value = in.varint();
  n.uuid = in.string();
  n.disk_uuid = in.string();
  n.zone = in.string();
  n.host = in.string();
  const std::uint64_t port = in.varint();
  if (!in.complete() || port > 65'535) return std::nullopt;
  n.port = static_cast<std::uint16_t>(port);
  return n;
}

std::string encode_policy(const tolerance_policy& p) {
  std::string out;
  put_varint(out, p.fn ? *p.fn + 1ull : 0);
  put_varint(out, p.fz ? *p.fz + 1ull : 0);
  return out;
}

std::optional<tolerance_policy> decode_policy(std::string_view bytes) {
  byte_reader in(bytes);
  const std::uint64_t fn = in.varint();
  const std::uint64_t fz = in.varint();
  if (!in.complete()) return std::nullopt;
  tolerance_policy p;
  if (fn) p.fn = static_cast<std::uint32_t>(fn - 1);
  if (fz) p.fz = static_cast<std::uint32_t>(fz - 1);
  return p;
}

std::string encode_table(const table_record& t) {
  std::string out;
  put_string(out, t.name);
  put_varint(out, t.log.value);
  put_string(out, encode_policy(t.policy));
  encode_configuration(t.first, out);
  out.push_back(static_cast<char>((t.closing ? closing_flag : 0) | (t.is_group ? group_flag : 0)));
  put_varint(out, t.table.value);
  put_varint(out, t.made.us);
  put_string(out, t.group);
  put_varint(out, t.moves);
  put_varint(out, t.from.value);
  if (t.from) encode_configuration(t.from_first, out);
  return out;
}

std::optional<table_record> decode_table(std::string_view bytes) {
  byte_reader in(bytes);
  table_record t;
  t.name = in.string();
  t.log.value = in.varint();
  const auto policy = decode_policy(in.string());
  if (in.failed() || !policy) return std::nullopt;
  t.policy = *policy;
  auto rest = in.rest();
  auto first = decode_configuration(rest);
  if (!first) return std::nullopt;
  t.first = std::move(*first);
  byte_reader more(rest);
  const auto flags = more.byte();
  t.closing = (flags & closing_flag) != 0;
  t.is_group = (flags & group_flag) != 0;
  t.table.value = more.varint();
  t.made.us = more.varint();
  t.group = more.string();
  t.moves = more.varint();
  t.from.value = more.varint();
  if (more.failed() || flags > (closing_flag | group_flag)) return std::nullopt;
  if (!t.from) return more.complete() ? std::optional(std::move(t)) : std::nullopt;
  rest = more.rest();
  auto from_first = decode_configuration(rest);
  if (!from_first || !rest.empty()) return std::nullopt;
  t.from_first = std::move(*from_first);
  return t;
}

}  // namespace atlas::core
