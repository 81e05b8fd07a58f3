// Big-endian numbers and the fixed-size records made of them.
#include "storage/layout.hpp"

#include "core/check.hpp"

namespace atlas::storage {

void put_number(char* out, std::uint64_t v) {
  for (int shift = 56; shift >= 0; shift -= 8) *out++ = static_cast<char>(v >> shift);
}

std::uint64_t get_number(std::string_view in) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < number_size; ++i) v = v << 8 | static_cast<unsigned char>(in[i]);
  return v;
}

slot_key::slot_key(space where, core::slot at) : bytes_{} {
  bytes_[0] = static_cast<char>(where);
  put_number(bytes_.data() + 1, at.value);
}

std::optional<core::slot> slot_of(std::string_view key) {
  if (key.size() != 1 + number_size) return std::nullopt;
  return core::slot{get_number(key.substr(1))};
}

std::string row_key(space where, std::string_view row) {
  std::string key;
  key.reserve(1 + row.size());
  key.push_back(static_cast<char>(where));
  key.append(row);
  return key;
}

std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  ATLAS_CHECK(!prefix.empty(), "a key starts with its space, which is never 0xff");
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::array<char, ballot_size> encode_ballot(core::ballot b) {
  std::array<char, ballot_size> out;
  put_number(out.data(), b.round);
  put_number(out.data() + number_size, b.node.value);
  return out;
}

std::optional<core::ballot> decode_ballot(std::string_view bytes) {
  if (bytes.size() < ballot_size) return std::nullopt;
  return core::ballot{get_number(bytes), core::node_id{get_number(bytes.substr(number_size))}};
}

std::array<char, applied_size> encode_applied(const applied_mark& m) {
  std::array<char, applied_size> out;
  put_number(out.data(), m.at.value);
  put_number(out.data() + number_size, m.when.us);
  put_number(out.data() + 2 * number_size, m.hash);
  return out;
}

std::optional<applied_mark> decode_applied(std::string_view bytes) {
  if (bytes.size() != applied_size) return std::nullopt;
  return applied_mark{core::slot{get_number(bytes)},
                      core::stamp{get_number(bytes.substr(number_size))},
                      get_number(bytes.substr(2 * number_size))};
}

std::array<char, shared_row_size> encode_shared(const shared_row& r) {
  std::array<char, shared_row_size> out;
  out[0] = static_cast<char>(row_form::shared);
  put_number(out.data() + 1, r.at.value);
  put_number(out.data() + 1 + number_size, r.from);
  put_number(out.data() + 1 + 2 * number_size, r.size);
  return out;
}

std::optional<shared_row> decode_shared(std::string_view bytes) {
  const bool is_shared =
      bytes.size() > shared_row_size && bytes.front() == static_cast<char>(row_form::shared);
  if (!is_shared) return std::nullopt;
  const auto number = [&](std::size_t i) { return get_number(bytes.substr(1 + i * number_size)); };
  return shared_row{core::slot{number(0)}, number(1), number(2), bytes.substr(shared_row_size)};
}

}  // namespace atlas::storage
