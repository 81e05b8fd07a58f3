// Names for completion, asked of the node while the user waits on the Tab key: over a connection of
// its own, so that an answer that comes too late disturbs nothing, and never for long.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console_client.hpp"
#include "cli/console_words.hpp"

namespace atlas::cli {

/// The value of ` name=` in a line of `TABLE LIST` and its like; empty if there is none.
std::string field_of(std::string_view line, std::string_view name);

class console_lookup {
 public:
  static constexpr std::chrono::milliseconds patience{300};
  static constexpr std::size_t names_max = 200;

  /// `principal` tells under which name to ask (empty: none).
  console_lookup(std::string path, std::function<std::string()> principal,
                 std::chrono::milliseconds wait = patience)
      : path_(std::move(path)), principal_(std::move(principal)), wait_(wait) {}

  /// What the end of a line can become, words first; at most names_max names. Files are not looked
  /// for. What the node does not tell in time is left out.
  std::vector<std::string> candidates(const completion& due);

 private:
  using lines = std::vector<std::string>;

  void add_names(lines& to, operand kind, const std::string& word);
  lines fields(const std::string& command, std::string_view name);
  lines keys(const std::string& prefix);
  std::optional<std::vector<console_frame>> ask(const std::string& command);
  bool connected();

  std::string path_;
  std::function<std::string()> principal_;
  std::chrono::milliseconds wait_;
  std::chrono::steady_clock::time_point until_;
  std::optional<console_client> client_;
  std::string asked_as_;
};

}  // namespace atlas::cli
