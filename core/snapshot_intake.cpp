#include "core/snapshot_intake.hpp"

#include <utility>

#include "core/planted_bug.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t ask_again_ms = 400;
constexpr unsigned unanswered_max = 3;  // six seconds in all: then another holder is asked

}  // namespace

void snapshot_intake::begin(node_id source, tick now) {
  running_ = true;
  source_ = source;
  ++transfer_;
  part_ = 0;
  after_.clear();
  results_ = {};
  asked_at_ = now;
  unanswered_ = 0;
}

snapshot_intake::step snapshot_intake::take(process from, const snapshot_chunk& m, slot applied,
                                            tick now, std::vector<record_write>& writes) {
  if (!running_ || from.node != source_ || m.transfer != transfer_ || m.part != part_)
    return step::ignored;
  if (m.at <= applied) return step::useless;
  if (part_ == 0) {
    head_ = m;
    head_.rows.clear();
  }
  const bool same_moment = m.at == head_.at && m.hash == head_.hash;
  if (!same_moment && !planted(bug::snapshot_of_two_views)) return step::useless;
  if (!results_.replay(m.results)) return step::useless;
  for (const auto& [row, value] : m.rows)
    writes.push_back(
        {.what = record_write::kind::stage_row, .key = row, .value = make_blob(value)});
  if (!m.rows.empty()) after_ = m.rows.back().first;
  ++part_;
  asked_at_ = now;
  unanswered_ = 0;
  return m.last || planted(bug::snapshot_installed_half) ? step::complete : step::more;
}

std::optional<snapshot_request> snapshot_intake::on_tick(log_id log, tick now) {
  // Ever more patiently: an answer that is only slow must not be sent twice over a slow link.
  if (!running_ || now.ms < asked_at_.ms + (ask_again_ms << unanswered_)) return std::nullopt;
  asked_at_ = now;
  if (++unanswered_ > unanswered_max) {
    stop();
    return std::nullopt;
  }
  return next(log);
}

slot snapshot_intake::install(std::vector<record_write>& writes) {
  using kind = record_write::kind;
  stop();
  const slot at = head_.at;
  writes.push_back({.what = kind::install, .at = at});
  writes.push_back({.what = kind::truncate, .at = at});
  if (head_.active.epoch.value > 0) {
    std::string bytes;
    encode_configuration(head_.active, bytes);
    writes.push_back(
        {.what = kind::configuration, .at = head_.configuration_at, .key = std::move(bytes)});
  }
  if (auto all = results_.encode_all(); !all.empty())
    writes.push_back({.what = kind::put_results, .at = at, .value = make_blob(std::move(all))});
  writes.push_back({.what = kind::applied, .at = at, .when = head_.when, .hash = head_.hash});
  results_ = {};
  return at;
}

}  // namespace atlas::core
