#include "core/stale_reads.hpp"

#include <algorithm>
#include <utility>

#include "core/bytes.hpp"
#include "core/planted_bug.hpp"

namespace atlas::core {

std::string encode_frontier(const frontier& f) {
  std::string out;
  put_varint(out, f.log.value);
  put_varint(out, f.upto.value);
  return out;
}

std::optional<frontier> decode_frontier(std::string_view bytes) {
  byte_reader in(bytes);
  frontier f;
  f.log.value = in.varint();
  f.upto.value = in.varint();
  if (!in.complete()) return std::nullopt;
  return f;
}

void stale_reads::submit(request&& r, tick now) {
  waiting_.push_back({std::move(r), now, questions_});
}

std::uint64_t stale_reads::age(const waiting& w, const anchor& a) {
  if (a.number > w.questions) return 0;  // asked after the request came
  // Ticks are whole: two moments of the same one may be almost a millisecond apart.
  return w.arrived.ms - a.asked.ms + 1;
}

bool stale_reads::will_do(const waiting& w, const anchor& a, tick now) {
  const auto old = age(w, a);
  if (w.what.bound_ms) return old <= *w.what.bound_ms;
  return old <= fresh_ms || now.ms >= w.arrived.ms + patience_ms;
}

/// The newest anchor that the copy holds already, else the first that it will hold; null if none
/// will do.
const stale_reads::anchor* stale_reads::choose(const waiting& w, tick now, slot held) const {
  const anchor* best = nullptr;
  for (const auto& a : anchors_) {
    if (!will_do(w, a, now)) continue;
    if (best && a.upto > held) break;
    best = &a;
  }
  return best;
}

bool stale_reads::wants_question(tick now) const {
  if (asking_ || now < not_before_) return false;
  const bool is_needed = std::any_of(waiting_.begin(), waiting_.end(), [&](const waiting& w) {
    return std::none_of(anchors_.begin(), anchors_.end(),
                        [&](const anchor& a) { return will_do(w, a, w.arrived); });
  });
  if (is_needed) return true;
  const bool is_old = anchors_.empty() || now.ms >= anchors_.back().asked.ms + ask_every_ms;
  return is_used_ && is_old;
}

void stale_reads::on_asked(tick now) {
  asking_ = anchor{++questions_, now, {}};
  is_used_ = false;
}

void stale_reads::on_answer(const std::optional<frontier>& f, tick now) {
  auto a = std::exchange(asking_, std::nullopt);
  if (!f) not_before_ = now + ask_every_ms;
  if (!a || !f) return;
  if (f->log != log_) anchors_.clear();
  log_ = f->log;
  a->upto = f->upto;
  if (planted(bug::stale_age_from_answer)) a->asked = now;
  anchors_.push_back(*a);
  // A copy that lags for long: what is between is of little use.
  if (anchors_.size() > anchors_max) anchors_.erase(anchors_.begin() + 1);
}

std::vector<stale_ask> stale_reads::take(tick now, slot held) {
  std::vector<stale_ask> out;
  while (anchors_.size() > 1 && anchors_[1].upto <= held) anchors_.pop_front();
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto* const a = choose(*it, now, held);
    if (!a) {
      ++it;
      continue;
    }
    const auto ticket = it->what.ticket;
    out.push_back(ask(*it, *a));
    if (a->upto > held && !it->what.bound_ms)
      fallbacks_.emplace(std::max(now, it->arrived + patience_ms), ticket);
    reading_.emplace(ticket, std::move(*it));
    it = waiting_.erase(it);
    is_used_ = true;
  }
  fall_back(now, held, out);
  return out;
}

stale_ask stale_reads::ask(waiting& w, const anchor& a) const {
  // Of two asks of one request either may be answered first.
  w.age_ms = std::max(w.age_ms, age(w, a));
  w.least = a.upto;
  return {planted(bug::stale_before_held) ? slot{} : a.upto,
          {{}, {w.what.ticket}, read_kind::get, w.what.row, table_, w.what.principal},
          w.what.deadline};
}

/// A copy that lags far behind may not reach a young slot before the deadline: where any age will
/// do, it is asked once more for what it holds.
void stale_reads::fall_back(tick now, slot held, std::vector<stale_ask>& out) {
  while (!fallbacks_.empty() && fallbacks_.begin()->first <= now) {
    const auto ticket = fallbacks_.begin()->second;
    fallbacks_.erase(fallbacks_.begin());
    const auto found = reading_.find(ticket);
    if (found == reading_.end() || found->second.least <= held) continue;
    const auto* const a = choose(found->second, now, held);
    if (a && a->upto <= held)
      out.push_back(ask(found->second, *a));
    else
      fallbacks_.emplace(now + ask_every_ms, ticket);
  }
}

std::optional<std::uint64_t> stale_reads::on_result(std::uint64_t ticket, const outcome& o,
                                                    tick now) {
  const auto found = reading_.find(ticket);
  if (found == reading_.end()) return std::nullopt;
  auto w = std::move(found->second);
  reading_.erase(found);
  if (o.code != outcome_code::moved) return w.age_ms;
  // The table has left that log since. Counted as arriving now: the age can only be told larger.
  anchors_.clear();
  w.arrived = now;
  w.questions = questions_;
  w.age_ms = 0;
  waiting_.push_front(std::move(w));
  return std::nullopt;
}

std::vector<stale_reads::request> stale_reads::withdraw_all() {
  std::vector<request> out;
  for (auto& w : waiting_) out.push_back(std::move(w.what));
  for (auto& [ticket, w] : reading_) out.push_back(std::move(w.what));
  waiting_.clear();
  reading_.clear();
  fallbacks_.clear();
  return out;
}

std::vector<std::uint64_t> stale_reads::expire(tick now) {
  std::vector<std::uint64_t> out;
  std::erase_if(waiting_, [&](const waiting& w) {
    if (w.what.deadline > now) return false;
    out.push_back(w.what.ticket);
    return true;
  });
  std::erase_if(reading_, [&](const auto& r) {
    if (r.second.what.deadline > now) return false;
    out.push_back(r.first);
    return true;
  });
  return out;
}

}  // namespace atlas::core
