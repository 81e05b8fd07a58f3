#include "core/access_list.hpp"

#include <algorithm>

#include "core/bytes.hpp"
#include "core/row_record.hpp"

namespace atlas::core {
namespace {

constexpr permission kinds[] = {permission::owner, permission::read, permission::write};

bool holds(const std::vector<std::string>& list, std::string_view principal) {
  return std::binary_search(list.begin(), list.end(), principal);
}

}  // namespace

const std::vector<std::string>& access_list::of(permission p) const {
  return p == permission::owner ? owners_ : p == permission::read ? readers_ : writers_;
}

std::vector<std::string>& access_list::list(permission p) {
  return p == permission::owner ? owners_ : p == permission::read ? readers_ : writers_;
}

bool access_list::may_own(std::string_view principal) const {
  return owners_.empty() || holds(owners_, principal);
}

bool access_list::may_write(std::string_view principal) const {
  return may_own(principal) || holds(writers_, principal);
}

bool access_list::may_read(std::string_view principal) const {
  return may_own(principal) || holds(readers_, principal);
}

bool access_list::grant(permission p, std::string_view principal) {
  auto& l = list(p);
  const auto at = std::lower_bound(l.begin(), l.end(), principal);
  if (at != l.end() && *at == principal) return false;
  l.emplace(at, principal);
  return true;
}

bool access_list::revoke(permission p, std::string_view principal) {
  auto& l = list(p);
  const auto at = std::lower_bound(l.begin(), l.end(), principal);
  const bool was_there = at != l.end() && *at == principal;
  if (was_there) l.erase(at);
  const bool drops = owners_.empty() && !empty();
  if (drops) *this = {};
  return was_there || drops;
}

std::string access_list::encode() const {
  std::string out;
  for (const auto p : kinds) {
    put_varint(out, of(p).size());
    for (const auto& principal : of(p)) put_string(out, principal);
  }
  return out;
}

std::optional<access_list> access_list::decode(std::string_view bytes) {
  byte_reader in(bytes);
  access_list a;
  for (const auto p : kinds) {
    const auto count = in.varint();
    for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
      auto& l = a.list(p);
      l.emplace_back(in.string());
      // Sorted, so that the same list is the same bytes on every copy.
      if (l.size() > 1 && l[l.size() - 2] >= l.back()) return std::nullopt;
    }
  }
  if (!in.complete()) return std::nullopt;
  return a;
}

bool is_whole_row(std::string_view record) {
  const auto r = decode_row(record);
  return r && (r->acl.empty() || access_list::decode(r->acl).has_value());
}

}  // namespace atlas::core
