#include "core/entry.hpp"

#include "core/bytes.hpp"
#include "core/check.hpp"

namespace atlas::core {
namespace {

constexpr char kind_byte(entry_kind k) {
  return static_cast<char>(k);
}

void put_command(std::string& out, const command& c) {
  put_varint(out, c.from.node.value);
  put_varint(out, c.from.boot.value);
  put_varint(out, c.seq.value);
  put_varint(out, c.seq - c.floor);
  out.push_back(static_cast<char>(c.what));
  put_string(out, c.row);
  put_string(out, c.value);
  put_string(out, c.principal);
}

bool is_operation(std::uint8_t what) {
  return what >= static_cast<std::uint8_t>(operation::put) &&
         what <= static_cast<std::uint8_t>(operation::add_node);
}

bool get_command(byte_reader& r, command& c) {
  c.from.node.value = r.varint();
  c.from.boot.value = r.varint();
  c.seq.value = r.varint();
  const std::uint64_t behind = r.varint();
  const std::uint8_t what = r.byte();
  c.row = r.string();
  c.value = r.string();
  c.principal = r.string();
  if (r.failed() || behind > c.seq.value || !is_operation(what)) return false;
  c.floor = c.seq - behind;
  c.what = static_cast<operation>(what);
  return true;
}

/// Walks over a batch without copying: every entry from the wire passes here.
bool is_well_formed_batch(std::string_view bytes) {
  byte_reader r(bytes.substr(1));
  r.varint();
  const std::uint64_t count = r.varint();
  if (count == 0 || count > bytes.size() / 8) return false;
  for (std::uint64_t i = 0; i < count && !r.failed(); ++i) {
    r.varint();
    r.varint();
    const std::uint64_t seq = r.varint();
    if (r.varint() > seq || !is_operation(r.byte())) return false;
    r.string();
    r.string();
    r.string();
  }
  return r.complete();
}

}  // namespace

blob make_blob(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

entry_kind entry::kind() const {
  ATLAS_CHECK(bytes && !bytes->empty(), "an entry holds at least its kind");
  return static_cast<entry_kind>(bytes->front());
}

entry make_no_op() {
  static const entry no_op{make_blob(std::string(1, kind_byte(entry_kind::no_op)))};
  return no_op;
}

entry make_batch(stamp when, std::span<const command> commands) {
  ATLAS_CHECK(!commands.empty(), "a batch holds at least one command");
  std::size_t size = 24;
  for (const auto& c : commands) size += 40 + c.row.size() + c.value.size() + c.principal.size();
  std::string out;
  out.reserve(size);
  out.push_back(kind_byte(entry_kind::batch));
  put_varint(out, when.us);
  put_varint(out, commands.size());
  for (const auto& c : commands) put_command(out, c);
  return {make_blob(std::move(out))};
}

entry make_configuration_entry(const configuration& c) {
  std::string out(1, kind_byte(entry_kind::configuration));
  encode_configuration(c, out);
  return {make_blob(std::move(out))};
}

bool is_well_formed(std::string_view bytes) {
  if (bytes.empty()) return false;
  switch (static_cast<entry_kind>(bytes.front())) {
    case entry_kind::no_op:
      return bytes.size() == 1;
    case entry_kind::batch:
      return is_well_formed_batch(bytes);
    case entry_kind::configuration: {
      auto in = bytes.substr(1);
      return decode_configuration(in).has_value() && in.empty();
    }
  }
  return false;
}

std::optional<decoded_batch> decode_batch(const entry& e) {
  if (e.kind() != entry_kind::batch) return std::nullopt;
  byte_reader r(std::string_view(*e.bytes).substr(1));
  decoded_batch b;
  b.when.us = r.varint();
  const std::uint64_t count = r.varint();
  // A broken count must not reserve memory: a command takes eight bytes at least.
  if (r.failed() || count > e.bytes->size() / 8) return std::nullopt;
  b.commands.resize(count);
  for (auto& c : b.commands)
    if (!get_command(r, c)) return std::nullopt;
  if (!r.complete() || b.commands.empty()) return std::nullopt;
  return b;
}

std::optional<configuration> decode_configuration_entry(const entry& e) {
  if (e.kind() != entry_kind::configuration) return std::nullopt;
  auto in = std::string_view(*e.bytes).substr(1);
  auto c = decode_configuration(in);
  if (!c || !in.empty()) return std::nullopt;
  return c;
}

}  // namespace atlas::core
