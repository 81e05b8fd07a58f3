// The remedy depends on what the disk said: full, damaged, or failing.
#include "storage/fail_stop.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace atlas::storage {
namespace {

std::string_view remedy(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return "Free space on this disk and start the node again.";
  if (status.IsCorruption()) {
    return "The disk gave back damaged data: replace it, start with an empty data directory and "
           "let "
           "the node join again as a new one.";
  }
  return "Check the disk, its mount and its permissions (the kernel log tells more), then start "
         "the "
         "node again.";
}

}  // namespace

void abort_with(const std::string& message) {
  spdlog::critical("{}", message);
  spdlog::default_logger_raw()->flush();
  std::abort();
}

std::string describe_failure(std::string_view doing, const std::string& path,
                             const rocksdb::Status& status) {
  std::string text(doing);
  text.append(" failed in ").append(path).append(": ").append(status.ToString());
  text.append(". The node stops, because its memory and its disk may differ now. ");
  return text.append(remedy(status));
}

}  // namespace atlas::storage
