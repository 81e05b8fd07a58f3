// Where the console's commands come from: a terminal, a pipe, or `-c`. One small interface, so that
// the loop is tested without a terminal.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace atlas::cli {

/// Where commands come from.
class console_input {
 public:
  virtual ~console_input() = default;

  /// The next line without its end; nothing at the end of input. Who sits at a terminal sees
  /// `prompt`.
  virtual std::optional<std::string> line(const std::string& prompt) = 0;

  /// Exactly `count` bytes that follow the last line, as the payload of a blob. Nothing if this
  /// source cannot give them.
  virtual std::optional<std::string> bytes(std::size_t count) = 0;

  /// Whether a person waits for the next prompt.
  [[nodiscard]] virtual bool interactive() const { return false; }

  /// While a person types: whenever `pending` says so, `show` prints something.
  virtual void while_idle(const std::function<bool()>& /*pending*/,
                          const std::function<void()>& /*show*/) {}
};

/// Commands from a pipe or file. A payload stands right behind its line.
class stream_input final : public console_input {
 public:
  explicit stream_input(std::istream& in) : in_(in) {}
  std::optional<std::string> line(const std::string& prompt) override;
  std::optional<std::string> bytes(std::size_t count) override;

 private:
  std::istream& in_;
};

/// Commands given one by one (`-c`).
class list_input final : public console_input {
 public:
  explicit list_input(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  std::optional<std::string> line(const std::string& prompt) override;
  std::optional<std::string> bytes(std::size_t count) override;

 private:
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
};

}  // namespace atlas::cli
