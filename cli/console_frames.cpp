// The one subtlety: a line feed ends a frame's line except inside `VALUE:`, whose bytes may hold
// line feeds; only CR LF ends those. Values that hold CR LF itself are for BLOB GET.
#include "cli/console_frames.hpp"

#include <algorithm>
#include <charconv>

namespace atlas::cli {

namespace {

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

// `<head><digits>` and nothing else: `BLOB size=5 ...` is an ordinary line.
std::optional<std::size_t> count_after(std::string_view text, std::string_view head) {
  if (!starts_with(text, head)) return std::nullopt;
  text.remove_prefix(head.size());
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return count;
}

std::string_view without_cr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Moves `[ID:x] ` from the line into the frame. Returns what is left.
std::string_view take_tag(std::string_view line, console_frame& frame) {
  const auto close = line.find(']');
  if (!starts_with(line, "[ID:") || close == std::string_view::npos || close < 5) return line;
  frame.tagged = true;
  frame.tag = line.substr(4, close - 4);
  line.remove_prefix(close + 1);
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

}  // namespace

bool console_frame::is_error() const {
  return starts_with(text, "ERROR ") && !starts_with(text, "ERROR INFO");
}

bool console_frame::is_fatal() const {
  return starts_with(text, "ERROR FATAL");
}

bool console_frame::is_final() const {
  return text == "OK" || is_error();
}

void frame_reader::feed(std::string_view bytes) {
  buffer_ += bytes;
}

std::optional<console_frame> frame_reader::next() {
  console_frame frame;
  std::size_t used = 0;
  if (!take_head(frame, used)) return std::nullopt;
  if (!take_keys(frame, used) || !take_blob(frame, used)) return std::nullopt;
  buffer_.erase(0, used);
  scanned_ = listed_ = listed_end_ = 0;
  return frame;
}

std::size_t frame_reader::line_end(std::size_t first) const {
  return buffer_.find('\n', first);
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
    if (!starts_with(text, "VALUE:") || closed) {
      scanned_ = end;  // a payload that is still missing must not cost a second search
      used = end + 1;
      frame = std::move(tag);
      frame.text = without_cr(text);
      return true;
    }
    scanned_ = end + 1;
  }
}

bool frame_reader::take_keys(console_frame& frame, std::size_t& used) {
  const auto count = count_after(frame.text, "KEYS:");
  if (!count) return true;
  frame.what = console_frame::shape::keys;
  listed_end_ = std::max(listed_end_, used);
  for (; listed_ < *count; ++listed_) {
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

bool frame_reader::take_blob(console_frame& frame, std::size_t& used) const {
  const auto count = count_after(frame.text, "BLOB ");
  if (!count) return true;
  if (buffer_.size() - used < *count) return false;
  frame.what = console_frame::shape::blob;
  frame.payload = buffer_.substr(used, *count);
  used += *count;
  return true;
}

std::string printed(const console_frame& frame) {
  std::string out = frame.tagged ? "[ID:" + frame.tag + "] " : "";
  out += frame.text;
  out += '\n';
  const bool listing = frame.what == console_frame::shape::keys;
  if (listing && frame.text == "KEYS:0") return out;
  if (frame.what == console_frame::shape::line) return out;
  out += frame.payload;
  out += '\n';
  return out;
}

}  // namespace atlas::cli
