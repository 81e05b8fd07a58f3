// The name of the unfinished file stands in a plain array as well, where a signal handler may read
// it: Ctrl-C must not leave a part of a file behind.
#include "cli/console_blob_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace atlas::cli {

namespace {

using core::errc;
using core::failure;
using core::result;

std::array<char, PATH_MAX> partial_name{};
volatile sig_atomic_t partial_exists = 0;

failure file_failure(const std::string& path, int error) {
  return {errc::bad_config, path + ": " + std::strerror(error)};
}

failure too_large(const std::string& path) {
  return {errc::bad_config, path + ": a blob has at most 134217728 bytes"};
}

class file_source final : public blob_source {
 public:
  file_source(unique_fd fd, std::string path, std::size_t size)
      : fd_(std::move(fd)), path_(std::move(path)), size_(size), left_(size) {}

  [[nodiscard]] std::size_t size() const override { return size_; }

  result<std::string> read(std::size_t most) override {
    std::string out(std::min(most, left_), '\0');
    ssize_t got = 0;
    do {
      got = ::read(fd_.get(), out.data(), out.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return file_failure(path_, errno);
    if (got == 0 && left_ > 0)
      return failure{errc::bad_config, path_ + ": became shorter while it was sent"};
    out.resize(static_cast<std::size_t>(got));
    left_ -= out.size();
    return out;
  }

 private:
  unique_fd fd_;
  std::string path_;
  std::size_t size_;
  std::size_t left_;
};

class memory_source final : public blob_source {
 public:
  explicit memory_source(std::string bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] std::size_t size() const override { return bytes_.size(); }

  result<std::string> read(std::size_t most) override {
    auto out = bytes_.substr(at_, most);
    at_ += out.size();
    return out;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

result<std::unique_ptr<blob_source>> read_to_end(int fd, const std::string& path) {
  std::string bytes;
  std::array<char, 65'536> chunk;
  for (;;) {
    const auto got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_failure(path, errno);
    if (got == 0) break;
    bytes.append(chunk.data(), static_cast<std::size_t>(got));
    if (bytes.size() > blob_bytes_max) return too_large(path);
  }
  return std::unique_ptr<blob_source>(std::make_unique<memory_source>(std::move(bytes)));
}

// What a new file gets, or what the one that is replaced has.
mode_t mode_for(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0) return there.st_mode & 0777;
  const auto mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

result<std::unique_ptr<blob_source>> open_blob_source(const std::string& path) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (fd.get() < 0 || ::fstat(fd.get(), &about) != 0) return file_failure(path, errno);
  if (S_ISDIR(about.st_mode)) return failure{errc::bad_config, path + ": is a directory"};
  if (!S_ISREG(about.st_mode)) return read_to_end(fd.get(), path);
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size > blob_bytes_max) return too_large(path);
  return std::unique_ptr<blob_source>(std::make_unique<file_source>(std::move(fd), path, size));
}

result<blob_file> blob_file::create(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path place(path);
  // A link stays a link: the file that it names is replaced.
  if (std::filesystem::is_symlink(place, ignored))
    if (auto target = std::filesystem::canonical(place, ignored); !ignored) place = target;
  if (std::filesystem::is_directory(place, ignored))
    return failure{errc::bad_config, path + ": is a directory"};
  if (std::filesystem::exists(place, ignored) && !std::filesystem::is_regular_file(place, ignored))
    return failure{errc::bad_config, path + ": is not a regular file and can not be replaced"};
  std::string name = (place.parent_path() / ("." + place.filename().string() + ".XXXXXX")).string();
  if (name.size() >= partial_name.size()) return file_failure(path, ENAMETOOLONG);
  unique_fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (fd.get() < 0) return file_failure(path, errno);
  std::memcpy(partial_name.data(), name.c_str(), name.size() + 1);
  partial_exists = 1;
  return blob_file(std::move(fd), place.string());
}

blob_file::~blob_file() {
  if (fd_.get() >= 0) remove_partial_file();
}

result<core::done> blob_file::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd_.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_failure(path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return core::done{};
}

result<core::done> blob_file::commit() {
  if (::fchmod(fd_.get(), mode_for(path_)) != 0) return file_failure(path_, errno);
  if (::rename(partial_name.data(), path_.c_str()) != 0) return file_failure(path_, errno);
  partial_exists = 0;
  fd_.reset();
  return core::done{};
}

void remove_partial_file() noexcept {
  if (partial_exists == 0) return;
  ::unlink(partial_name.data());
  partial_exists = 0;
}

}  // namespace atlas::cli
