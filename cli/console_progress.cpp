// The line is made by a pure function; the bar only says when and where.
#include "cli/console_progress.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

#include "cli/console_render.hpp"

namespace atlas::cli {

namespace {

constexpr std::size_t cells = 24;
constexpr std::size_t name_max = 30;
constexpr std::size_t columns = 79;
constexpr std::chrono::milliseconds redraw{100};
constexpr double mebibyte = 1024.0 * 1024.0;

}  // namespace

std::string progress_line(const std::string& name, std::size_t done, std::size_t total,
                          std::chrono::milliseconds elapsed, std::size_t width) {
  const double part =
      total == 0 ? 1.0 : static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(part * cells);
  std::ostringstream out;
  out << escaped(name, false).substr(0, name_max) << "  [" << std::string(filled, '#')
      << std::string(cells - filled, '.') << "] " << std::setw(3) << static_cast<int>(part * 100)
      << "%  " << std::fixed << std::setprecision(1) << static_cast<double>(done) / mebibyte
      << " of " << static_cast<double>(total) / mebibyte << " MiB";
  if (elapsed.count() > 0)
    out << "  "
        << static_cast<double>(done) / mebibyte * 1000.0 / static_cast<double>(elapsed.count())
        << " MiB/s";
  return out.str().substr(0, width);
}

progress_bar::progress_bar(std::ostream* out, std::string name, std::size_t total)
    : out_(out), name_(std::move(name)), total_(total) {}

progress_bar::~progress_bar() {
  if (any_) *out_ << "\r\x1b[K" << std::flush;
}

void progress_bar::show(std::size_t done) {
  const auto now = clock::now();
  if (out_ == nullptr || (any_ && now - drawn_ < redraw)) return;
  any_ = true;
  drawn_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_);
  *out_ << '\r' << progress_line(name_, done, total_, elapsed, columns) << "\x1b[K" << std::flush;
}

}  // namespace atlas::cli
