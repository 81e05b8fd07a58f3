#include "actors/hasher.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "core/blob_manifest.hpp"
#include "core/check.hpp"

namespace atlas::actors {
namespace {

// Small writes count so long; a client that waits for each answer is seen all the time.
constexpr std::uint64_t busy_us = 100'000;
// Then a part goes on every so often: 8 MB a second. Each delays what is written with it by a few
// hundred microseconds, and most small writes meet none.
constexpr std::uint64_t pace_us = 16'000;

}  // namespace

hasher::hasher(caf::actor_config& config, std::shared_ptr<board> where)
    : metered(config, where->meters(), "hasher"), board_(std::move(where)) {}

hasher_actor::behavior_type hasher::make_behavior() {
  return {[this](hash_job& job) { hash(job); },
          [this](const hash_end& end) { whole_.erase(end.upload); },
          [this](hash_done& part) {
            board_->requests->on_hashed(part.ticket, part.is_up, std::move(part.hash),
                                        std::move(part.bytes));
          }};
}

void hasher::hash(hash_job& job) {
  std::string hash(core::hash_bytes, 0);
  auto* const out = reinterpret_cast<unsigned char*>(hash.data());
  if (job.bytes) {
    ATLAS_CHECK(
        EVP_Digest(job.bytes->data(), job.bytes->size(), out, nullptr, EVP_sha256(), nullptr),
        "SHA-256 works");
    if (job.upload) {
      auto& whole = whole_[job.upload];
      if (!whole) {
        whole.reset(EVP_MD_CTX_new());
        ATLAS_CHECK(whole && EVP_DigestInit_ex(whole.get(), EVP_sha256(), nullptr),
                    "SHA-256 works");
      }
      ATLAS_CHECK(EVP_DigestUpdate(whole.get(), job.bytes->data(), job.bytes->size()),
                  "SHA-256 works");
    }
  } else if (const auto whole = whole_.find(job.upload); whole != whole_.end()) {
    ATLAS_CHECK(EVP_DigestFinal_ex(whole->second.get(), out, nullptr), "SHA-256 works");
    whole_.erase(whole);
  } else {
    hash.clear();
  }
  const bool is_upload = job.upload != 0 && job.bytes;
  give({job.ticket, is_upload, std::move(hash), std::move(job.bytes)});
}

void hasher::give(hash_done&& part) {
  const auto now = monotonic_us();
  if (!part.is_up || !is_busy(now))
    return board_->requests->on_hashed(part.ticket, part.is_up, std::move(part.hash),
                                       std::move(part.bytes));
  const auto due = std::max(now, next_us_);
  next_us_ = due + pace_us;
  delayed_send(this, std::chrono::microseconds(due - now), std::move(part));
}

bool hasher::is_busy(std::uint64_t now) const {
  return now < board_->small_write_us.load(std::memory_order_relaxed) + busy_us;
}

}  // namespace atlas::actors
