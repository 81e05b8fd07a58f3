// The terminal side of the console: line editing, history and completion by readline, and only when
// a person sits there; a pipe gets neither prompt nor echo.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/console_input.hpp"
#include "cli/console_lookup.hpp"
#include "cli/console_session.hpp"

namespace atlas::cli {

/// There is one terminal, and so at most one object of this class.
class terminal_input final : public console_input {
 public:
  /// Reads the history from `history_file` and keeps it there; empty: for this session alone.
  terminal_input(const console_session& session, const std::string& socket,
                 std::string history_file);
  terminal_input(const terminal_input&) = delete;
  terminal_input& operator=(const terminal_input&) = delete;
  ~terminal_input() override;

  std::optional<std::string> line(const std::string& prompt) override;
  std::optional<std::string> bytes(std::size_t) override { return std::nullopt; }
  [[nodiscard]] bool interactive() const override { return true; }
  void while_idle(const std::function<bool()>& pending, const std::function<void()>& show) override;

 private:
  friend struct readline_hooks;

  void remember(const std::string& line);

  const console_session& session_;
  console_lookup lookup_;
  std::string history_file_;
  std::string last_;
  std::function<bool()> pending_;
  std::function<void()> show_;
};

}  // namespace atlas::cli
