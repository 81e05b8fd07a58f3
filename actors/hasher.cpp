#include "actors/hasher.hpp"

#include <string>
#include <utility>

#include "core/blob_manifest.hpp"
#include "core/check.hpp"

namespace atlas::actors {

hasher::hasher(caf::actor_config& config, std::shared_ptr<board> where)
    : metered(config, where->meters(), "hasher"), board_(std::move(where)) {}

hasher_actor::behavior_type hasher::make_behavior() {
  return {[this](hash_job& job) { hash(job); },
          [this](const hash_end& end) { whole_.erase(end.upload); }};
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
  board_->requests->on_hashed(job.ticket, std::move(hash), std::move(job.bytes));
}

}  // namespace atlas::actors
