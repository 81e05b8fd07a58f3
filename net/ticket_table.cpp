// Linear probing. Removal moves later entries of the same run up, so there are no tombstones and a
// long-lived server does not slow down.
#include "net/ticket_table.hpp"

#include <utility>

#include "core/check.hpp"

namespace atlas::net {

std::size_t ticket_table::place_of(std::uint64_t ticket) const {
  auto at = home(ticket);
  while (places_[at].ticket != 0 && places_[at].ticket != ticket) at = behind(at);
  return at;
}

void ticket_table::put(ticket_entry&& entry) {
  ATLAS_CHECK(entry.ticket != 0, "a ticket is never 0");
  if (2 * (size_ + 1) > places_.size()) {
    auto old = std::exchange(places_, std::vector<ticket_entry>(places_.size() * 2));
    for (auto& e : old)
      if (e.ticket != 0) places_[place_of(e.ticket)] = std::move(e);
  }
  auto& place = places_[place_of(entry.ticket)];
  ATLAS_CHECK(place.ticket == 0, "a ticket is used once");
  place = std::move(entry);
  ++size_;
}

ticket_entry* ticket_table::find(std::uint64_t ticket) {
  if (ticket == 0) return nullptr;
  auto& place = places_[place_of(ticket)];
  return place.ticket == 0 ? nullptr : &place;
}

ticket_entry ticket_table::take(std::uint64_t ticket) {
  auto* found = find(ticket);
  if (found == nullptr) return {};
  auto out = std::move(*found);
  *found = ticket_entry{};
  --size_;
  close_gap(static_cast<std::size_t>(found - places_.data()));
  return out;
}

void ticket_table::close_gap(std::size_t gap) {
  const auto mask = places_.size() - 1;
  for (auto at = behind(gap); places_[at].ticket != 0; at = behind(at)) {
    // An entry may move up only if its home does not lie behind the gap.
    const auto distance = (at - home(places_[at].ticket)) & mask;
    if (distance < ((at - gap) & mask)) continue;
    places_[gap] = std::move(places_[at]);
    places_[at] = ticket_entry{};
    gap = at;
  }
}

}  // namespace atlas::net
