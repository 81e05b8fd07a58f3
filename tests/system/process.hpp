// A program under test as a child process: started with its output in a file, killed, stopped or
// waited for with a deadline, and never left behind. With it what every system test needs besides:
// waiting for a condition instead of a time, and a TCP port that stays the test's own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace atlas::system_tests {

/// How long a condition may take before a test gives up. Far more than any of them needs: build
/// machines are slow, sanitizer builds slower.
inline constexpr std::chrono::seconds patience{60};

/// Asks `holds` again and again until it is true, at most for `limit`; whether it became true.
bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit = patience);

/// Everything in the file; empty if there is none.
std::string text_of(const std::string& path);

class process {
 public:
  /// Starts `arguments[0]` with the rest as its arguments. Standard output and error are appended
  /// to the file `log`.
  process(const std::vector<std::string>& arguments, const std::string& log);
  /// Kills it if it still runs.
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  [[nodiscard]] bool running();
  [[nodiscard]] ::pid_t pid() const { return pid_; }
  /// SIGKILL, and waits until it is gone.
  void kill_now();
  /// Stops it in its tracks, as a suspended machine would, until `resume`.
  void pause();
  void resume();
  /// SIGTERM; does not wait.
  void terminate();
  /// Exit code once it ended by itself, 128 + the signal if one ended it; empty if it still runs
  /// when `limit` is over.
  std::optional<int> wait(std::chrono::milliseconds limit = patience);

 private:
  ::pid_t pid_ = -1;
  std::optional<int> status_;
};

/// A TCP port of 127.0.0.1 that nobody else gets while this object lives, not even between two
/// runs of the node that listens on it: a bound socket that does not listen keeps the port from
/// everybody but those who ask for it by number.
class reserved_port {
 public:
  reserved_port();
  ~reserved_port();
  reserved_port(reserved_port&& other) noexcept;
  reserved_port& operator=(reserved_port&&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  int fd_ = -1;
  std::uint16_t number_ = 0;
};

}  // namespace atlas::system_tests
