// Encoders and parsers. Only the shapes that answer our own PUT and GET are known; anything else is
// `broken`, because counting a misunderstood reply as a success would be a lie.
#include "cli/bench_wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace atlas::cli {

namespace {

// Room for tags, words, key and lengths beside the value itself; also the longest error line.
constexpr std::size_t overhead_bytes = 8192;

void append_number(std::string& out, std::uint64_t n) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), n).ptr;
  out.append(digits, end);
}

void append_bulk(std::string& out, std::string_view bytes) {
  out += '$';
  append_number(out, bytes.size());
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool parse_int(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

// The line at the start of `in` without its end, and the bytes it takes; false if there is none
// yet.
bool take_line(std::string_view in, std::string_view& line, std::size_t& used) {
  const auto* end = static_cast<const char*>(std::memchr(in.data(), '\n', in.size()));
  if (end == nullptr) return false;
  used = static_cast<std::size_t>(end - in.data()) + 1;
  line = in.substr(0, used - 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

}  // namespace

bench_wire::bench_wire(const bench_options& options)
    : engine_(options.engine),
      tagged_(options.tagged()),
      tables_(options.tables),
      prefix_(options.key_prefix) {
  value_.reserve(options.value_bytes);
  for (std::uint32_t i = 0; i < options.value_bytes; ++i) value_ += static_cast<char>('a' + i % 26);
}

std::size_t bench_wire::frame_bytes_max() const {
  return value_.size() + overhead_bytes;
}

std::string_view bench_wire::name_key(std::uint32_t key, key_buffer& room) const {
  char* at = std::copy(prefix_.begin(), prefix_.end(), room.data());
  char* const end = room.data() + room.size();
  at = std::to_chars(at, end, key % tables_).ptr;
  *at++ = '.';
  *at++ = 'k';
  at = std::to_chars(at, end, key).ptr;
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

void bench_wire::append_tag(std::string& out, std::uint32_t slot) const {
  if (!tagged_) return;
  out += "[ID:";
  append_number(out, slot);
  out += "] ";
}

void bench_wire::put(std::string& out, std::uint32_t slot, std::uint32_t key) const {
  key_buffer room;
  const auto name = name_key(key, room);
  if (engine_ == bench_engine::redis) {
    out += "*3\r\n$3\r\nSET\r\n";
    append_bulk(out, name);
    append_bulk(out, value_);
    return;
  }
  append_tag(out, slot);
  out += "KEY PUT ";
  out += name;
  out += ' ';
  out += value_;
  out += "\r\n";
}

void bench_wire::get(std::string& out, std::uint32_t slot, std::uint32_t key) const {
  key_buffer room;
  const auto name = name_key(key, room);
  if (engine_ == bench_engine::redis) {
    out += "*2\r\n$3\r\nGET\r\n";
    append_bulk(out, name);
    return;
  }
  append_tag(out, slot);
  out += "KEY GET ";
  out += name;
  out += "\r\n";
}

bench_reply bench_wire::parse(std::string_view in) const {
  return engine_ == bench_engine::redis ? parse_redis(in) : parse_atlas(in);
}

bench_reply bench_wire::parse_atlas(std::string_view in) const {
  bench_reply out;
  std::string_view line;
  if (in.empty() || !take_line(in, line, out.used)) return {};
  out.text = line;
  out.what = bench_reply::kind::broken;
  if (tagged_) {
    const auto close = line.find("] ");
    std::int64_t slot = 0;
    if (!starts_with(line, "[ID:") || close == std::string_view::npos ||
        !parse_int(line.substr(4, close - 4), slot) || slot < 0 || slot > UINT32_MAX)
      return out;
    out.slot = static_cast<std::uint32_t>(slot);
    line.remove_prefix(close + 2);
  }
  if (line == "OK") {
    out.what = bench_reply::kind::success;
  } else if (starts_with(line, "VALUE:") || line.empty()) {
    // The empty payload is how the original acknowledges a write, before its OK.
    out.what = bench_reply::kind::payload;
  } else if (line == "NOT_FOUND") {
    out.what = bench_reply::kind::payload;
    out.miss = true;
  } else if (starts_with(line, "ERROR ")) {
    out.what = bench_reply::kind::error;
    out.text = line.substr(6);
  }
  return out;
}

bench_reply bench_wire::parse_redis(std::string_view in) const {
  bench_reply out;
  std::string_view line;
  if (in.empty() || !take_line(in, line, out.used)) return {};
  out.text = line;
  out.what = bench_reply::kind::broken;
  if (line.empty()) return out;
  if (line.front() == '+') {
    out.what = bench_reply::kind::success;
  } else if (line.front() == '-') {
    out.what = bench_reply::kind::error;
    out.text = line.substr(1);
  } else if (line.front() == '$') {
    std::int64_t length = 0;
    if (!parse_int(line.substr(1), length) || length < -1 ||
        length > static_cast<std::int64_t>(frame_bytes_max()))
      return out;
    out.miss = length < 0;
    if (!out.miss) out.used += static_cast<std::size_t>(length) + 2;
    if (in.size() < out.used) return {};
    out.what = bench_reply::kind::success;
  }
  return out;
}

}  // namespace atlas::cli
