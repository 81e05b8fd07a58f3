// Request and reply over one connection. The reply of a tagged request ends with a final frame of
// its own tag; frames of other requests may come in between and are shown as they come.
#include "cli/console_client.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;

constexpr std::size_t blob_bytes_max = 128ull << 20;
constexpr int greeting_ms_max = 10'000;

struct token {
  std::string_view text;
  std::size_t first;  // offset in the line
};

std::vector<token> split(std::string_view line) {
  std::vector<token> out;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back({line.substr(at, end - at), at});
    at = end;
  }
  return out;
}

bool is_word(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c) != upper[i]) return false;
  }
  return true;
}

result<std::string> read_payload(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return failure{errc::bad_config, path + ": is a directory"};
  std::ifstream in(path, std::ios::binary);
  if (!in) return failure{errc::bad_config, path + ": " + std::strerror(errno)};
  const auto size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > blob_bytes_max)
    return failure{errc::bad_config, path + ": a blob has at most 134217728 bytes"};
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

result<console_request> make_request(std::string_view line) {
  console_request out;
  out.line = line;
  std::size_t command = 0;
  const auto close = line.find(']');
  if (line.substr(0, 4) == "[ID:" && close != std::string_view::npos && close >= 5) {
    out.tagged = true;
    out.tag = line.substr(4, close - 4);
    command = close + 1;
  }
  const auto tokens = split(line.substr(command));
  if (tokens.size() < 5 || !is_word(tokens[0].text, "KEY") || !is_word(tokens[1].text, "BLOB") ||
      !is_word(tokens[2].text, "SET"))
    return out;
  const auto length = tokens[4];
  if (length.text.front() == '@') {
    auto payload = read_payload(std::string(length.text.substr(1)));
    if (!payload) return payload.error();
    out.payload = std::move(payload).value();
    out.line.replace(command + length.first, length.text.size(),
                     std::to_string(out.payload.size()));
    return out;
  }
  // What is not a number goes out as it is: the server's refusal is the better text.
  const auto* end = length.text.data() + length.text.size();
  std::size_t count = 0;
  const auto [stop, error] = std::from_chars(length.text.data(), end, count);
  if (error == std::errc{} && stop == end && count <= blob_bytes_max) out.payload_missing = count;
  return out;
}

console_client::console_client(unique_fd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

result<console_client> console_client::connect(const std::string& path) {
  auto fd = connect_client(path);
  if (!fd) return fd.error();
  if (auto greeted = greet(fd.value().get(), "console", greeting_ms_max); !greeted)
    return failure{greeted.error().code, path + ": " + greeted.error().detail};
  return console_client(std::move(fd).value(), path);
}

result<console_frame> console_client::ask(
    const console_request& request, const std::function<void(const console_frame&)>& on_frame) {
  // A server that refuses and closes may do so before it has read everything: its last words are
  // waiting then, and matter more than the failed send.
  const auto sent = send_all(fd_.get(), request.line + "\r\n" + request.payload);
  for (;;) {
    auto frame = read_frame();
    if (!frame) return sent ? frame.error() : lost(sent.error().detail);
    const auto& f = frame.value();
    on_frame(f);
    if (f.is_fatal()) return frame;
    const bool ours =
        f.tagged ? request.tagged && f.tag == request.tag : !request.tagged || f.is_error();
    if (ours && f.is_final()) return frame;
  }
}

result<console_frame> console_client::read_frame() {
  for (;;) {
    if (auto frame = frames_.next()) return std::move(*frame);
    std::array<char, 65'536> chunk;
    const auto got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return lost("closed by the server");
    if (got < 0) return lost(std::strerror(errno));
    frames_.feed({chunk.data(), static_cast<std::size_t>(got)});
  }
}

failure console_client::lost(const std::string& how) const {
  return {errc::unreachable, "connection to " + path_ + " lost: " + how};
}

}  // namespace atlas::cli
