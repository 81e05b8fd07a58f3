// Reading a line without judging it: what the console does not understand goes out as it is, and
// the server's refusal is the better text.
#include "cli/console_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;
using tokens = std::vector<console_token>;
using words = std::array<std::string_view, 3>;

constexpr std::array<words, 20> reading = {
    {{"KEY", "GET", ""},     {"KEY", "META", ""},     {"KEY", "MGET", ""},   {"KEY", "TTL", ""},
     {"KEY", "BLOB", "GET"}, {"KEY", "BLOB", "STAT"}, {"SCAN", "", ""},      {"COUNT", "", ""},
     {"SAMPLE", "", ""},     {"NODE", "LIST", ""},    {"NODE", "INFO", ""},  {"NODE", "PING", ""},
     {"TABLE", "LIST", ""},  {"TABLE", "INFO", ""},   {"GROUP", "LIST", ""}, {"GROUP", "INFO", ""},
     {"QUORUM", "INFO", ""}, {"ACL", "LIST", ""},     {"HELP", "", ""},      {"INFO", "", ""}}};

bool begins(const tokens& line, const words& command) {
  std::size_t at = 0;
  for (const auto word : command) {
    if (word.empty()) return true;
    if (at == line.size() || !is_word(line[at++].text, word)) return false;
  }
  return true;
}

console_request::effect effect_of(const tokens& line) {
  using effect = console_request::effect;
  for (const auto& command : reading)
    if (begins(line, command)) return effect::reads;
  for (const auto* word : {"PRINCIPAL", "WATCH", "UNWATCH"})
    if (begins(line, {word, "", ""})) return effect::connection;
  return effect::writes;
}

console_request::transaction transaction_of(const tokens& line) {
  using transaction = console_request::transaction;
  if (begins(line, {"TXN", "BEGIN", ""})) return transaction::begins;
  if (begins(line, {"TXN", "COMMIT", ""}) || begins(line, {"TXN", "ABORT", ""}))
    return transaction::ends;
  for (const auto* word : {"IF", "PUT", "DEL", "INCR"})
    if (begins(line, {word, "", ""})) return transaction::adds;
  return transaction::untouched;
}

void understand(console_request& out, const tokens& line) {
  out.does = effect_of(line);
  out.txn = transaction_of(line);
  // Until COMMIT nothing of a transaction is done: what breaks before it changed nothing.
  const bool commits = begins(line, {"TXN", "COMMIT", ""});
  if (out.txn != console_request::transaction::untouched && !commits)
    out.does = console_request::effect::connection;
  out.many_values = commits || begins(line, {"KEY", "MGET", ""});
  out.shape.tagged = out.tagged;
  out.shape.tag = out.tag;
  out.shape.text = begins(line, {"HELP", "", ""}) || begins(line, {"INFO", "", ""});
  if (begins(line, {"SCAN", "", ""}) || begins(line, {"SAMPLE", "", ""}))
    for (std::size_t at = 2; at < line.size(); ++at) {
      if (is_word(line[at].text, "VALUES")) out.shape.rows = true;
      // The operand of a modifier is no modifier: AFTER may name a key called VALUES.
      for (const auto* word : {"LIMIT", "AFTER", "N"})
        if (is_word(line[at].text, word)) {
          ++at;
          break;
        }
    }
  if (begins(line, {"PRINCIPAL", "ASSUME", ""}) && line.size() == 3) out.principal = line[2].text;
  out.is_watch = begins(line, {"WATCH", "", ""});
  out.is_unwatch = begins(line, {"UNWATCH", "", ""});
  if (out.is_watch) out.watch = out.tag;
  if (out.is_unwatch && line.size() > 1) out.watch = line[1].text;
}

result<core::done> take_upload(console_request& out, const console_token& length,
                               std::size_t command) {
  if (length.text.front() == '@') {
    out.send_from = length.text.substr(1);
    auto file = open_blob_source(out.send_from);
    if (!file) return file.error();
    out.file = std::move(file).value();
    out.line.replace(command + length.first, length.text.size(), std::to_string(out.file->size()));
    return core::done{};
  }
  const auto* end = length.text.data() + length.text.size();
  std::size_t count = 0;
  const auto [stop, error] = std::from_chars(length.text.data(), end, count);
  if (error == std::errc{} && stop == end && count <= blob_bytes_max) out.payload_missing = count;
  return core::done{};
}

result<core::done> take_download(console_request& out, const tokens& line, std::size_t command) {
  const auto arrow = std::find_if(line.begin() + std::min<std::ptrdiff_t>(4, std::ssize(line)),
                                  line.end(), [](const auto& t) { return t.text.front() == '>'; });
  if (arrow == line.end()) return core::done{};
  auto name = out.line.substr(command + arrow->first + 1);
  const auto first = name.find_first_not_of(" \t");
  if (first == std::string::npos) return failure{errc::bad_config, "name a file behind >"};
  out.save_to = name.substr(first, name.find_last_not_of(" \t\r") + 1 - first);
  out.line.resize(command + arrow->first);
  out.line.resize(out.line.find_last_not_of(" \t") + 1);
  out.shape.stream_blobs = true;
  return core::done{};
}

}  // namespace

std::vector<console_token> split_words(std::string_view line) {
  std::vector<console_token> out;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back({line.substr(at, end - at), at});
    at = end;
  }
  return out;
}

bool is_word(std::string_view text, std::string_view upper) {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(), [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 32) : a) == b;
  });
}

bool console_request::owns(const console_frame& frame) const {
  if (is_unwatch && !tagged && frame.tagged && frame.tag == watch) return frame.is_final();
  if (frame.is_event()) return shape.text && frame.tagged == tagged && frame.tag == tag;
  // Lines inside a payload carry no tag, and one request waits at a time.
  return !frame.tagged || (tagged && frame.tag == tag);
}

bool console_request::ends_with(const console_frame& frame) const {
  // An error without a tag, such as a FATAL, is meant for whoever waits.
  if (!frame.tagged && frame.is_error()) return true;
  if (!owns(frame) || (tagged && !frame.tagged)) return false;
  if (is_watch && frame.text.starts_with("WATCHING")) return true;
  if (txn == transaction::adds && frame.text == "QUEUED") return true;
  return frame.is_final();
}

result<console_request> make_request(std::string_view line) {
  console_request out;
  out.line = line;
  std::size_t command = 0;
  const auto close = line.find(']');
  if (line.starts_with("[ID:") && close != std::string_view::npos && close >= 5) {
    out.tagged = true;
    out.tag = line.substr(4, close - 4);
    command = close + 1;
  }
  const auto parts = split_words(line.substr(command));
  understand(out, parts);
  result<core::done> files = core::done{};
  if (parts.size() >= 5 && begins(parts, {"KEY", "BLOB", "SET"}))
    files = take_upload(out, parts[4], command);
  else if (begins(parts, {"KEY", "BLOB", "GET"}))
    files = take_download(out, parts, command);
  if (!files) return files.error();
  return out;
}

}  // namespace atlas::cli
