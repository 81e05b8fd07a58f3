// The one subtlety: a line feed ends a frame's line except inside `VALUE:`, whose bytes may hold
// line feeds; only CR LF ends those. Values that hold CR LF itself are for BLOB GET.
#include "cli/console_frames.hpp"

#include <algorithm>
#include <charconv>

namespace atlas::cli {

namespace {

constexpr std::string_view length_word = " length=";
constexpr std::size_t reserve_max = 128 << 20;  // what a server announces is not believed beyond

std::optional<std::size_t> number(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// `<head><digits>` and nothing else: `BLOB size=5 ...` is an ordinary line.
std::optional<std::size_t> count_after(std::string_view text, std::string_view head) {
  if (!text.starts_with(head)) return std::nullopt;
  return number(text.substr(head.size()));
}

std::optional<std::size_t> event_length(std::string_view text) {
  const auto at = text.rfind(length_word);
  if (!text.starts_with("EVENT ") || at == std::string_view::npos) return std::nullopt;
  return number(text.substr(at + length_word.size()));
}

std::string_view without_cr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Moves `[ID:x] ` from the line into the frame. Returns what is left.
std::string_view take_tag(std::string_view line, console_frame& frame) {
  const auto close = line.find(']');
  if (!line.starts_with("[ID:") || close == std::string_view::npos || close < 5) return line;
  frame.tagged = true;
  frame.tag = line.substr(4, close - 4);
  line.remove_prefix(close + 1);
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

constexpr std::string_view large_mark = " BLOB";

// The size at the end of `<key> BLOB <size>`: no bytes follow. Keys have no blanks.
std::optional<std::size_t> large_size(std::string_view head) {
  const auto blank = head.rfind(' ');
  const bool is_large =
      blank != std::string_view::npos && head.substr(0, blank).ends_with(large_mark);
  return is_large ? number(head.substr(blank + 1)) : std::nullopt;
}

// The length at the end of `<key> <length>`.
std::optional<std::size_t> row_length(std::string_view head) {
  const auto blank = head.rfind(' ');
  const bool has_none = blank == std::string_view::npos || large_size(head);
  return has_none ? std::nullopt : number(head.substr(blank + 1));
}

}  // namespace

bool console_frame::is_error() const {
  return text.starts_with("ERROR ") && !text.starts_with("ERROR INFO");
}

bool console_frame::is_fatal() const {
  return text.starts_with("ERROR FATAL");
}

bool console_frame::is_final() const {
  return text == "OK" || is_error();
}

bool console_frame::is_event() const {
  return text.starts_with("EVENT ") || text.starts_with("GAP ");
}

void frame_reader::feed(std::string_view bytes) {
  buffer_ += bytes;
}

std::optional<console_frame> frame_reader::next() {
  if (blob_missing_ > 0) return std::nullopt;
  console_frame frame;
  std::size_t used = 0;
  if (!take_head(frame, used) || !take_body(frame, used)) return std::nullopt;
  buffer_.erase(0, used);
  scanned_ = listed_ = listed_end_ = 0;
  return frame;
}

std::string frame_reader::take_part() {
  const auto count = std::min(blob_missing_, buffer_.size());
  auto out = buffer_.substr(0, count);
  buffer_.erase(0, count);
  blob_missing_ -= count;
  return out;
}

std::size_t frame_reader::line_end(std::size_t first) const {
  return buffer_.find('\n', first);
}

bool frame_reader::expected(const console_frame& frame) const {
  return frame.tagged == shape_.tagged && frame.tag == shape_.tag;
}

bool frame_reader::take_head(console_frame& frame, std::size_t& used) {
  for (;;) {
    const auto end = line_end(scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return false;
    }
    const std::string_view line(buffer_.data(), end);
    console_frame tag;
    const auto text = take_tag(line, tag);
    const bool closed = !line.empty() && line.back() == '\r';
    const bool only_text = shape_.text && expected(tag);
    if (!text.starts_with("VALUE:") || closed || only_text) {
      scanned_ = end;  // a payload that is still missing must not cost a second search
      used = end + 1;
      frame = std::move(tag);
      frame.text = without_cr(text);
      return true;
    }
    scanned_ = end + 1;
  }
}

bool frame_reader::take_body(console_frame& frame, std::size_t& used) {
  const bool ours = expected(frame);
  if (ours && shape_.text) return true;
  if (const auto count = count_after(frame.text, "KEYS:"))
    return ours && shape_.rows ? take_rows(frame, *count, used) : take_keys(frame, *count, used);
  if (const auto count = count_after(frame.text, "BLOB ")) {
    if (!ours || !shape_.stream_blobs) return take_blob(frame, *count, used);
    frame.what = console_frame::shape::blob_head;
    frame.size = blob_missing_ = *count;
    return true;
  }
  if (const auto count = event_length(frame.text)) return take_event(frame, *count, used);
  return true;
}

bool frame_reader::take_keys(console_frame& frame, std::size_t count, std::size_t& used) {
  frame.what = console_frame::shape::keys;
  listed_end_ = std::max(listed_end_, used);
  for (; listed_ < count; ++listed_) {
    const auto end = line_end(listed_end_);
    if (end == std::string::npos) return false;
    listed_end_ = end + 1;
  }
  for (; used < listed_end_; used = line_end(used) + 1) {
    if (!frame.payload.empty()) frame.payload += '\n';
    frame.payload += without_cr(std::string_view(buffer_).substr(used, line_end(used) - used));
  }
  return true;
}

bool frame_reader::take_rows(console_frame& frame, std::size_t count, std::size_t& used) {
  frame.what = console_frame::shape::rows;
  listed_end_ = std::max(listed_end_, used);
  for (; listed_ < count; ++listed_) {
    const auto end = row_end(listed_end_);
    if (!end) return false;
    listed_end_ = *end;
  }
  while (used < listed_end_) {
    const auto first = line_end(used) + 1;
    const auto head = without_cr(std::string_view(buffer_).substr(used, first - 1 - used));
    const auto length = row_length(head);
    const auto large = large_size(head);
    auto key = length || large ? head.substr(0, head.rfind(' ')) : head;
    if (large) key.remove_suffix(large_mark.size());
    frame.rows.push_back({std::string(key), buffer_.substr(first, length.value_or(0)), large});
    used = length ? *bytes_end(first, *length) : first;
  }
  return true;
}

// Where the row that starts at `first` ends. A line without a length is a row without a value.
std::optional<std::size_t> frame_reader::row_end(std::size_t first) const {
  const auto end = line_end(first);
  if (end == std::string::npos) return std::nullopt;
  const auto length = row_length(without_cr(std::string_view(buffer_).substr(first, end - first)));
  return length ? bytes_end(end + 1, *length) : end + 1;
}

// Where the line end behind `count` bytes ends.
std::optional<std::size_t> frame_reader::bytes_end(std::size_t first, std::size_t count) const {
  if (buffer_.size() < first || buffer_.size() - first <= count) return std::nullopt;
  const std::size_t ending = buffer_[first + count] == '\r' ? 2 : 1;
  if (buffer_.size() - first - count < ending) return std::nullopt;
  return first + count + ending;
}

bool frame_reader::take_blob(console_frame& frame, std::size_t count, std::size_t& used) {
  // Room at once: growing step by step would hold a large blob twice on the way.
  buffer_.reserve(used + std::min(count, reserve_max));
  if (buffer_.size() - used < count) return false;
  frame.what = console_frame::shape::blob;
  // The buffer itself becomes the payload: a large blob is not held twice.
  auto rest = buffer_.substr(used + count);
  buffer_.resize(used + count);
  buffer_.erase(0, used);
  frame.payload = std::move(buffer_);
  buffer_ = std::move(rest);
  used = 0;
  return true;
}

bool frame_reader::take_event(console_frame& frame, std::size_t count, std::size_t& used) {
  const auto end = bytes_end(used, count);
  if (!end) return false;
  frame.what = console_frame::shape::event;
  frame.payload = buffer_.substr(used, count);
  used = *end;
  return true;
}

}  // namespace atlas::cli
