// Values too large for one command (core/blob_manifest.hpp): their parts go through the log first,
// each under its name, then the manifest that names them; they are read part by part, and checked.
#include "actors/chunk_name.hpp"
#include "actors/describe.hpp"
#include "actors/request_router.hpp"
#include "core/blob_manifest.hpp"
#include "core/bytes.hpp"
#include "core/check.hpp"
#include "net/command_parser.hpp"

namespace atlas::actors {
namespace {

constexpr const char* damaged_part = "a part of the value is damaged at its owner";

}  // namespace

/// Parts become the values of their commands, with room for the name: here, because the hasher's
/// thread is the one that uploads wait for.
void request_router::make_parts(std::vector<net::client_request>& round) const {
  const std::string unnamed(core::hash_bytes, 0);
  for (auto& r : round)
    if (r.what == net::verb::blob_part)
      r.value = core::encode(core::chunk_put{options_.chunk_grace_us, unnamed, r.value});
}

/// A part: to the hasher first, in the order they came.
void request_router::start_blob(net::client_request&& r) {
  const auto ticket = next_ticket_++;
  const auto bytes_at = core::hash_in_put(r.value) + core::hash_bytes;
  hash_job job{r.upload, ticket, std::make_shared<std::string>(std::move(r.value)), bytes_at, {}};
  job.place.is_last = r.terms == net::last_part;
  hashing_.emplace(ticket, hashed_request{std::move(r), {}});
  caf::anon_send(board_->hasher, std::move(job));
}

/// Every part has its name, and the last one's tells the hash of the value.
void request_router::start_commit(net::client_request&& r, std::uint64_t now,
                                  std::uint64_t deadline) {
  auto manifest = core::decode_manifest(r.value);
  ATLAS_CHECK(manifest.has_value(), "the session makes whole manifests");
  manifest->hash = value_hash(manifest->chunks.back());
  r.value = core::encode(*manifest);
  start_key(std::move(r), now, deadline);
}

/// Once more from where the table was not known: what was parked is through with the hasher.
void request_router::restart(net::client_request&& r, std::uint64_t deadline) {
  return r.what == net::verb::blob_part ? start_key(std::move(r), 0, deadline)
                                        : start(std::move(r), 0, deadline);
}

void request_router::on_hashed(std::uint64_t ticket, bool is_up, std::string&& name,
                               std::shared_ptr<std::string>&& bytes) {
  if (is_up) bytes->replace(core::hash_in_put(*bytes), core::hash_bytes, name);
  std::unique_lock lock(mutex_);
  const auto found = hashing_.find(ticket);
  if (found == hashing_.end()) return;
  auto [r, expected] = std::move(found->second);
  hashing_.erase(found);
  // It may have waited for its turn there; the request begins now.
  const auto now = monotonic_us() / 1000;
  if (r.what == net::verb::blob_part) {
    r.value = std::move(*bytes);
    r.terms = std::move(name);
    start_key(std::move(r), now, now + options_.request_timeout_ms);
  } else if (name == expected) {
    reply(r.ticket, net::reply_kind::chunk, std::move(*bytes));
  } else {
    reply(r.ticket, net::reply_kind::warn, damaged_part);
  }
  flush_dirty(now);
  wake_if_ready(lock);
}

/// A part has come from the owner: it must be what the manifest names.
void request_router::check_chunk(const net::client_request& r, std::string&& bytes) {
  const auto place = core::decode_place(r.terms);
  if (!place.is_last && bytes.size() != core::chunk_bytes)
    return reply(r.ticket, net::reply_kind::warn, damaged_part);
  const auto ticket = next_ticket_++;
  hash_job job{0, ticket, std::make_shared<std::string>(std::move(bytes)), 0, place};
  auto& kept = hashing_[ticket];
  kept.request.ticket = r.ticket;
  kept.request.what = r.what;
  kept.expected = r.value;
  caf::anon_send(board_->hasher, std::move(job));
}

/// The key of a KEY GET is kept with the read alone.
void request_router::on_chunked(route& r, core::answer&& a) {
  const auto back = r.requests.withdraw(a);
  const auto w = back ? waiting_.find(back->ticket) : waiting_.end();
  if (w == waiting_.end()) return;
  const auto& asked = w->second;
  using net::verb;
  const bool is_get = asked.verb == verb::key_get && !asked.done;
  const bool has_value = a.is_read && (asked.done || is_get || asked.verb == verb::blob_get ||
                                       asked.verb == verb::blob_stat);
  if (!has_value)
    reply(asked.ticket, net::reply_kind::warn, damaged_answer);
  else if (is_get && asked.ticket < first_part)
    reply_chunked(asked, a.result.data, r.label + back->write.row);
  else
    reply_outcome(asked, std::move(a.result));
  waiting_.erase(w);
}

/// A value in chunks was met where its bytes were asked for; the session fetches them. `key` is
/// empty if they have no place in the answer and nobody kept it.
void request_router::reply_chunked(const waiting& w, std::string_view data, std::string_view key) {
  const auto manifest = core::decode_manifest(data);
  if (!manifest) return reply(w.ticket, net::reply_kind::warn, damaged_answer);
  const auto* const asked = w.original.get();
  if (!asked && key.empty())
    return reply(w.ticket, net::reply_kind::warn,
                 "the value has " + std::to_string(manifest->size) +
                     " bytes, which is too large here; use KEY GET or KEY BLOB GET");
  if (asked && asked->what == net::verb::blob_stat)
    return reply(
        w.ticket, net::reply_kind::payload,
        "BLOB size=" + std::to_string(manifest->size) + " sha256=" + hex_text(manifest->hash));
  std::string text;
  core::put_string(text, asked ? asked->key : key);
  core::put_string(text, asked ? asked->terms : std::string_view());
  reply(w.ticket, asked ? net::reply_kind::manifest : net::reply_kind::long_value,
        text.append(data));
}

}  // namespace atlas::actors
