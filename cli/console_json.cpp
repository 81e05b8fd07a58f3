// What a frame is was decided when it was read; here it only finds its member. NOT_FOUND and EMPTY
// are nulls, so that an absent value never looks like one that says NOT_FOUND.
#include "cli/console_json.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "cli/console_utf8.hpp"

namespace atlas::cli {

namespace {

using json = nlohmann::ordered_json;
using shape = console_frame::shape;

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a zero
  const auto length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                        reinterpret_cast<const unsigned char*>(bytes.data()),
                                        static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

json text(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  return {{"base64", base64(bytes)}};
}

json lines_of(std::string_view payload) {
  auto out = json::array();
  while (!payload.empty()) {
    const auto end = std::min(payload.find('\n'), payload.size());
    out.push_back(text(payload.substr(0, end)));
    payload.remove_prefix(std::min(end + 1, payload.size()));
  }
  return out;
}

json rows_of(const console_frame& frame) {
  auto out = json::array();
  for (const auto& row : frame.rows)
    if (row.large)
      out.push_back({{"key", text(row.key)}, {"bytes", *row.large}});
    else
      out.push_back({{"key", text(row.key)}, {"value", text(row.value)}});
  return out;
}

// What the frames of one reply add up to.
struct content {
  json values = json::array();
  json lines = json::array();
  json rest = json::object();
  std::string error;
};

void add(content& to, const console_frame& frame, const console_request& request) {
  const std::string_view line = frame.text;
  const bool listed = to.rest.contains("keys") || to.rest.contains("rows");
  if (frame.is_error())
    to.error = line.substr(std::string_view("ERROR ").size());
  else if (frame.is_final() || frame.what == shape::blob_head)
    return;
  else if (frame.what == shape::keys)
    to.rest["keys"] = lines_of(frame.payload);
  else if (frame.what == shape::rows)
    to.rest["rows"] = rows_of(frame);
  else if (frame.what == shape::blob)
    to.values.push_back(text(frame.payload));
  else if (request.shape.text)
    to.lines.push_back(text(line));  // NOLINT(bugprone-branch-clone): asked before the others
  else if (listed && line.starts_with("MORE "))
    to.rest["more"] = text(line.substr(5));
  else if (line.starts_with("VALUE:"))
    to.values.push_back(text(line.substr(6)));
  else if (line == "NOT_FOUND" || line == "EMPTY")
    to.values.push_back(nullptr);
  else if (std::int64_t age = 0;
           line.starts_with("AGE:") &&
           std::from_chars(line.data() + 4, line.data() + line.size(), age).ec == std::errc{})
    to.rest["age_ms"] = age;
  else
    to.lines.push_back(text(line));
}

}  // namespace

std::string json_line(const json_command& done) {
  content got;
  got.error = done.error;
  json out;
  out["command"] = text(done.command);
  if (done.request != nullptr) {
    if (done.request->tagged) out["id"] = text(done.request->tag);
    for (const auto& frame : done.frames) add(got, frame, *done.request);
  }
  out["ok"] = got.error.empty();
  out.update(got.rest);
  const bool is_list = done.request != nullptr && done.request->many_values;
  if (got.values.size() == 1 && !is_list)
    out["value"] = got.values.front();
  else if (!got.values.empty())
    out["values"] = got.values;
  if (!got.lines.empty()) out["lines"] = got.lines;
  if (!done.file.empty()) {
    out["file"] = text(done.file);
    out["bytes"] = done.file_bytes;
  }
  if (!got.error.empty()) out["error"] = text(got.error);
  // Microseconds are enough, and 1.234 reads better than 1.2339999.
  out["ms"] = static_cast<double>(static_cast<std::int64_t>(done.milliseconds * 1000)) / 1000;
  return out.dump();
}

std::string json_event(const console_frame& frame) {
  json out;
  if (frame.tagged) out["watch"] = text(frame.tag);
  out["event"] = text(frame.text);
  if (frame.what == shape::event || frame.what == shape::blob) out["value"] = text(frame.payload);
  if (frame.what == shape::keys) out["keys"] = lines_of(frame.payload);
  return out.dump();
}

}  // namespace atlas::cli
