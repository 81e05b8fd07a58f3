// Where the file is and who may read it; what stands in it is readline's business.
#include "cli/console_history.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "cli/client_socket.hpp"

namespace atlas::cli {

namespace {

constexpr std::size_t line_bytes_max = 8192;

bool is_absolute(const char* path) {
  return path != nullptr && *path == '/';
}

}  // namespace

std::string history_path(const char* state_home, const char* home) {
  // The standard says that relative paths are to be ignored.
  if (is_absolute(state_home)) return std::string(state_home) + "/atlas/history";
  if (is_absolute(home)) return std::string(home) + "/.local/state/atlas/history";
  return "";
}

bool prepare_history(const std::string& path) {
  if (path.empty()) return false;
  for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) return false;
  const unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct stat about {};
  if (fd.get() < 0 || ::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
  return (about.st_mode & 0777) == 0600 || ::fchmod(fd.get(), 0600) == 0;
}

bool is_remembered(std::string_view line, std::string_view last) {
  return !line.empty() && line.front() != ' ' && line.front() != '\t' && line != last &&
         line.size() <= line_bytes_max;
}

}  // namespace atlas::cli
