// Values that are too large for one request. Up: their parts are sent on as they come, or are cut
// off the line that holds all, a few at a time, and what the client pipelines behind them waits.
// Down: a few parts are fetched ahead of what the client has taken, and replies to other requests
// wait until the last byte is out.
#include <algorithm>
#include <charconv>
#include <utility>

#include "core/bytes.hpp"
#include "core/check.hpp"
#include "net/frames.hpp"
#include "net/session.hpp"

namespace atlas::net {
namespace {

constexpr unsigned repeats_max = 3;
// Unsent bytes up to which more parts are fetched.
constexpr std::size_t output_ahead = 1u << 20;

}  // namespace

void session::begin_upload(blob_upload&& u, std::size_t length) {
  upload_ = std::move(u);
  if (!upload_->refusal.empty()) return framer_.expect_skip(length);
  if (length <= options_.value_bytes_max) return framer_.expect_blob(length);
  if (transaction_.is_open() && !upload_->to.tagged) {
    upload_->refusal = transaction_desk::busy().text;
    return framer_.expect_skip(length);
  }
  upload_->id = ++desk_.last_ticket;
  upload_->left = upload_->manifest.size = length;
  expect_part();
}

void session::expect_part() {
  // Nothing of it can be kept any more.
  if (!upload_->refusal.empty()) return framer_.expect_skip(upload_->left);
  framer_.expect_blob(std::min(upload_->left, core::chunk_bytes));
}

/// KEY PUT of a value that is too large for one request.
void session::begin_line_upload(std::string&& key, std::string&& value, address&& to) {
  upload_ = blob_upload{std::move(to), std::move(key), {}};
  upload_->id = ++desk_.last_ticket;
  upload_->left = upload_->manifest.size = value.size();
  upload_->line = std::move(value);
  upload_->in_line = true;
  framer_.shed();
}

void session::cut_part() {
  auto& line = upload_->line;
  if (!upload_->refusal.empty()) upload_->left = 0;
  if (upload_->left > 0) send_part(line.substr(line.size() - upload_->left, core::chunk_bytes));
  if (upload_->left == 0) std::string().swap(line);
}

void session::on_part_read(bool is_kept) {
  if (!is_kept) {
    upload_->left = 0;
    return;
  }
  send_part(framer_.take_blob());
  if (upload_->left > 0) expect_part();
}

/// All uploads together have so many parts at the backend, or they would fill the links to other
/// nodes. One of each goes on in any case; its answer wakes a session that had no room.
bool session::has_room_for_part() const {
  if (upload_->in_flight == 0) return true;
  return desk_.parts_up < parts_in_flight_max &&
         upload_->in_flight < parts_in_flight_max / std::max<std::size_t>(desk_.uploads, 1);
}

void session::send_part(std::string&& bytes) {
  upload_->left -= bytes.size();
  const auto place = upload_->manifest.chunks.size();
  upload_->manifest.chunks.emplace_back();
  if (upload_->in_flight++ == 0) ++desk_.uploads;
  ++desk_.parts_up;
  client_request r{0, verb::blob_part, upload_->key, std::move(bytes), principal_};
  r.upload = upload_->id;
  r.in_line = upload_->in_line;
  if (upload_->left == 0) r.terms = last_part;
  submit_part(std::move(r), transfer_part::up, place);
}

void session::submit_part(client_request&& r, transfer_part what, std::size_t place) {
  r.ticket = ++desk_.last_ticket;
  r.connection = connection_;
  ticket_entry entry;
  entry.ticket = r.ticket;
  entry.who = this;
  entry.bytes = request_bytes(r);
  entry.part = what;
  entry.place = place;
  parts_.push_back(r.ticket);
  desk_.bytes_in_flight += entry.bytes;
  desk_.tickets.put(std::move(entry));
  desk_.round.push_back(std::move(r));
}

void session::answer_transfer(const ticket_entry& entry, client_reply&& reply) {
  std::erase(parts_, entry.ticket);
  if (entry.part == transfer_part::up) {
    if (!upload_) return;  // it was broken off
    if (--upload_->in_flight == 0) --desk_.uploads;
    if (reply.what != reply_kind::warn)
      upload_->manifest.chunks[entry.place] = std::move(reply.text);
    else if (upload_->refusal.empty())
      upload_->refusal = std::move(reply.text);
    return;
  }
  --download_->in_flight;
  if (reply.what == reply_kind::chunk) {
    download_->arrived.emplace(entry.place, std::move(reply.text));
    return put_out_chunks();
  }
  if (++download_->failed[entry.place] <= repeats_max) return ask_chunk(entry.place);
  if (download_->is_begun) return abandon();  // a length was promised: no error can be told
  append_reply(out_, download_->to.tag_or_null(), std::move(reply));
  end_download();
}

/// Every part is answered: now the value itself, in its turn.
void session::finish_upload() {
  auto done = *std::exchange(upload_, std::nullopt);
  if (!done.refusal.empty()) {
    desk_.cancelled.push_back(done.id);
    return reply_at_once({0, reply_kind::warn, std::move(done.refusal)}, done.to);
  }
  done.manifest.hash.assign(core::hash_bytes, 0);  // the backend knows
  client_request r{0, verb::blob_commit, std::move(done.key), core::encode(done.manifest),
                   principal_};
  r.upload = done.id;
  r.in_line = done.in_line;
  request(std::move(r), std::move(done.to));
}

/// Everything that is put out goes through here: nothing may come between the bytes of a blob.
void session::put_out(const reply_address& to, client_reply&& reply, std::uint64_t stream) {
  if (download_) {
    deferred_bytes_ += reply.text.size();
    deferred_.push_back({to, std::move(reply), stream});
    return;
  }
  if (reply.what == reply_kind::manifest || reply.what == reply_kind::long_value)
    return begin_download(to, std::move(reply));
  append_reply(out_, to.tag_or_null(), std::move(reply));
  if (!stream) return;
  const bool is_given = std::find(given_.begin(), given_.end(), stream) != given_.end();
  if (!is_given && desk_.tickets.find(stream)) given_.push_back(stream);
}

void session::begin_download(const address& to, client_reply&& reply) {
  core::byte_reader in(reply.text);
  blob_download d;
  d.to = to;
  d.is_value = reply.what == reply_kind::long_value;
  d.key = in.string();
  const auto range = in.string();
  auto manifest = core::decode_manifest(in.rest());
  ATLAS_CHECK(manifest.has_value(), "the backend hands up whole manifests");
  d.manifest = *std::move(manifest);
  d.end = d.manifest.size;
  if (!range.empty()) {
    const auto blank = range.find(' ');
    std::uint64_t length = 0;
    std::from_chars(range.data(), range.data() + blank, d.from);
    std::from_chars(range.data() + blank + 1, range.data() + range.size(), length);
    d.from = std::min(d.from, d.manifest.size);
    d.end = d.from + std::min(length, d.manifest.size - d.from);
  }
  if (d.from == d.end) return append_reply(out_, to.tag_or_null(), {0, reply_kind::blob, {}});
  d.next_ask = d.next_put = static_cast<std::size_t>(d.from / core::chunk_bytes);
  download_ = std::move(d);
  ask_chunks();
}

bool session::wants_chunks() const {
  return download_ && download_->next_ask < download_->chunks_end() &&
         download_->in_flight + download_->arrived.size() < parts_ahead_max &&
         out_.size() < output_ahead;
}

void session::ask_chunks() {
  while (wants_chunks()) ask_chunk(download_->next_ask++);
}

void session::ask_chunk(std::size_t number) {
  ++download_->in_flight;
  const auto& m = download_->manifest;
  client_request r{0, verb::blob_chunk, download_->key, m.chunks[number], {}};
  r.terms = core::encode(core::place_in(m, number));
  submit_part(std::move(r), transfer_part::down, number);
}

void session::put_out_chunks() {
  auto& d = *download_;
  for (auto next = d.arrived.begin(); next != d.arrived.end() && next->first == d.next_put;
       next = d.arrived.begin()) {
    if (!std::exchange(d.is_begun, true))
      d.is_value ? append_value_head(out_, d.to.tag_or_null())
                 : append_blob_head(out_, d.to.tag_or_null(), d.end - d.from);
    auto bytes = std::move(next->second);
    d.arrived.erase(next);
    const std::uint64_t first = d.next_put++ * core::chunk_bytes;
    if (first + bytes.size() > d.end) bytes.resize(static_cast<std::size_t>(d.end - first));
    if (first < d.from) bytes.erase(0, static_cast<std::size_t>(d.from - first));
    out_.append(std::move(bytes));
  }
  if (d.next_put < d.chunks_end()) return ask_chunks();
  if (d.is_value) append_line_end(out_);
  append_blob_end(out_, d.to.tag_or_null());
  end_download();
}

void session::end_download() {
  // What was asked for and is not needed any more.
  for (const auto ticket : parts_)
    if (auto* const entry = desk_.tickets.find(ticket); entry->part == transfer_part::down)
      entry->who = nullptr;
  std::erase_if(parts_, [&](auto ticket) { return !desk_.tickets.find(ticket)->who; });
  download_.reset();
  while (!download_ && !deferred_.empty()) {
    auto next = std::move(deferred_.front());
    deferred_.pop_front();
    deferred_bytes_ -= next.reply.text.size();
    put_out(next.to, std::move(next.reply), next.stream);
  }
}

}  // namespace atlas::net
