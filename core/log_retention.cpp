#include "core/log_retention.hpp"

#include <algorithm>

#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t pieces_per_keep = 8;

}  // namespace

void log_retention::restart(slot truncated, slot applied) {
  pieces_.clear();
  total_ = 0;
  applied_ = applied;
  // In eight pieces at most, or their presumed sizes alone would be more than is kept.
  const auto step = (std::max(slots_, applied - truncated) + pieces_per_keep - 1) / pieces_per_keep;
  for (slot last = truncated; last < applied;) {
    const auto slots = std::min(step, applied - last);
    last = last + slots;
    pieces_.push_back({last, slots, bytes_ / pieces_per_keep});
    total_ += pieces_.back().bytes;
  }
}

void log_retention::note(slot at, std::size_t bytes) {
  applied_ = at;
  total_ += bytes;
  const bool full = pieces_.empty() || pieces_.back().slots >= slots_ / pieces_per_keep ||
                    pieces_.back().bytes >= bytes_ / pieces_per_keep ||
                    now_.ms >= pieces_.back().began_at.ms + ms_ / pieces_per_keep;
  if (full) pieces_.push_back({{}, 0, 0, {}, now_});
  auto& last = pieces_.back();
  last.last = at;
  ++last.slots;
  last.bytes += bytes;
  last.applied_at.reset();
}

slot log_retention::surplus(slot upto, tick now) {
  now_ = now;
  const auto kept_ms = planted(bug::truncate_before_its_age) ? ms_ / 2 : ms_;
  for (auto& p : pieces_)
    if (!p.applied_at) p.applied_at = now;
  slot cut;
  std::uint64_t behind = total_;
  for (const auto& p : pieces_) {
    behind -= p.bytes;
    const bool enough =
        applied_ - p.last >= slots_ || behind >= bytes_ || now.ms >= p.applied_at->ms + kept_ms;
    if (p.last > upto || !enough) break;
    cut = p.last;
  }
  return cut;
}

void log_retention::dropped(slot at) {
  for (; !pieces_.empty() && pieces_.front().last <= at; pieces_.pop_front())
    total_ -= pieces_.front().bytes;
}

}  // namespace atlas::core
