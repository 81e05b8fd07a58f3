#include "core/quorum_slack.hpp"

#include <algorithm>

namespace atlas::core {
namespace {

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

std::string share(const zone_slack& z) {
  return number(z.answer) + " of " + number(z.nodes) + " nodes in " + z.zone;
}

std::string sentence(const quorum_slack& s) {
  const auto has_enough = [](const zone_slack& z) { return z.answer >= z.need; };
  const auto enough =
      static_cast<std::uint32_t>(std::count_if(s.zones.begin(), s.zones.end(), has_enough));
  std::string tight;  // zones where one more loss is one too many
  std::string all;
  for (const auto& z : s.zones) {
    all += (all.empty() ? "" : ", ") + share(z);
    if (z.answer == z.need) tight += (tight.empty() ? "" : ", ") + share(z);
  }
  if (enough < s.zones_needed)
    return all + " answer; commits have stopped: " + number(s.zones_needed) + " of " +
           number(s.zones.size()) + " zones must have enough, " + number(enough) + " have";
  if (enough > s.zones_needed)
    return all + " answer; a whole zone may be lost without stopping commits";
  if (tight.empty()) return all + " answer; one more loss anywhere does not stop commits";
  return tight + " answer; one more loss there stops commits";
}

}  // namespace

quorum_slack slack_of(const configuration& c, const std::vector<node_id>& reachable) {
  quorum_slack s;
  for (const auto& seat : c.seats) {
    if (s.zones.empty() || s.zones.back().zone != seat.zone) {
      s.zones.emplace_back();
      s.zones.back().zone = seat.zone;
    }
    auto& z = s.zones.back();
    ++z.nodes;
    if (std::find(reachable.begin(), reachable.end(), seat.node) != reachable.end())
      ++z.answer;
    else
      z.silent.push_back(seat.node);
  }
  for (auto& z : s.zones) z.need = z.nodes > c.fn ? z.nodes - c.fn : 1;
  s.zones_needed = c.fz + 1;
  s.next_loss = sentence(s);
  return s;
}

}  // namespace atlas::core
