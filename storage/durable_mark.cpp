// The file is "ATLASdm1", the number, and its complement; all inside one disk sector, so that it is
// written whole or not at all.
#include "storage/durable_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "storage/layout.hpp"

namespace atlas::storage {
namespace {

constexpr std::string_view magic = "ATLASdm1";
constexpr std::size_t mark_size = 3 * number_size;
using mark_bytes = std::array<char, mark_size>;
constexpr std::uint64_t condemned = ~std::uint64_t{0};  // no database gets that far

core::failure file_failure(const std::string& what, const std::string& file) {
  return {core::errc::disk, what + file + ": " + std::strerror(errno)};
}

}  // namespace

core::result<std::unique_ptr<durable_mark>> durable_mark::open(const std::string& file,
                                                               bool fresh) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return file_failure("cannot open ", file);
  std::unique_ptr<durable_mark> mark(new durable_mark(fd));
  auto loaded = mark->load(file, fresh);
  if (!loaded) return loaded.error();
  return mark;
}

durable_mark::~durable_mark() {
  ::close(fd_);
}

core::result<core::done> durable_mark::load(const std::string& file, bool fresh) {
  mark_bytes bytes{};
  const auto got = ::pread(fd_, bytes.data(), bytes.size(), 0);
  if (got < 0) return file_failure("cannot read ", file);
  const auto refuse = [&](const std::string& why) {
    return core::failure{
        core::errc::corrupt,
        file + why + " Replace the disk and let the node join again as a new one."};
  };
  // A power cut in the very first start may leave the file empty, or long but never filled.
  const bool blank = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
  if (blank && fresh) return found(file);
  if (blank)
    return refuse(
        " is missing or empty beside a database, so nobody knows whether synced writes are lost.");
  const std::string_view all(bytes.data(), static_cast<std::size_t>(got));
  const bool whole =
      all.size() == mark_size && all.substr(0, number_size) == magic &&
      get_number(all.substr(number_size)) == ~get_number(all.substr(2 * number_size));
  if (!whole) return refuse(" is damaged, so the disk may have lost acknowledged writes.");
  value_ = get_number(all.substr(number_size));
  if (value_ == condemned)
    return refuse(" says that this disk has lost synced writes; an earlier start found that out.");
  return core::done{};
}

core::result<core::done> durable_mark::found(const std::string& file) {
  if (!put(0) || !settle()) return file_failure("cannot write ", file);
  // The file's name, too, must outlive a power cut.
  const std::string folder = file.substr(0, file.find_last_of('/'));
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  auto failed = file_failure("cannot sync ", folder);
  if (fd >= 0) ::close(fd);
  if (!synced) return failed;
  return core::done{};
}

bool durable_mark::put(std::uint64_t sequence) {
  mark_bytes bytes;
  std::copy(magic.begin(), magic.end(), bytes.begin());
  put_number(bytes.data() + number_size, sequence);
  put_number(bytes.data() + 2 * number_size, ~sequence);
  return ::pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<::ssize_t>(mark_size);
}

bool durable_mark::raise(std::uint64_t sequence) {
  if (sequence <= value_) return true;
  if (!put(sequence)) return false;
  value_ = sequence;
  return true;
}

bool durable_mark::condemn() {
  value_ = condemned;  // nothing raises it any more
  return put(condemned) && settle();
}

bool durable_mark::settle() {
  return ::fdatasync(fd_) == 0;
}

}  // namespace atlas::storage
