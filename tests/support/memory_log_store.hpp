// A log's disk in memory, for tests of core/: what `write` was given is what `recover` finds, so a
// crash is a new replica on the same store, and lost writes are groups that were never handed over.
// It checks on the way what storage/ relies on: promises and applied slots only rise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.hpp"
#include "core/ports.hpp"

namespace atlas::tests {

/// `core::log_store` over maps. One thread only, unlike the real one.
class memory_log_store final : public core::log_store {
 public:
  /// Applies one group; each call stands for one durable batch.
  void write(const std::vector<core::record_write>& group) {
    for (const auto& w : group) write_one(w);
  }

  [[nodiscard]] std::optional<std::string> get(std::string_view row) const override {
    const auto found = rows_.find(row);
    if (found == rows_.end()) return std::nullopt;
    return found->second;
  }

  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (auto it = rows_.lower_bound(std::max(prefix, from)); it != rows_.end(); ++it) {
      if (!it->first.starts_with(prefix) || !visit(it->first, it->second)) return;
    }
  }

  [[nodiscard]] std::vector<core::accepted_entry> entries(core::slot first, core::slot end,
                                                          std::size_t bytes_max) const override {
    std::vector<core::accepted_entry> out;
    std::size_t bytes = 0;
    for (auto it = accepted_.find(first); it != accepted_.end() && it->first < end; ++it) {
      if (it->first != first + out.size()) break;
      out.push_back(it->second);
      bytes += it->second.value.size();
      if (bytes > bytes_max) break;
    }
    return out;
  }

  [[nodiscard]] core::recovered_log recover() const override {
    core::recovered_log past = kept_;
    for (auto it = accepted_.upper_bound(kept_.applied); it != accepted_.end(); ++it)
      past.tail.push_back(it->second);
    past.results.assign(results_.begin(), results_.end());
    past.staged = !staged_.empty();
    return past;
  }

  [[nodiscard]] std::unique_ptr<core::frozen_log> freeze() const override;

  [[nodiscard]] std::size_t result_records() const { return results_.size(); }
  [[nodiscard]] std::size_t row_count() const { return rows_.size(); }
  [[nodiscard]] std::size_t staged_count() const { return staged_.size(); }
  [[nodiscard]] std::size_t entry_count() const { return accepted_.size(); }

 private:
  class frozen;
  void write_one(const core::record_write& w) {
    using kind = core::record_write::kind;
    switch (w.what) {
      case kind::promised:
        ATLAS_CHECK(w.by > kept_.promised, "a promise only rises");
        kept_.promised = w.by;
        break;
      case kind::handed_on:
        kept_.handed_on = w.by;
        break;
      case kind::accepted:
        accepted_.insert_or_assign(w.at, core::accepted_entry{w.at, w.by, {w.value}});
        break;
      case kind::applied:
        ATLAS_CHECK(w.at > kept_.applied, "the applied slot only rises");
        kept_.applied = w.at;
        kept_.last_stamp = w.when;
        kept_.applied_hash = w.hash;
        break;
      case kind::configuration: {
        std::string_view bytes = w.key;
        kept_.active = core::decode_configuration(bytes);
        ATLAS_CHECK(kept_.active && bytes.empty(), "configuration records decode");
        kept_.configuration_at = w.at;
        break;
      }
      case kind::put_row:
        rows_.insert_or_assign(w.key, *w.value);
        break;
      case kind::erase_row:
        rows_.erase(w.key);
        break;
      case kind::put_history:
        history_.insert_or_assign(w.at, *w.value);
        break;
      case kind::put_results:
        results_.insert_or_assign(w.at, *w.value);
        break;
      case kind::erase_results:
        results_.erase(w.at);
        break;
      case kind::truncate:
        kept_.truncated = w.at;
        accepted_.erase(accepted_.begin(), accepted_.upper_bound(w.at));
        history_.erase(history_.begin(), history_.upper_bound(w.at));
        break;
      case kind::stage_row:
        staged_.insert_or_assign(w.key, *w.value);
        break;
      case kind::drop_staged:
        staged_.clear();
        break;
      case kind::install:
        rows_.swap(staged_);
        results_.clear();
        break;
    }
  }

  core::recovered_log kept_;  ///< the single records; the lists in it stay empty
  std::map<core::slot, core::accepted_entry> accepted_;
  std::map<std::string, std::string, std::less<>> rows_;
  std::map<core::slot, std::string> results_;
  std::map<core::slot, std::string> history_;
  std::map<std::string, std::string, std::less<>> staged_;
};

class memory_log_store::frozen final : public core::frozen_log {
 public:
  explicit frozen(const memory_log_store& disk) : disk_(disk) {}
  [[nodiscard]] core::recovered_log state() const override { return disk_.recover(); }
  [[nodiscard]] core::slot applied() const override { return disk_.kept_.applied; }
  void history(core::slot first,
               const std::function<bool(core::slot, std::string_view)>& visit) const override {
    for (auto it = disk_.history_.lower_bound(first); it != disk_.history_.end(); ++it)
      if (!visit(it->first, it->second)) return;
  }
  [[nodiscard]] std::optional<core::entry> entry_of(core::slot at) const override {
    const auto found = disk_.accepted_.find(at);
    if (found == disk_.accepted_.end()) return std::nullopt;
    return found->second.value;
  }
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    disk_.scan(prefix, from, visit);
  }

 private:
  const memory_log_store disk_;
};

inline std::unique_ptr<core::frozen_log> memory_log_store::freeze() const {
  return std::make_unique<frozen>(*this);
}

}  // namespace atlas::tests
