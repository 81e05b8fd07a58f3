#include "core/snapshot_source.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/planted_bug.hpp"
#include "core/result_window.hpp"

namespace atlas::core {

void snapshot_source::on_request(process from, const snapshot_request& m, slot truncated, tick now,
                                 std::vector<outgoing>& out) {
  auto found = views_.find(from);
  // A late copy of an earlier transfer's request must not end the present one.
  if (found != views_.end() && m.transfer < found->second.transfer) return;
  if (found != views_.end() && m.transfer > found->second.transfer) {
    views_.erase(found);
    found = views_.end();
  }
  if (found == views_.end()) {
    if (m.part > 0 && !planted(bug::snapshot_of_two_views)) {
      out.push_back({from.node, snapshot_offer{log_, m.transfer, truncated}});
      return;
    }
    if (!make_room()) return;
    found = views_.emplace(from, open(m.transfer, now)).first;
  }
  auto& v = found->second;
  v.used = now;
  auto part = part_of(v, m);
  v.done = part.last;
  out.push_back({from.node, std::move(part)});
}

bool snapshot_source::make_room() {
  if (views_.size() < limits_.views_max) return true;
  // One that has handed out its last part is kept only in case that part was lost.
  const auto done =
      std::find_if(views_.begin(), views_.end(), [](const auto& v) { return v.second.done; });
  if (done == views_.end()) return false;
  views_.erase(done);
  return true;
}

snapshot_source::view snapshot_source::open(std::uint64_t transfer, tick now) const {
  view v;
  v.transfer = transfer;
  v.frozen = disk_->freeze();
  v.state = v.frozen->state();
  v.opened = now;
  result_window window;
  for (const auto& [at, record] : std::exchange(v.state.results, {}))
    ATLAS_CHECK(window.replay(record), "result records decode");
  if (!planted(bug::snapshot_without_results)) v.results = window.encode_parts(limits_.chunk_bytes);
  return v;
}

snapshot_chunk snapshot_source::part_of(const view& v, const snapshot_request& m) const {
  snapshot_chunk c;
  c.log = log_;
  c.transfer = m.transfer;
  c.part = m.part;
  c.at = v.state.applied;
  c.when = v.state.last_stamp;
  c.hash = v.state.applied_hash;
  c.configuration_at = v.state.configuration_at;
  if (v.state.active) c.active = *v.state.active;
  if (m.part < v.results.size()) {
    c.results = v.results[m.part];
    return c;
  }
  std::size_t bytes = 0;
  c.last = true;
  const bool first = m.part == v.results.size();
  // The least row behind another is that one with a zero byte.
  const auto from = first ? std::string() : m.after + std::string(1, 0);
  v.frozen->scan({}, from, [&](std::string_view row, std::string_view value) {
    if (bytes >= limits_.chunk_bytes) {
      c.last = false;  // there is a row behind the last one of this part
      return false;
    }
    c.rows.emplace_back(row, value);
    bytes += row.size() + value.size();
    return true;
  });
  return c;
}

void snapshot_source::on_tick(tick now) {
  std::erase_if(views_, [&](const auto& v) {
    return now.ms >= v.second.used.ms + limits_.view_idle_ms ||
           now.ms >= v.second.opened.ms + limits_.view_life_ms;
  });
}

std::optional<slot> snapshot_source::oldest() const {
  std::optional<slot> least;
  for (const auto& [node, v] : views_)
    if (!least || v.state.applied < *least) least = v.state.applied;
  return least;
}

}  // namespace atlas::core
