#include "tests/sim/sim_disk.hpp"

#include "tests/sim/sim_failure.hpp"

namespace atlas::sim {

void log_image::apply(const core::record_write& w) {
  using kind = core::record_write::kind;
  switch (w.what) {
    case kind::promised:
      require(w.by > promised, "a promise on disk may only rise");
      promised = w.by;
      break;
    case kind::accepted:
      require(w.by <= promised, "no vote is written above the promise");
      require(w.at > truncated, "no vote is written at or below the truncation point");
      entries.insert_or_assign(w.at, core::accepted_entry{w.at, w.by, {w.value}});
      break;
    case kind::applied:
      require(w.at >= applied, "the applied slot on disk may only rise");
      applied = w.at;
      last_stamp = w.when;
      applied_hash = w.hash;
      break;
    case kind::configuration:
      configuration_at = w.at;
      configuration = w.key;
      break;
    case kind::put_row:
      check_origin(w);
      rows.insert_or_assign(w.key, w.value);
      break;
    case kind::erase_row:
      rows.erase(w.key);
      break;
    case kind::put_history:
      require(w.at > truncated, "no change is written at or below the truncation point");
      history.insert_or_assign(w.at, w.value);
      break;
    case kind::put_results:
      results.insert_or_assign(w.at, w.value);
      break;
    case kind::erase_results:
      results.erase(w.at);
      break;
    case kind::truncate:
      require(w.at >= truncated, "the truncation point on disk may only rise");
      truncated = w.at;
      entries.erase(entries.begin(), entries.upper_bound(w.at));
      history.erase(history.begin(), history.upper_bound(w.at));
      break;
    case kind::stage_row:
      staged.insert_or_assign(w.key, w.value);
      break;
    case kind::drop_staged:
      staged.clear();
      break;
    case kind::handed_on:
      handed_on = w.by;
      break;
    case kind::install:
      rows.swap(staged);  // what it replaces is dropped later
      results.clear();
      installed = w.at;
      break;
  }
}

/// A disk may keep what a row shares with an entry once, so it must be as the record says.
void log_image::check_origin(const core::record_write& w) {
  if (!w.at) return;
  const auto found = entries.find(w.at);
  require(found != entries.end(), "a row comes from an entry that is there");
  const auto& bytes = *found->second.value.bytes;
  require(w.shared <= w.value->size() && w.shared_from + w.shared <= bytes.size() &&
              std::string_view(bytes).substr(w.shared_from, w.shared) ==
                  std::string_view(*w.value).substr(w.value->size() - w.shared),
          "a row ends with the bytes of the entry it came from");
  require(origins.try_emplace(w.at, w.key).first->second == w.key,
          "one row at most shares an entry");
}

namespace {

/// Slots that are truncated must be applied on the medium already; a snapshot brings its own.
void check_truncation(const core::log_writes& group, core::slot durably_applied) {
  using kind = core::record_write::kind;
  bool installs = false;
  for (const auto& w : group.writes) {
    installs = installs || w.what == kind::install;
    require(w.what != kind::truncate || installs || w.at <= durably_applied,
            "the log is truncated above what the medium holds as applied");
  }
}

/// What the rest of core/'s recovery is made of.
core::recovered_log state_of(const log_image& image) {
  core::recovered_log past;
  past.promised = image.promised;
  past.handed_on = image.handed_on;
  past.applied = image.applied;
  past.last_stamp = image.last_stamp;
  past.applied_hash = image.applied_hash;
  past.configuration_at = image.configuration_at;
  if (image.configuration_at) {
    std::string_view bytes = image.configuration;
    past.active = core::decode_configuration(bytes);
    require(past.active.has_value(), "configurations on disk decode");
  }
  for (const auto& [at, record] : image.results) past.results.emplace_back(at, *record);
  past.truncated = image.truncated;
  past.staged = !image.staged.empty();
  return past;
}

class frozen_image final : public core::frozen_log {
 public:
  explicit frozen_image(const log_image& image) : image_(image) {}
  [[nodiscard]] core::recovered_log state() const override { return state_of(image_); }
  [[nodiscard]] core::slot applied() const override { return image_.applied; }
  void history(
      core::slot first,
      const std::function<bool(core::slot at, std::string_view record)>& visit) const override {
    for (auto it = image_.history.lower_bound(first); it != image_.history.end(); ++it)
      if (!visit(it->first, *it->second)) return;
  }
  [[nodiscard]] std::optional<core::entry> entry_of(core::slot at) const override {
    const auto found = image_.entries.find(at);
    if (found == image_.entries.end()) return std::nullopt;
    return found->second.value;
  }
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view row, std::string_view value)>& visit)
      const override {
    const auto& all = image_.rows;
    for (auto it = all.lower_bound(std::string(std::max(prefix, from)));
         it != all.end() && it->first.starts_with(prefix); ++it)
      if (!visit(it->first, *it->second)) return;
  }

 private:
  const log_image image_;
};

}  // namespace

const log_image& sim_disk::at(const images& all, core::log_id log) {
  static const log_image empty;
  const auto found = all.find(log);
  return found == all.end() ? empty : found->second;
}

void sim_disk::write(std::vector<core::log_writes>& groups, bool sync) {
  for (auto& g : groups) {
    check_truncation(g, durable_[g.log].applied);
    auto& image = visible_[g.log];
    for (const auto& w : g.writes) image.apply(w);
    unsynced_.emplace_back(g.log, std::move(g.writes));
  }
  if (!sync) return;
  for (const auto& [log, writes] : unsynced_)
    for (const auto& w : writes) durable_[log].apply(w);
  unsynced_.clear();
}

void sim_disk::crash(core::rng& random) {
  const auto kept = random.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i)
    for (const auto& w : unsynced_[i].second) durable_[unsynced_[i].first].apply(w);
  unsynced_.clear();
  visible_ = durable_;
}

std::optional<std::string> sim_log_store::get(std::string_view row) const {
  const auto& rows = disk_.visible(log_).rows;
  const auto found = rows.find(row);
  if (found == rows.end()) return std::nullopt;
  return *found->second;
}

void sim_log_store::scan(
    std::string_view prefix, std::string_view from,
    const std::function<bool(std::string_view row, std::string_view value)>& visit) const {
  const auto& rows = disk_.visible(log_).rows;
  for (auto it = rows.lower_bound(std::max(prefix, from)); it != rows.end(); ++it)
    if (!it->first.starts_with(prefix) || !visit(it->first, *it->second)) return;
}

std::vector<core::accepted_entry> sim_log_store::entries(core::slot first, core::slot end,
                                                         std::size_t bytes_max) const {
  const auto& all = disk_.visible(log_).entries;
  std::vector<core::accepted_entry> out;
  std::size_t bytes = 0;
  for (auto it = all.find(first); it != all.end() && it->first == first && first < end; ++it) {
    out.push_back(it->second);
    bytes += it->second.value.size();
    if (bytes > bytes_max) break;
    ++first;
  }
  return out;
}

core::recovered_log sim_log_store::recover() const {
  const auto& image = disk_.visible(log_);
  core::recovered_log past = state_of(image);
  for (auto it = image.entries.upper_bound(image.applied); it != image.entries.end(); ++it)
    past.tail.push_back(it->second);
  return past;
}

std::unique_ptr<core::frozen_log> sim_log_store::freeze() const {
  return std::make_unique<frozen_image>(disk_.visible(log_));
}

}  // namespace atlas::sim
