#include "core/configuration.hpp"

#include <algorithm>
#include <tuple>

#include "core/bytes.hpp"

namespace atlas::core {

bool configuration::has(node_id node) const {
  return std::any_of(seats.begin(), seats.end(), [&](const auto& s) { return s.node == node; });
}

void sort_seats(std::vector<acceptor_seat>& seats) {
  std::sort(seats.begin(), seats.end(), [](const acceptor_seat& a, const acceptor_seat& b) {
    return std::tie(a.zone, a.node) < std::tie(b.zone, b.node);
  });
}

void encode_configuration(const configuration& c, std::string& out) {
  put_varint(out, c.epoch.value);
  put_varint(out, c.parent.value);
  put_varint(out, c.fn);
  put_varint(out, c.fz);
  put_varint(out, c.seats.size());
  for (const auto& s : c.seats) {
    put_varint(out, s.node.value);
    put_string(out, s.zone);
  }
}

std::optional<configuration> decode_configuration(std::string_view& in) {
  byte_reader r(in);
  configuration c;
  c.epoch.value = r.varint();
  c.parent.value = r.varint();
  c.fn = static_cast<std::uint32_t>(r.varint());
  c.fz = static_cast<std::uint32_t>(r.varint());
  const std::uint64_t count = r.varint();
  for (std::uint64_t i = 0; i < count && !r.failed(); ++i) {
    acceptor_seat s;
    s.node.value = r.varint();
    s.zone = std::string(r.string());
    c.seats.push_back(std::move(s));
  }
  if (r.failed()) return std::nullopt;
  in = r.rest();
  return c;
}

}  // namespace atlas::core
