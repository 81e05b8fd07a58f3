// See data_directory.hpp.
#include "storage/data_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace atlas::storage {
namespace {

namespace fs = std::filesystem;

core::failure disk_failure(const char* what, const fs::path& path, const std::string& why) {
  return {core::errc::disk, std::string("cannot ") + what + " " + path.string() + ": " + why};
}

core::result<core::done> sync_directory(const fs::path& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_failure("open", dir, std::strerror(errno));
  const bool synced = ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (!synced) return disk_failure("sync", dir, std::strerror(why));
  return core::done{};
}

}  // namespace

core::result<core::done> make_private(const fs::path& dir) {
  std::error_code error;
  if (fs::is_directory(dir, error)) return core::done{};
  const fs::path parent = dir.parent_path();
  if (!parent.empty() && parent != dir) {
    auto made = make_private(parent);
    if (!made) return made;
  }
  if (::mkdir(dir.c_str(), 0700) != 0) {
    if (errno == EEXIST && fs::is_directory(dir, error)) return core::done{};
    return disk_failure("create the data directory", dir, std::strerror(errno));
  }
  return sync_directory(parent.empty() ? fs::path(".") : parent);
}

core::result<data_directory> prepare_directory(const std::string& path) {
  std::error_code error;
  fs::path root = fs::absolute(path, error).lexically_normal();
  if (path.empty() || error) return disk_failure("use the data directory", path, "not a path");
  if (!root.has_filename()) root = root.parent_path();  // "/data/" names the same as "/data"
  const data_directory where{root.string(), (root / "rocksdb").string(),
                             (root / "durable").string(), (root / "payloads").string()};
  auto made = make_private(where.database);
  if (!made) return made.error();
  return where;
}

core::result<bool> holds_database(const data_directory& where) {
  std::error_code error;
  const bool current = fs::exists(fs::path(where.database) / "CURRENT", error);
  if (error) return disk_failure("read", where.database, error.message());
  if (current) return true;
  for (fs::directory_iterator it(where.database, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".sst") continue;
    return core::failure{core::errc::corrupt,
                         where.database + " holds tables but the file CURRENT is missing. " +
                             "Do not start over in this directory: replace the disk or name an " +
                             "empty data directory, and let the node join again as a new one."};
  }
  if (error) return disk_failure("read", where.database, error.message());
  return false;
}

}  // namespace atlas::storage
