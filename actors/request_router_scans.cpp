// SCAN, COUNT and SAMPLE: over one table as of one moment, or over all tables whose names begin
// with the prefix.
#include <algorithm>
#include <optional>
#include <utility>

#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "core/rng.hpp"
#include "core/scan_terms.hpp"
#include "core/state_machine.hpp"
#include "net/tokens.hpp"

namespace atlas::actors {
namespace {

constexpr std::size_t reply_bytes_max = 64 << 20;

/// Which rows of `table` have keys behind `after`: false if none, else those behind `behind`, or
/// all if that stays empty. Keys are ordered as bytes, and so not by table: "a-b.k" is before
/// "a.k".
bool has_keys_behind(const std::string& table, const std::string& after,
                     std::optional<std::string>& behind) {
  if (after.empty() || table > after) return true;
  if (!after.starts_with(table)) return false;
  const auto rest = after.substr(table.size());
  if (!rest.empty() && rest.front() < '.') {
    behind = "";  // the key without a dot is before it, all others are behind
    return true;
  }
  behind = rest;
  return rest.empty() || rest.front() == '.';
}

}  // namespace

/// One request: the parts that are still out, and what came so far.
struct request_router::scan_job {
  net::client_request asked;
  std::uint64_t deadline = 0;
  std::string rows;  ///< prefix inside a table
  std::uint64_t limit = 0;
  bool values = false;
  std::string after;  ///< a whole key, empty: none
  std::size_t parts = 0;
  bool failed = false;
  bool more = false;
  /// The last key of the part that was cut first; what is behind it may be incomplete.
  std::optional<std::string> cut;
  std::uint64_t count = 0;  ///< COUNT, and how many a SAMPLE was drawn from
  std::vector<std::pair<std::string, std::string>> found;  ///< (key, value)
  std::map<std::string, std::uint64_t> chunked;            ///< keys of values in chunks: how large
  struct sampled {
    std::uint64_t of = 0;  ///< rows that the sample stands for
    std::vector<std::string> keys;
  };
  std::vector<sampled> samples;

  /// Reads `<limit> <0|1> <after>`.
  void read_terms() {
    const auto& t = asked.terms;
    if (asked.what == net::verb::sample) limit = std::stoull(asked.value);
    if (t.empty()) return;
    const auto first = t.find(' ');
    limit = std::stoull(t.substr(0, first));
    values = t.at(first + 1) == '1';
    if (t.size() > first + 3) after = t.substr(first + 3);
  }
  /// What need not be held: keys behind the cut, and more than were asked for.
  void trim() {
    std::sort(found.begin(), found.end());
    if (cut) std::erase_if(found, [&](const auto& f) { return f.first > *cut; });
    if (limit && found.size() > limit) {
      found.resize(limit);
      more = true;
    }
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [key, value] : found) sum += key.size() + value.size() + 16;
    return sum;
  }
  [[nodiscard]] core::read_kind kind() const {
    return asked.what == net::verb::scan    ? core::read_kind::range
           : asked.what == net::verb::count ? core::read_kind::count
                                            : core::read_kind::sample;
  }
};

void request_router::start_scan(net::client_request&& r, std::uint64_t, std::uint64_t deadline) {
  if (options_.keys_folded) r.key = net::upper(r.key);
  auto job = std::make_shared<scan_job>();
  job->deadline = deadline;
  const auto ticket = r.ticket;
  const auto dot = r.key.find('.');
  const std::string table = r.key.substr(0, dot);
  job->rows = dot == std::string::npos ? std::string() : r.key.substr(dot);
  job->asked = std::move(r);
  job->read_terms();
  if (options_.keys_folded) job->after = net::upper(job->after);
  // With a dot the prefix names one table; without, every table whose name begins with it. Either
  // way the meta log's owner says which exist: this node's own list may be a moment old.
  auto* meta = find_route(std::string(core::meta_table));
  if (!meta) return reply(ticket, net::reply_kind::warn, "this node is still starting");
  job->parts = 1;
  const bool one = dot != std::string::npos;
  if (one && find_route(table)) return scan_table(job, table);
  const auto listed = [this, job, table, one](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    if (!decided || result.code != core::outcome_code::ok) {
      const char* const untold = "the tables can not be listed at the moment; try again";
      reply(job->asked.ticket, net::reply_kind::warn, result.data.empty() ? untold : result.data);
    } else {
      std::vector<std::string> tables;
      if (const auto found = core::decode_rows(result.data))
        for (const auto& [row, value] : *found)
          if (row.size() > 2 && (!one || row.substr(2) == table)) tables.push_back(row.substr(2));
      scan_tables(job, std::move(tables));
    }
    flush_dirty(monotonic_us() / 1000);
    wake_if_ready(lock);
  };
  add_read(*meta, core::read_kind::scan, "t/" + table, waiting{0, net::verb::scan, listed},
           deadline);
}

void request_router::rescan(scan_job& job) {
  if (std::exchange(job.failed, true)) return;
  rescans_.push_back({job.asked, job.deadline, false});
}

void request_router::repeat_scans() {
  for (auto& s : std::exchange(rescans_, {})) {
    if (s.deadline_ms > ticked_at_ms_)
      start_scan(std::move(s.request), ticked_at_ms_, s.deadline_ms);
    else
      reply(s.request.ticket, net::reply_kind::warn,
            "a table that begins with " + s.request.key +
                " is being created or dropped and is not open here yet; try again");
  }
}

void request_router::scan_tables(std::shared_ptr<scan_job> job, std::vector<std::string> tables) {
  std::erase_if(tables, [&](const std::string& t) {
    std::optional<std::string> behind;
    return !has_keys_behind(t, job->after, behind);
  });
  job->parts = tables.size();
  if (tables.empty()) return finish_scan(*job);
  for (const auto& t : tables) scan_table(job, t);
}

