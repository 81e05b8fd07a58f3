#include "tests/sim/message_text.hpp"

namespace atlas::sim {
namespace {

std::string number(std::uint64_t n) {
  return std::to_string(n);
}
std::string number(core::slot s) {
  return std::to_string(s.value);
}
std::string who(core::process p) {
  return p ? "n" + number(p.node.value) + "." + number(p.boot.value) : "nobody";
}
std::string slots_of(core::slot first, const std::vector<core::entry>& entries) {
  std::string text;
  for (std::size_t i = 0; i < entries.size(); ++i)
    text += " " + number(first + i) + "=" + text_of(entries[i]);
  return text;
}

struct speaker {
  std::string operator()(const core::prepare& m) const {
    return "prepare " + text_of(m.by) + " from slot " + number(m.from);
  }
  std::string operator()(const core::promise& m) const {
    std::string text = "promise " + text_of(m.by) + " watermark " + number(m.watermark);
    for (const auto& e : m.entries)
      text += " " + number(e.at) + "=" + text_of(e.value) + "@" + text_of(e.by);
    return text;
  }
  std::string operator()(const core::nack& m) const {
    return "nack of " + text_of(m.by) + ", promised " + text_of(m.promised) + " epoch " +
           number(m.epoch.value);
  }
  std::string operator()(const core::accept& m) const {
    return (m.entries.empty() ? "confirm " : "accept ") + text_of(m.by) + " epoch " +
           number(m.epoch.value) + " round " + number(m.round) + slots_of(m.first, m.entries) +
           " watermark " + number(m.watermark);
  }
  std::string operator()(const core::accepted& m) const {
    return "accepted " + text_of(m.by) + " round " + number(m.round) +
           (m.count ? " slot " + number(m.first) + "+" + number(m.count) : "");
  }
  std::string operator()(const core::commit& m) const {
    return "commit " + text_of(m.by) + " watermark " + number(m.watermark);
  }
  std::string operator()(const core::fetch& m) const { return "fetch from slot " + number(m.from); }
  std::string operator()(const core::chosen& m) const {
    return "chosen" + slots_of(m.first, m.entries) + " watermark " + number(m.watermark);
  }
  std::string operator()(const core::release& m) const {
    return "release of " + text_of(m.by) + " generation " + number(m.gen.value);
  }
  std::string operator()(const core::owner_query& m) const {
    return "do you miss " + who(m.suspect) + " too?";
  }
  std::string operator()(const core::owner_report& m) const {
    return std::string(m.missed ? "missed" : "not missed") + ", follows " + who(m.holder);
  }
  std::string operator()(const core::snapshot_offer& m) const {
    return "truncated up to " + number(m.truncated) + ", take a snapshot" +
           (m.transfer ? " again, not transfer " + number(m.transfer) : "");
  }
  std::string operator()(const core::snapshot_request& m) const {
    return "snapshot request " + number(m.transfer) + " part " + number(m.part);
  }
  std::string operator()(const core::snapshot_chunk& m) const {
    return "snapshot " + number(m.transfer) + " part " + number(m.part) + " at slot " +
           number(m.at) + ", " + number(m.rows.size()) + " rows" + (m.last ? ", last" : "");
  }
  std::string operator()(const core::move_offer& m) const {
    return "move offer of " + text_of(m.by) + " watermark " + number(m.watermark);
  }
  std::string operator()(const core::move_ready& m) const {
    return "move ready for " + text_of(m.by) + " generation " + number(m.gen.value) + " applied " +
           number(m.applied);
  }
  std::string operator()(const core::hand_off& m) const {
    return "hand-off of " + text_of(m.by) + " generation " + number(m.gen.value) + " to " +
           who(m.to) + " after slot " + number(m.last_slot) + ", " + number(m.unfinished.size()) +
           " in flight";
  }
};

std::string request_of(const core::command& c) {
  return "request " + c.principal + " of " + who(c.from) + " #" + number(c.seq.value);
}

}  // namespace

std::string text_of(core::ballot b) {
  return "b" + number(b.round) + "." + number(b.node.value);
}

std::string text_of(const core::entry& e) {
  if (const auto c = core::decode_configuration_entry(e))
    return "configuration(epoch " + number(c->epoch.value) + " after " + number(c->parent.value) +
           ")";
  const auto batch = core::decode_batch(e);
  if (!batch) return "no-op";
  std::string text;
  for (const auto& c : batch->commands) text += (text.empty() ? "" : ", ") + request_of(c);
  return "[" + text + "]";
}

std::string text_of(const core::message& m) {
  return std::visit(speaker{}, m);
}

std::string text_of(const payload& p) {
  if (const auto* m = std::get_if<core::message>(&p)) return text_of(*m);
  if (const auto* f = std::get_if<forward>(&p)) {
    std::string text = "forward";
    for (const auto& c : f->commands) text += " " + request_of(c);
    return text + " and " + number(f->reads.size()) + " reads";
  }
  if (const auto* r = std::get_if<returned>(&p))
    return "given back " + number(r->commands.size()) + " writes, " + number(r->reads.size()) +
           " reads: " + r->why;
  if (const auto* a = std::get_if<answers>(&p)) return number(a->list.size()) + " answers";
  if (const auto* g = std::get_if<pong>(&p))
    return "lease of " + number(g->grant.duration_ms) + " ms in session " +
           number(g->grant.session);
  return "ping";
}

core::log_id log_of(const payload& p) {
  if (const auto* m = std::get_if<core::message>(&p))
    return std::visit([](const auto& x) { return x.log; }, *m);
  if (const auto* f = std::get_if<forward>(&p)) return f->log;
  if (const auto* r = std::get_if<returned>(&p)) return r->log;
  if (const auto* a = std::get_if<answers>(&p)) return a->log;
  return {};
}

}  // namespace atlas::sim
