// Runs one test case of this very program in a process of its own, so that it can be killed,
// starved or watched. A fresh process, not a bare fork: RocksDB's threads do not survive a fork.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace atlas::storage::tests {

/// Set for a child: where it works and the descriptor it reports to.
inline const char* child_directory() {
  return std::getenv("ATLAS_TEST_CHILD_DIR");
}
inline constexpr int report_descriptor = 3;

/// Writes a line to the parent.
inline void report(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(report_descriptor, text.data(), text.size()) < 0) ::_exit(3);
}

class child_process {
 public:
  /// Starts the (skipped) test case with this exact name. Its standard error is reported as well.
  child_process(const std::string& test_case, const std::string& directory) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const std::string filter = "--test-case=" + test_case;
    const std::string dir = "ATLAS_TEST_CHILD_DIR=" + directory;
    const char* const argv[] = {"child", "--no-skip", filter.c_str(), nullptr};
    const char* const envp[] = {dir.c_str(), nullptr};
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(pipe_ends[1], report_descriptor);
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      ::dup2(pipe_ends[1], STDERR_FILENO);
      ::execve("/proc/self/exe", const_cast<char* const*>(argv), const_cast<char* const*>(envp));
      ::_exit(127);
    }
    ::close(pipe_ends[1]);
    from_ = pipe_ends[0];
  }
  ~child_process() {
    if (pid_ > 0) kill_and_wait();
    ::close(from_);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// Next whole line; false at the end of the child's output.
  bool next_line(std::string& line) {
    while (true) {
      const auto end = buffer_.find('\n');
      if (end != std::string::npos) {
        line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return true;
      }
      char bytes[4096];
      const auto got = ::read(from_, bytes, sizeof bytes);
      if (got <= 0) return false;
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  /// Everything the child still says until it ends.
  std::string rest() {
    std::string all;
    for (std::string line; next_line(line);) all += line + "\n";
    return all + buffer_;
  }

  /// All its threads stand still when this returns.
  void stop() {
    REQUIRE(::kill(pid_, SIGSTOP) == 0);
    int status = 0;
    REQUIRE(::waitpid(pid_, &status, WUNTRACED) == pid_);
    REQUIRE(WIFSTOPPED(status));
  }

  void kill_and_wait() {
    ::kill(pid_, SIGKILL);
    wait();
  }

  /// Status as of waitpid.
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  ::pid_t pid_ = -1;
  int from_ = -1;
  std::string buffer_;
};

}  // namespace atlas::storage::tests
