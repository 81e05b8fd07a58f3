// The loop itself. Everything that arrives is printed before the next line is taken, so that a
// script's transcript reads in order.
#include "cli/console_repl.hpp"

#include <strings.h>

#include <utility>

#include "cli/console_render.hpp"

namespace atlas::cli {

namespace {

constexpr const char* blanks = " \t\r";

bool is_exit(const std::string& line, std::size_t first) {
  const auto end = std::min(line.find_first_of(blanks, first), line.size());
  return end - first == 4 && ::strncasecmp(line.data() + first, "EXIT", 4) == 0;
}

// Fetches what the line announced but does not hold.
core::result<core::done> complete_payload(console_request& request, console_input& input) {
  if (request.payload_missing == 0) return core::done{};
  auto bytes = input.bytes(request.payload_missing);
  if (!bytes)
    return core::failure{core::errc::bad_config,
                         "the " + std::to_string(request.payload_missing) +
                             " bytes do not follow; write KEY BLOB SET <key> @file"};
  request.payload = std::move(*bytes);
  request.payload_missing = 0;
  return core::done{};
}

}  // namespace

std::optional<std::string> stream_input::line() {
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

std::optional<std::string> list_input::line() {
  if (next_ == lines_.size()) return std::nullopt;
  return lines_[next_++];
}

std::optional<std::string> list_input::bytes(std::size_t) {
  return std::nullopt;
}

int run_console(console_client& client, console_input& input, const console_output& output) {
  bool any_error = false;
  while (const auto line = input.line()) {
    const auto first = line->find_first_not_of(blanks);
    if (first == std::string::npos) continue;
    if (is_exit(*line, first)) break;
    auto request = make_request(*line);
    if (request)
      if (auto completed = complete_payload(request.value(), input); !completed)
        request = completed.error();
    if (!request) {
      output.complaints << "atlas-console: " << request.error().detail << std::endl;
      any_error = true;
      continue;
    }
    const auto last = client.ask(request.value(), [&output](const console_frame& frame) {
      output.replies << printed(frame) << std::flush;
    });
    if (!last) {
      output.complaints << "atlas-console: " << last.error().detail << std::endl;
      return 1;
    }
    if (last.value().is_fatal()) return 1;
    any_error = any_error || last.value().is_error();
  }
  return output.errors_fail && any_error ? 1 : 0;
}

}  // namespace atlas::cli
