// How a copy catches up from the log (consensus.md §7): whom it asks for chosen entries, how much
// at a time, and what it hands to others. What is no longer in any log: replica_snapshot.cpp.
#include <algorithm>
#include <utility>

#include "core/planted_bug.hpp"
#include "core/replica.hpp"

namespace atlas::core {
namespace {

constexpr std::uint64_t fetch_again_ms = 300;

}  // namespace

void replica::on_chase(node_id source, slot upto, replica_effects& out) {
  // Always told where the copy stands: the owner may have begun with older news.
  out.progress = replica_progress{watermark_, last_stamp_, active_, {}, table_.next_due()};
  want(source, upto, out);
}

void replica::want(node_id source, slot upto, replica_effects& out) {
  if (upto <= watermark_) return;
  if (source != self_.node && upto >= wanted_.upto) told_by_ = source;
  if (upto > wanted_.upto) wanted_ = {upto, source};
  ask_for_missing(out);
}

void replica::on_chosen(process from, const chosen& m, replica_effects& out) {
  if (installing_) return;  // asked for before the snapshot was
  asked_at_.reset();
  const slot before = watermark_;
  slot at = m.first;
  for (const auto& value : m.entries) {
    if (at == watermark_ + 1) {
      const auto mine = tail_.find(at);
      if (mine == tail_.end() || !(mine->second.value == value)) {
        open_group(out);
        out.persist.push_back({.what = record_write::kind::accepted,
                               .at = at,
                               .by = promised_,
                               .value = value.bytes});
        if (planted(bug::learned_not_persisted)) out.persist.pop_back();
      }
      if (mine != tail_.end()) drop_vote(mine);
      apply_entry(at, value, false, out);
      if (!out.progress) out.progress.emplace();
      out.progress->learned.emplace_back(at, value);
    }
    ++at;
  }
  if (watermark_ != before) {
    pace_.on_part();
    note_applied(out);
    save(out);  // with the entries: on disk a learned entry is never a mere vote
    fetch_after_ = out.group;
  }
  apply_known(false, out);
  want(from.node, watermark_ != before ? std::max(m.watermark, wanted_.upto) : m.watermark, out);
}

void replica::on_fetch(process from, const fetch& m, replica_effects& out) {
  // The disk may still show an older vote for slots that are applied but not written yet.
  const slot last = planted(bug::fetch_above_written) ? watermark_ : written_watermark_;
  if (m.from <= truncated_ && m.from.value > 0)
    out.now.push_back({from.node, snapshot_offer{log_, 0, truncated_}});
  if (m.from > last || m.from <= truncated_) return;
  // asked from disk: storage hands out votes and chosen entries alike, so the range ends where the
  // disk knows every slot as chosen.
  const slot end = planted(bug::fetch_serves_unchosen) ? last + 100 : last + 1;
  chosen reply{log_, m.from, {}, last};
  for (auto& e : disk_->entries(m.from, end, std::min(m.bytes, fetch_pace::bytes_max)))
    reply.entries.push_back(std::move(e.value));
  if (!reply.entries.empty()) out.now.push_back({from.node, std::move(reply)});
}

void replica::ask_for_missing(replica_effects& out) {
  if (installing_ || intake_.running() || fetch_after_) return;
  if (asked_at_) {
    if (now_.ms < asked_at_->ms + fetch_again_ms) return;
    wanted_.source = another_source();  // the last one did not answer
  }
  if (wanted_.source == self_.node) wanted_.source = another_source();
  if (!wanted_.source || wanted_.source == self_.node) return;
  asked_at_ = now_;
  out.now.push_back({wanted_.source, fetch{log_, watermark_ + 1, pace_.bytes()}});
}

node_id replica::another_source() {
  // The owner need not have a seat, and may be the only one that holds what is missing. So may who
  // handed the log on to this node, under a configuration that this copy does not know yet.
  const auto count = active_.seats.size() + 2;
  for (std::size_t tries = 0; tries < count; ++tries) {
    const auto next = rotation_++ % count;
    const auto node = next < active_.seats.size()    ? active_.seats[next].node
                      : next == active_.seats.size() ? heard_.node
                                                     : told_by_;
    if (node && node != self_.node) return node;
  }
  return wanted_.source;
}

}  // namespace atlas::core