void request_router::scan_table(const std::shared_ptr<scan_job>& job, const std::string& table) {
  auto* to = find_route(table);
  const auto part_done = [this, job, table](bool decided, core::outcome&& result) {
    std::unique_lock lock(mutex_);
    if (decided && result.code == core::outcome_code::dropped) rescan(*job);
    const bool refused = decided && result.code == core::outcome_code::refused;
    if ((!decided || refused) && !std::exchange(job->failed, true))
      reply(job->asked.ticket, net::reply_kind::warn, result.data);
    if (!job->failed) take_part(*job, table, result.data);
    if (!job->failed && job->bytes() > reply_bytes_max) {
      job->failed = true;
      reply(job->asked.ticket, net::reply_kind::warn,
            "more than " + std::to_string(reply_bytes_max >> 20) +
                " MiB begin like this; name a longer prefix or a smaller LIMIT");
    }
    if (job->failed) job->found = {};
    if (--job->parts == 0 && !job->failed) finish_scan(*job);
    wake_if_ready(lock);
  };
  if (!to) return rescan(*job);
  if (to->is_group) return ask_whether_group(table, job->deadline, part_done);
  core::scan_terms terms{job->rows, {}, job->limit, job->values, 0};
  if (!has_keys_behind(table, job->after, terms.after)) {
    after_.emplace_back([part_done] { part_done(true, {core::outcome_code::not_found, {}}); });
    return;
  }
  terms.seed = monotonic_us();
  add_read(*to, job->kind(), core::encode(terms), waiting{0, net::verb::scan, part_done},
           job->deadline, job->asked.principal);
}

/// A group holds no keys. But what this node takes for one may be a table by now: the meta log's
/// owner knows.
void request_router::ask_whether_group(const std::string& table, std::uint64_t deadline,
                                       completion then) {
  auto* const meta = find_route(std::string(core::meta_table));
  ATLAS_CHECK(meta != nullptr, "a listing begins at the meta table");
  const auto told = [this, then = std::move(then)](bool decided, core::outcome&& result) {
    const auto known = core::decode_table(result.data);
    const bool is_told = decided && result.code == core::outcome_code::ok;
    if (is_told && !known) {
      result = {core::outcome_code::refused, damaged_answer};
    } else if (is_told && !known->is_group) {
      const std::lock_guard lock(mutex_);
      leave_group(*known);
      result = {core::outcome_code::dropped, {}};  // what had the name
    } else if (is_told) {
      result = {core::outcome_code::not_found, {}};
    }
    then(decided, std::move(result));
  };
  add_read(*meta, core::read_kind::get, "t/" + table, waiting{0, net::verb::scan, told}, deadline);
}

void request_router::take_part(scan_job& job, const std::string& table, const std::string& data) {
  if (data.empty()) return;
  core::byte_reader in(data);
  switch (job.kind()) {
    case core::read_kind::count:
      job.count += in.varint();
      return;
    case core::read_kind::sample: {
      scan_job::sampled s{in.varint(), {}};
      while (!in.failed() && !in.rest().empty()) s.keys.push_back(table + std::string(in.string()));
      job.samples.push_back(std::move(s));
      return;
    }
    default:
      break;
  }
  auto page = core::decode_scan_page(data);
  if (!page) return;
  if (page->more && !page->rows.empty()) {
    job.more = true;
    const auto last = table + page->rows.back().row;
    if (!job.cut || last < *job.cut) job.cut = last;
  }
  for (auto& r : page->rows) {
    job.found.emplace_back(table + r.row, std::move(r.value));
    if (r.chunked) job.chunked[job.found.back().first] = *r.chunked;
  }
  job.trim();
}

/// Draws from several tables as if they were one.
std::vector<std::string> request_router::draw_sample(scan_job& job) {
  core::rng random(monotonic_us());
  std::uint64_t of = 0;
  for (auto& s : job.samples) {
    of += s.of;
    // A part is a set without order; which of it is taken must be chance, too.
    for (std::size_t i = s.keys.size(); i > 1; --i)
      std::swap(s.keys[i - 1], s.keys[random.below(i)]);
  }
  std::vector<std::string> keys;
  while (keys.size() < job.limit && of > 0) {
    auto place = random.below(of);
    for (auto& s : job.samples) {
      if (place >= s.of) {
        place -= s.of;
        continue;
      }
      if (s.keys.empty()) {  // it drew fewer than it should have: nothing more to be had of it
        of -= std::exchange(s.of, 0);
        break;
      }
      --s.of;
      --of;
      keys.push_back(std::move(s.keys.back()));
      s.keys.pop_back();
      break;
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void request_router::finish_scan(scan_job& job) {
  const auto say = [&](std::string text) {
    reply(job.asked.ticket, net::reply_kind::payload, std::move(text));
  };
  if (job.kind() == core::read_kind::count) return say("COUNT:" + std::to_string(job.count));
  if (job.kind() == core::read_kind::sample) {
    for (auto& key : draw_sample(job)) job.found.emplace_back(std::move(key), std::string());
    job.limit = 0;
  }
  std::string text = "KEYS:" + std::to_string(job.found.size());
  for (const auto& [key, value] : job.found) {
    text += "\r\n" + key;
    if (!job.values) continue;
    // A value in chunks is larger than a listing should be: its size stands for it.
    const auto chunked = job.chunked.find(key);
    text += chunked != job.chunked.end() ? " BLOB " + std::to_string(chunked->second)
                                         : " " + std::to_string(value.size()) + "\r\n" + value;
  }
  if (job.more && !job.found.empty()) text += "\r\nMORE " + job.found.back().first;
  say(std::move(text));
}

}  // namespace atlas::actors
