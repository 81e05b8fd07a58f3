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

}  // namespace

core::result<std::unique_ptr<durable_mark>> durable_mark::open(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return core::failure{core::errc::disk, "cannot open " + file + ": " + std::strerror(errno)};
  }
  std::unique_ptr<durable_mark> mark(new durable_mark(fd));
  auto loaded = mark->load(file);
  if (!loaded) return loaded.error();
  return mark;
}

durable_mark::~durable_mark() {
  ::close(fd_);
}

core::result<core::done> durable_mark::load(const std::string& file) {
  mark_bytes bytes{};
  const auto got = ::pread(fd_, bytes.data(), bytes.size(), 0);
  if (got < 0) {
    return core::failure{core::errc::disk, "cannot read " + file + ": " + std::strerror(errno)};
  }
  // A power cut soon after the first start may leave the file empty, or long but never filled.
  const bool blank = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
  if (blank) return core::done{};
  const std::string_view all(bytes.data(), static_cast<std::size_t>(got));
  const bool whole =
      all.size() == mark_size && all.substr(0, number_size) == magic &&
      get_number(all.substr(number_size)) == ~get_number(all.substr(2 * number_size));
  if (!whole) {
    return core::failure{core::errc::corrupt,
                         file + " is damaged, so the disk may have lost acknowledged writes. " +
                             "Replace the disk and let the node join again as a new one."};
  }
  value_ = get_number(all.substr(number_size));
  return core::done{};
}

bool durable_mark::raise(std::uint64_t sequence) {
  if (sequence <= value_) return true;
  mark_bytes bytes;
  std::copy(magic.begin(), magic.end(), bytes.begin());
  put_number(bytes.data() + number_size, sequence);
  put_number(bytes.data() + 2 * number_size, ~sequence);
  if (::pwrite(fd_, bytes.data(), bytes.size(), 0) != static_cast<::ssize_t>(mark_size))
    return false;
  value_ = sequence;
  return true;
}

bool durable_mark::settle() {
  return ::fdatasync(fd_) == 0;
}

}  // namespace atlas::storage
