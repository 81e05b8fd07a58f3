#include "net/connection.hpp"

#include <algorithm>
#include <cstring>

namespace atlas::net {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t keep_capacity = 256 << 10;

}  // namespace

connection::connection(std::uint32_t number, const gateway_options& options)
    : progress_at(std::chrono::steady_clock::now()),
      options_(options),
      number_(static_cast<std::uint64_t>(number) << 32) {
  out_ = "WELCOME 1.0 Chronalys/1.0\r\n";
}

char* connection::input_room(std::size_t bytes) {
  compact();
  if (in_.size() < tail_ + bytes) in_.resize(std::max(tail_ + bytes, in_.size() * 2));
  return in_.data() + tail_;
}

void connection::received(std::size_t bytes) { tail_ += bytes; }

void connection::compact() {
  if (head_ == 0) return;
  if (head_ == tail_) {
    head_ = tail_ = searched_ = 0;
    if (in_.size() > keep_capacity) in_ = {};
  } else if (head_ > in_.size() / 2) {
    std::memmove(in_.data(), in_.data() + head_, tail_ - head_);
    tail_ -= head_;
    searched_ -= std::min(searched_, head_);
    head_ = 0;
  }
}

bool connection::take_line(std::string_view& line) {
  searched_ = std::max(searched_, head_);
  const auto* begin = in_.data() + searched_;
  const auto* found = static_cast<const char*>(std::memchr(begin, '\n', tail_ - searched_));
  std::size_t end;
  if (found) {
    end = static_cast<std::size_t>(found - in_.data());
  } else {
    searched_ = tail_;
    if (tail_ - head_ > options_.line_bytes_max + 1) {
      fail("command exceeded maximum length");
      return false;
    }
    // A last line without its end is executed (§1.3).
    if (!ended_ || head_ == tail_) return false;
    end = tail_;
  }
  line = std::string_view(in_).substr(head_, end - head_);
  if (line.ends_with('\r')) line.remove_suffix(1);
  head_ = std::min(end + 1, tail_);
  searched_ = head_;
  if (line.size() > options_.line_bytes_max) {
    fail("command exceeded maximum length");
    return false;
  }
  return true;
}

void connection::parse(std::vector<client_request>& round) {
  while (parse_one(round)) {
  }
}

bool connection::parse_one(std::vector<client_request>& round) {
  if (closing_ || untagged_ || tags_.size() >= options_.requests_in_flight_max ||
      output().size() > options_.output_bytes_max)
    return false;
  if (upload_) return take_blob(round);
  std::string_view line;
  if (!take_line(line)) return false;
  if (greeted_)
    on_line(line, round);
  else
    on_hello(line);
  return true;
}

void connection::on_hello(std::string_view line) {
  const auto wrong = check_hello(line);
  if (!wrong.empty()) return fail(wrong);
  greeted_ = true;
  out_ += "READY\r\n";
}

void connection::on_line(std::string_view line, std::vector<client_request>& round) {
  auto c = parse_command_line(line, {4096, options_.blob_bytes_max});
  switch (c.what) {
    case command_line::kind::nothing: return;
    case command_line::kind::request: {
      std::string value(c.value);
      return submit(c, std::move(value), round);
    }
    case command_line::kind::blob_upload:
      upload_ = upload{std::string(c.key), std::string(c.tag), c.blob_bytes};
      return;
    case command_line::kind::principal_whoami:
      frame(c.tag, "PRINCIPAL " + (principal_.empty() ? std::string("(none)") : principal_));
      return frame(c.tag, "OK");
    case command_line::kind::principal_assume:
      principal_ = c.key;
      return frame(c.tag, "OK");
    case command_line::kind::warn: return frame(c.tag, "ERROR WARN " + sanitised(c.error));
    case command_line::kind::fatal:
      frame(c.tag, "ERROR FATAL " + sanitised(c.error));
      closing_ = true;
      return;
  }
}

bool connection::take_blob(std::vector<client_request>& round) {
  if (tail_ - head_ < upload_->bytes) {
    if (ended_) closing_ = true;  // the stream ended early: nothing is stored
    return false;
  }
  command_line c;
  c.action = verb::blob_set;
  c.key = upload_->key;
  c.tag = upload_->tag;
  std::string value = in_.substr(head_, upload_->bytes);
  head_ += upload_->bytes;
  const auto whole = std::exchange(upload_, std::nullopt);
  c.key = whole->key;
  c.tag = whole->tag;
  submit(c, std::move(value), round);
  return true;
}

void connection::submit(const command_line& c, std::string value,
                        std::vector<client_request>& round) {
  const std::uint64_t ticket = number_ | ++serial_;
  if (c.tag.empty())
    untagged_ = ticket;
  else
    tags_.emplace(ticket, c.tag);
  round.push_back({ticket, c.action, std::string(c.key), std::move(value), principal_});
}

void connection::frame(std::string_view tag, std::string_view text) {
  if (!tag.empty()) out_.append("[ID:").append(tag).append("] ");
  out_.append(text).append(crlf);
}

bool connection::answer(client_reply&& r) {
  std::string tag;
  if (r.ticket == untagged_) {
    untagged_ = 0;
  } else {
    auto node = tags_.extract(r.ticket);
    if (node.empty()) return false;
    tag = std::move(node.mapped());
  }
  switch (r.what) {
    case reply_kind::ok: break;
    case reply_kind::payload: frame(tag, r.text); break;
    case reply_kind::value:
      if (!tag.empty()) out_.append("[ID:").append(tag).append("] ");
      out_.append("VALUE:").append(r.text).append(crlf);
      break;
    case reply_kind::blob:
      frame(tag, "BLOB " + std::to_string(r.text.size()));
      out_.append(r.text);  // no line end behind the bytes (§1.7)
      break;
    case reply_kind::warn: frame(tag, "ERROR WARN " + sanitised(r.text)); return true;
  }
  frame(tag, "OK");
  return true;
}

void connection::sent(std::size_t bytes) {
  out_sent_ += bytes;
  if (out_sent_ == out_.size()) {
    out_sent_ = 0;
    out_.clear();
    if (out_.capacity() > keep_capacity) out_ = {};
  } else if (out_sent_ > (1u << 20)) {
    out_.erase(0, out_sent_);
    out_sent_ = 0;
  }
}

bool connection::wants_input() const {
  if (ended_ || closing_) return false;
  if (output().size() > options_.output_bytes_max) return false;
  if (tags_.size() >= options_.requests_in_flight_max) return false;
  // Behind an untagged request in flight nothing is parsed: keep only a little of it here.
  return !untagged_ || tail_ - head_ < (64u << 10);
}

bool connection::finished() const {
  if (closing_) return true;
  return ended_ && in_flight() == 0 && head_ == tail_ && !upload_;
}

void connection::fail(std::string_view text) {
  frame({}, "ERROR FATAL " + std::string(text));
  closing_ = true;
  in_ = {};
  head_ = tail_ = searched_ = 0;
}

std::vector<std::uint64_t> connection::open_tickets() const {
  std::vector<std::uint64_t> out;
  if (untagged_) out.push_back(untagged_);
  for (const auto& [ticket, tag] : tags_) out.push_back(ticket);
  return out;
}

}  // namespace atlas::net
