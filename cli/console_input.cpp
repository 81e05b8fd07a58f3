// The sources that need no terminal.
#include "cli/console_input.hpp"

#include <utility>

namespace atlas::cli {

std::optional<std::string> stream_input::line(const std::string&) {
  std::string out;
  if (!std::getline(in_, out)) return std::nullopt;
  if (!out.empty() && out.back() == '\r') out.pop_back();
  return out;
}

std::optional<std::string> stream_input::bytes(std::size_t count) {
  std::string out(count, '\0');
  in_.read(out.data(), static_cast<std::streamsize>(count));
  if (static_cast<std::size_t>(in_.gcount()) != count) return std::nullopt;
  return out;
}

std::optional<std::string> list_input::line(const std::string&) {
  if (next_ == lines_.size()) return std::nullopt;
  return lines_[next_++];
}

std::optional<std::string> list_input::bytes(std::size_t) {
  return std::nullopt;
}

}  // namespace atlas::cli
