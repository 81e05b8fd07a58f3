// See the header.
#include "net/frames.hpp"

#include <utility>

#include "core/bytes.hpp"
#include "core/check.hpp"

namespace atlas::net {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view value_head = "VALUE:";

/// Bytes of the line break or control character at `at`, 0 if there is none.
std::size_t control_at(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at);
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (byte < 0x20 || byte == 0x7F) return 1;
  if (rest.substr(0, 2) == "\xC2\x85") return 2;  // U+0085
  if (rest.substr(0, 3) == "\xE2\x80\xA8" || rest.substr(0, 3) == "\xE2\x80\xA9") return 3;
  return 0;
}

void append_tag(outbox& out, const std::string* tag) {
  if (tag == nullptr) return;
  out.append(std::string_view("[ID:"));
  out.append(*tag);
  out.append(std::string_view("] "));
}

void append_frame(outbox& out, const std::string* tag, std::string_view head, std::string&& text) {
  append_tag(out, tag);
  out.append(head);
  out.append(std::move(text));
  out.append(line_end);
}

}  // namespace

std::string framed_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto control = control_at(text, at);
    out += control > 0 ? ' ' : text[at];
    at += control > 0 ? control : 1;
  }
  const auto first = out.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  out.erase(out.find_last_not_of(' ') + 1);
  out.erase(0, first);
  return out;
}

void append_reply(outbox& out, const std::string* tag, client_reply&& reply) {
  if (!reply.head.empty()) append_frame(out, tag, {}, std::move(reply.head));
  switch (reply.what) {
    case reply_kind::warn:
      append_frame(out, tag, "ERROR WARN ", framed_text(reply.text));
      return;  // an error is one frame and has no OK
    case reply_kind::line:
      append_frame(out, tag, {}, std::move(reply.text));
      return;
    case reply_kind::frames:
      for (core::byte_reader in(reply.text); !in.failed() && !in.rest().empty();)
        append_frame(out, tag, {}, std::string(in.string()));
      return;
    case reply_kind::ok:
      break;
    case reply_kind::payload:
      // A list without lines is a success without payload: OK alone.
      if (!reply.text.empty()) append_frame(out, tag, {}, std::move(reply.text));
      break;
    case reply_kind::value:
      append_frame(out, tag, value_head, std::move(reply.text));
      break;
    case reply_kind::blob:
      append_blob_head(out, tag, reply.text.size());
      out.append(std::move(reply.text));
      break;
    case reply_kind::manifest:
    case reply_kind::long_value:
    case reply_kind::chunk:
      ATLAS_CHECK(false, "the session puts these together");
  }
  append_blob_end(out, tag);
}

void append_blob_head(outbox& out, const std::string* tag, std::uint64_t size) {
  append_frame(out, tag, "BLOB ", std::to_string(size));
}

void append_value_head(outbox& out, const std::string* tag) {
  append_tag(out, tag);
  out.append(value_head);
}

void append_line_end(outbox& out) {
  out.append(line_end);
}

void append_blob_end(outbox& out, const std::string* tag) {
  append_tag(out, tag);
  out.append(std::string_view("OK\r\n"));
}

void append_fatal(outbox& out, std::string_view text) {
  append_frame(out, nullptr, "ERROR FATAL ", framed_text(text));
}

}  // namespace atlas::net
