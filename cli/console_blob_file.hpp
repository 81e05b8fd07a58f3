// Blobs out of and into files, in parts, so that 128 MiB never stand in memory. A download appears
// under its name only when it is complete.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "cli/client_socket.hpp"
#include "core/result.hpp"

namespace atlas::cli {

/// The protocol's bound on an announced blob.
inline constexpr std::size_t blob_bytes_max = 128ull << 20;

/// Bytes of a known number, to be read once.
class blob_source {
 public:
  virtual ~blob_source() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// The next bytes, at most `most`; fails with `bad_config` when fewer than size() are there.
  virtual core::result<std::string> read(std::size_t most) = 0;
};

/// Opens the file `path`. What has no size beforehand (a pipe) is read to its end here. Fails with
/// `bad_config` when it cannot be read or is above 128 MiB.
core::result<std::unique_ptr<blob_source>> open_blob_source(const std::string& path);

/// A file that is written beside its place and put there when complete. Destroyed before, it
/// leaves nothing. One at a time.
class blob_file {
 public:
  /// Begins to write what shall become `path`. Fails with `bad_config`, also when something other
  /// than a file has that name.
  static core::result<blob_file> create(const std::string& path);

  blob_file(blob_file&&) noexcept = default;
  blob_file& operator=(blob_file&&) = delete;
  ~blob_file();

  core::result<core::done> write(std::string_view bytes);
  /// Puts the file in its place.
  core::result<core::done> commit();

 private:
  blob_file(unique_fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  unique_fd fd_;  // none: moved from, or finished
  std::string path_;
};

/// Removes the unfinished blob_file, if there is one. For signal handlers that end the process.
void remove_partial_file() noexcept;

}  // namespace atlas::cli
