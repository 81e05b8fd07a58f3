// A bar for transfers of files, on one line of standard error that disappears when they end.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace atlas::cli {

/// `users.photo  [#####.....]  50%  3.2 of 6.4 MiB  1.6 MiB/s`, at most `width` columns.
std::string progress_line(const std::string& name, std::size_t done, std::size_t total,
                          std::chrono::milliseconds elapsed, std::size_t width);

/// Draws as the transfer goes on, at most some times a second; cleans up when destroyed.
class progress_bar {
 public:
  /// Without a terminal (`out` null) nothing is ever drawn.
  progress_bar(std::ostream* out, std::string name, std::size_t total);
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  ~progress_bar();

  void show(std::size_t done);

 private:
  using clock = std::chrono::steady_clock;

  std::ostream* out_;
  std::string name_;
  std::size_t total_;
  clock::time_point begun_ = clock::now();
  clock::time_point drawn_;
  bool any_ = false;
};

}  // namespace atlas::cli
