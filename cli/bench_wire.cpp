// What both wires share, and redis's. Only the shapes that answer our own requests are known;
// anything else is `broken`, because counting a misunderstood reply as a success would be a lie.
#include "cli/bench_wire.hpp"

#include <algorithm>
#include <charconv>

#include "cli/bench_wire_parts.hpp"
#include "core/check.hpp"

namespace atlas::cli {

namespace {

using wire_parts::append_number;

// Room for tags, words, key and lengths beside the value itself; also the longest error line.
constexpr std::size_t overhead_bytes = 8192;

void append_bulk(std::string& out, std::string_view bytes) {
  out += '$';
  append_number(out, bytes.size());
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

}  // namespace

bench_wire::bench_wire(const bench_options& options)
    : engine_(options.engine),
      tagged_(options.tagged()),
      tables_(options.tables),
      scan_limit_(options.scan_limit),
      prefix_(options.key_prefix) {
  value_.reserve(options.value_bytes);
  for (std::uint32_t i = 0; i < options.value_bytes; ++i) value_ += static_cast<char>('a' + i % 26);
}

std::size_t bench_wire::frame_bytes_max() const {
  return value_.size() + overhead_bytes;
}

std::string_view bench_wire::name_table(std::uint32_t key, key_buffer& room) const {
  char* at = std::copy(prefix_.begin(), prefix_.end(), room.data());
  at = std::to_chars(at, room.data() + room.size(), key % tables_).ptr;
  *at++ = '.';
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

std::string_view bench_wire::name_key(std::uint32_t key, char letter, key_buffer& room) const {
  char* at = room.data() + name_table(key, room).size();
  *at++ = letter;
  at = std::to_chars(at, room.data() + room.size(), key).ptr;
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

void bench_wire::append(std::string& out, std::uint32_t slot, const bench_request& request) const {
  if (engine_ == bench_engine::redis)
    append_redis(out, request);
  else
    append_atlas(out, slot, request);
}

void bench_wire::append_redis(std::string& out, const bench_request& request) const {
  key_buffer room;
  const auto name = name_key(request.key, 'k', room);
  const bool is_get = request.kind == bench_kind::get;
  ATLAS_CHECK(is_get || request.kind == bench_kind::put, "the options give redis no other kind");
  out += is_get ? "*2\r\n$3\r\nGET\r\n" : "*3\r\n$3\r\nSET\r\n";
  append_bulk(out, name);
  if (!is_get) append_bulk(out, value_);
}

bench_reply bench_wire::parse(std::string_view in) const {
  return engine_ == bench_engine::redis ? parse_redis(in) : parse_atlas(in);
}

bench_reply bench_wire::parse_redis(std::string_view in) const {
  bench_reply out;
  std::string_view line;
  if (in.empty() || !wire_parts::take_line(in, line, out.used)) return {};
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
    if (!wire_parts::parse_number(line.substr(1), length) || length < -1 ||
        length > static_cast<std::int64_t>(frame_bytes_max()))
      return out;
    out.frame = length < 0 ? bench_frame::not_found : bench_frame::value;
    if (length >= 0) out.used += static_cast<std::size_t>(length) + 2;
    if (in.size() < out.used) return {};
    out.what = bench_reply::kind::success;
  }
  return out;
}

}  // namespace atlas::cli
