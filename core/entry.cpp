#include "core/entry.hpp"

#include <algorithm>

#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/grid_quorum.hpp"
#include "core/row_command.hpp"

namespace atlas::core {
namespace {

constexpr char kind_byte(entry_kind k) {
  return static_cast<char>(k);
}

void put_command(std::string& out, const command& c) {
  put_varint(out, c.table.value);
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
         what <= static_cast<std::uint8_t>(operation::put_blob);
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
  std::size_t size = 24;
  for (const auto& c : commands) size += 44 + c.row.size() + c.value.size() + c.principal.size();
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

bool is_well_formed(const command& c) {
  return c.floor <= c.seq && is_operation(static_cast<std::uint8_t>(c.what)) &&
         has_whole_value(c.what, c.value);
}

bool is_well_formed(std::string_view bytes) {
  if (bytes.empty()) return false;
  switch (static_cast<entry_kind>(bytes.front())) {
    case entry_kind::no_op:
      return bytes.size() == 1;
    case entry_kind::batch: {
      batch_reader in(bytes);
      command_view c;
      while (in.next(c)) continue;
      return in.complete();
    }
    case entry_kind::configuration: {
      auto in = bytes.substr(1);
      const auto c = decode_configuration(in);
      return c && in.empty() && grid_quorum::make(*c).ok();
    }
  }
  return false;
}

batch_reader::batch_reader(std::string_view bytes)
    : in_(bytes.substr(std::min<std::size_t>(bytes.size(), 1))),
      is_batch_(!bytes.empty() && bytes.front() == kind_byte(entry_kind::batch)) {
  if (!is_batch_) return;
  when_.us = in_.varint();
  left_ = in_.varint();
}

bool batch_reader::next(command_view& c) {
  if (!is_batch_ || left_ == 0 || in_.failed()) return false;
  c.table.value = in_.varint();
  c.from.node.value = in_.varint();
  c.from.boot.value = in_.varint();
  c.seq.value = in_.varint();
  const std::uint64_t behind = in_.varint();
  const std::uint8_t what = in_.byte();
  c.row = in_.string();
  c.value = in_.string();
  c.principal = in_.string();
  // A broken command ends the batch with some of it left, so it is not complete.
  if (in_.failed() || behind > c.seq.value || !is_operation(what)) return false;
  c.floor = c.seq - behind;
  c.what = static_cast<operation>(what);
  if (!has_whole_value(c.what, c.value)) return false;
  --left_;
  return true;
}

command command_view::copy() const {
  return {from, seq, floor, what, std::string(row), std::string(value), std::string(principal),
          table};
}

std::optional<decoded_batch> decode_batch(const entry& e) {
  batch_reader in(*e.bytes);
  decoded_batch b{in.when(), {}};
  command_view c;
  while (in.next(c)) b.commands.push_back(c.copy());
  if (!in.complete()) return std::nullopt;
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
