// A backend in memory for tests of the client side: a map, answers in any order, and counts of what
// the gateway asked of it. Answers at once, or only when the test says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/transaction.hpp"
#include "net/gateway.hpp"

namespace atlas::net::testing {

class memory_backend final : public backend {
 public:
  /// Called after `release` so that the gateway polls.
  std::function<void()> wake;

  /// From now on requests wait for `release`.
  void hold(std::optional<verb> only = {}) {
    const std::lock_guard lock(mutex_);
    holding_ = true;
    held_only_ = only;
  }
  /// Serves the waiting requests that `which` accepts, the last one first if `reversed`.
  std::size_t release(bool reversed = false,
                      const std::function<bool(const client_request&)>& which = {}) {
    std::size_t n = 0;
    {
      const std::lock_guard lock(mutex_);
      if (reversed) std::reverse(waiting_.begin(), waiting_.end());
      std::vector<client_request> rest;
      for (auto& r : waiting_) {
        if (which && !which(r)) {
          rest.push_back(std::move(r));
          continue;
        }
        ready_.push_back(serve(r));
        ++n;
      }
      waiting_ = std::move(rest);
    }
    if (wake) wake();
    return n;
  }
  /// Serves what waits and everything that comes later at once.
  void release_for_good() {
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
    }
    release();
  }

  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  [[nodiscard]] std::size_t rounds() const {
    const std::lock_guard lock(mutex_);
    return rounds_;
  }
  [[nodiscard]] std::size_t polls() const {
    const std::lock_guard lock(mutex_);
    return polls_;
  }
  [[nodiscard]] std::size_t requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  void refuse_next_part(std::string why) {
    const std::lock_guard lock(mutex_);
    refusal_ = std::move(why);
  }
  /// The next so many reads of chunks fail.
  void lose_chunks(std::size_t n) {
    const std::lock_guard lock(mutex_);
    lost_ = n;
  }
  [[nodiscard]] std::vector<client_request> waiting_requests() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  void submit(std::vector<client_request>&& round) override {
    const std::lock_guard lock(mutex_);
    ++rounds_;
    requests_ += round.size();
    for (auto& r : round)
      if (holding_ && (!held_only_ || *held_only_ == r.what))
        waiting_.push_back(std::move(r));
      else
        ready_.push_back(serve(r));
  }
  void poll(std::vector<client_reply>& out) override {
    const std::lock_guard lock(mutex_);
    ++polls_;
    for (auto& r : ready_) out.push_back(std::move(r));
    ready_.clear();
  }
  void on_taken(const std::vector<std::uint64_t>& tickets) override {
    const std::lock_guard lock(mutex_);
    taken_.insert(taken_.end(), tickets.begin(), tickets.end());
  }
  void cancel(const std::vector<std::uint64_t>& tickets) override {
    const std::lock_guard lock(mutex_);
    cancelled_.insert(cancelled_.end(), tickets.begin(), tickets.end());
  }
  [[nodiscard]] int next_deadline_ms() override { return -1; }
  [[nodiscard]] std::vector<std::uint64_t> taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }
  [[nodiscard]] std::vector<std::uint64_t> cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  [[nodiscard]] client_reply manifest_of(const client_request& r, reply_kind what) const {
    std::string text;
    core::put_string(text, r.key);
    core::put_string(text, r.terms);
    return {r.ticket, what, text + manifests_.at(r.key)};
  }
  client_reply serve(client_request& r) {
    const auto payload = [&r](std::string text) {
      return client_reply{r.ticket, reply_kind::payload, std::move(text)};
    };
    const auto found = rows_.find(r.key);
    switch (r.what) {
      case verb::blob_part: {
        if (!refusal_.empty())
          return {r.ticket, reply_kind::warn, std::exchange(refusal_, std::string())};
        // Any name will do that is as long as a hash.
        auto name = std::to_string(std::hash<std::string>{}(r.value));
        name.resize(core::hash_bytes, '.');
        chunks_[name] = std::move(r.value);
        return payload(std::move(name));
      }
      case verb::blob_commit: {
        const auto m = core::decode_manifest(r.value);
        if (!m) return {r.ticket, reply_kind::warn, "broken manifest"};
        std::string whole;
        for (const auto& name : m->chunks) whole += chunks_.at(name);
        if (whole.size() != m->size) return {r.ticket, reply_kind::warn, "wrong size"};
        rows_[r.key] = std::move(whole);
        manifests_[r.key] = r.value;
        return {r.ticket, reply_kind::ok, {}};
      }
      case verb::blob_chunk:
        if (!chunks_.contains(r.value) || lost_ > 0) {
          lost_ -= lost_ > 0 ? 1 : 0;
          return {r.ticket, reply_kind::warn, "a part of the value is gone"};
        }
        return {r.ticket, reply_kind::chunk, chunks_.at(r.value)};
      case verb::key_put:
      case verb::blob_set:
        manifests_.erase(r.key);
        rows_[r.key] = std::move(r.value);
        return {r.ticket, reply_kind::ok, {}};
      case verb::key_del:
        rows_.erase(r.key);
        return {r.ticket, reply_kind::ok, {}};
      case verb::key_get:
        if (found == rows_.end()) return payload("NOT_FOUND");
        if (manifests_.contains(r.key)) return manifest_of(r, reply_kind::long_value);
        return {r.ticket, reply_kind::value, found->second};
      case verb::key_get_stale: {
        client_reply reply{r.ticket, reply_kind::payload, "NOT_FOUND"};
        if (found != rows_.end()) reply = {r.ticket, reply_kind::value, found->second};
        reply.head = "AGE:" + (r.value.empty() ? "any" : r.value);
        return reply;
      }
      case verb::blob_get:
        if (found == rows_.end()) return payload("EMPTY");
        if (manifests_.contains(r.key)) return manifest_of(r, reply_kind::manifest);
        return {r.ticket, reply_kind::blob, found->second};
      case verb::scan:
        return payload("KEYS:" + std::to_string(rows_.size()));
      case verb::node_ping:
        return {r.ticket, reply_kind::warn, "node " + r.key + " not found\r\nsecond line"};
      case verb::quorum_info:
        return payload("acting " + r.principal);
      case verb::txn_commit:
        return commit(r);
      case verb::blob_stat:
      case verb::key_cas:
      case verb::key_incr:
      case verb::key_mget:
      case verb::key_expire:
      case verb::key_persist:
      case verb::key_ttl:
      case verb::key_meta:
      case verb::key_worm:
      case verb::acl_grant:
      case verb::acl_revoke:
      case verb::acl_list:
      case verb::count:
      case verb::sample:
      case verb::info:
        return payload("SAID " + r.key + "|" + r.value + "|" + r.terms);
      case verb::watch: {
        client_reply first{r.ticket, reply_kind::line, "WATCHING 0"};
        first.more = true;
        return first;
      }
      case verb::node_list:
      case verb::node_info:
      case verb::table_list:
      case verb::table_info:
      case verb::table_move:
      case verb::table_create:
      case verb::table_alter:
      case verb::table_drop:
      case verb::node_remove:
      case verb::group_create:
      case verb::group_add:
      case verb::group_remove:
      case verb::group_list:
      case verb::group_info:
        break;
    }
    return payload("FIRST " + r.key + "\r\nSECOND");
  }

  /// Puts, removals and conditions on presence and values; a row has no version here.
  client_reply commit(const client_request& r) {
    const auto steps = core::decode_steps(r.value);
    if (!steps) return {r.ticket, reply_kind::warn, "broken steps"};
    auto rows = rows_;
    for (const auto& s : *steps) {
      const auto found = rows.find(s.key);
      const bool is_there = found != rows.end();
      const bool differs =
          s.what == core::step_kind::if_absent
              ? is_there
              : s.what == core::step_kind::if_value && (!is_there || found->second != s.value);
      if (differs)
        return {r.ticket, reply_kind::payload,
                "CONFLICT " + s.key + (is_there ? " VERSION:1" : " ABSENT")};
      if (s.what == core::step_kind::put) rows[s.key] = s.value;
      if (s.what == core::step_kind::erase) rows.erase(s.key);
    }
    rows_ = std::move(rows);
    return {r.ticket, reply_kind::payload, "COMMITTED SLOT:" + std::to_string(++slot_)};
  }

  mutable std::mutex mutex_;
  std::vector<std::uint64_t> taken_;
  std::vector<std::uint64_t> cancelled_;
  bool holding_ = false;
  std::map<std::string, std::string> rows_;
  std::map<std::string, std::string> chunks_;
  std::map<std::string, std::string> manifests_;  ///< by key
  std::size_t lost_ = 0;
  std::string refusal_;  ///< of the next part
  std::optional<verb> held_only_;
  std::uint64_t slot_ = 0;
  std::vector<client_request> waiting_;
  std::vector<client_reply> ready_;
  std::size_t rounds_ = 0;
  std::size_t polls_ = 0;
  std::size_t requests_ = 0;
};

}  // namespace atlas::net::testing
