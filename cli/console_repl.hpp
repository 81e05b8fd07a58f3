// The console's loop: take a line, ask, print. Where lines come from (a terminal, a pipe, `-c`) is
// behind one small interface, so that the loop and its exit status are tested without a terminal.
#pragma once

#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/console_client.hpp"

namespace atlas::cli {

/// Where commands come from.
class console_input {
 public:
  virtual ~console_input() = default;

  /// The next line without its end; nothing at the end of input.
  virtual std::optional<std::string> line() = 0;

  /// Exactly `count` bytes that follow the last line, as the payload of a blob. Nothing if this
  /// source cannot give them.
  virtual std::optional<std::string> bytes(std::size_t count) = 0;
};

/// Commands from a pipe or file. A payload stands right behind its line.
class stream_input final : public console_input {
 public:
  explicit stream_input(std::istream& in) : in_(in) {}
  std::optional<std::string> line() override;
  std::optional<std::string> bytes(std::size_t count) override;

 private:
  std::istream& in_;
};

/// Commands given one by one (`-c`).
class list_input final : public console_input {
 public:
  explicit list_input(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  std::optional<std::string> line() override;
  std::optional<std::string> bytes(std::size_t count) override;

 private:
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
};

/// Where the loop writes, and what counts as failure.
struct console_output {
  std::ostream& replies;
  std::ostream& complaints;
  bool errors_fail = false;  ///< any ERROR reply makes the exit status 1
};

/// Runs until EXIT or the end of input. Returns the exit status: 0; or 1 when the connection was
/// lost or the server closed it, and, with `errors_fail`, when a reply was an ERROR or a command
/// could not be sent.
int run_console(console_client& client, console_input& input, const console_output& output);

}  // namespace atlas::cli
