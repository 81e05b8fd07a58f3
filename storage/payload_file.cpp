// See payload_file.hpp; the bytes are told in docs/formats.md.
#include "storage/payload_file.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <limits>

#include "core/check.hpp"
#include "storage/fast_checksum.hpp"
#include "storage/open_file.hpp"

namespace atlas::storage {
namespace {

constexpr std::string_view extension = ".payloads";
constexpr std::size_t digits = 16;
using head_bytes = std::array<char, payload_head_size>;

std::uint32_t crc_of(std::string_view bytes, std::uint32_t before = 0) {
  return rocksdb::crc32c::Extend(before, bytes.data(), bytes.size());
}

std::uint64_t both(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

void put_half(char* out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(v >> (24 - 8 * i));
}

head_bytes head_of(payload_owner of, std::uint32_t size, std::uint32_t crc) {
  head_bytes head;
  put_number(head.data(), of.family);
  put_number(head.data() + number_size, of.at.value);
  put_number(head.data() + 2 * number_size, both(size, crc));
  put_half(head.data() + 3 * number_size, crc_of({head.data(), 3 * number_size}));
  return head;
}

/// Fills all parts; false if the system fails, or, with an `errno` of 0, the file ends.
bool read_all(int fd, ::iovec* parts, int count, std::uint64_t from) {
  errno = 0;
  while (count > 0) {
    if (parts->iov_len == 0) {
      ++parts, --count;
      continue;
    }
    auto moved = ::preadv(fd, parts, count, static_cast<::off_t>(from));
    if (moved < 0 && errno == EINTR) {
      errno = 0;
      continue;
    }
    if (moved <= 0) return false;
    from += static_cast<std::uint64_t>(moved);
    for (; moved > 0; ++parts, --count) {
      const auto part = std::min(parts->iov_len, static_cast<std::size_t>(moved));
      moved -= static_cast<::ssize_t>(part);
      parts->iov_base = static_cast<char*>(parts->iov_base) + part;
      parts->iov_len -= part;
      if (parts->iov_len > 0) break;
    }
  }
  return true;
}

}  // namespace

std::array<char, place_size> encode_place(const payload_place& p) {
  std::array<char, place_size> bytes;
  put_number(bytes.data(), p.file);
  put_number(bytes.data() + number_size, p.from);
  put_number(bytes.data() + 2 * number_size, both(p.size, p.crc));
  return bytes;
}

std::optional<payload_place> decode_place(std::string_view bytes) {
  if (bytes.size() != place_size) return std::nullopt;
  const auto last = get_number(bytes.substr(2 * number_size));
  return payload_place{get_number(bytes), get_number(bytes.substr(number_size)),
                       static_cast<std::uint32_t>(last >> 32), static_cast<std::uint32_t>(last)};
}

std::string payload_path(const std::string& folder, std::uint64_t file) {
  char name[digits + 1];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(file));
  return folder + '/' + name + std::string(extension);
}

std::optional<std::uint64_t> payload_file_number(std::string_view name) {
  if (name.size() != digits + extension.size() || !name.ends_with(extension)) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + digits, number, 16);
  if (error != std::errc{} || end != name.data() + digits) return std::nullopt;
  if (payload_path("", number).substr(1) != name) return std::nullopt;  // capital digits
  return number;
}

rocksdb::Status payload_writer::create() {
  return out_.create(folder_, payload_path(folder_, file_));
}

rocksdb::Status payload_writer::append(payload_owner of, std::string_view bytes,
                                       payload_place& at) {
  ATLAS_CHECK(bytes.size() <= std::numeric_limits<std::uint32_t>::max(),
              "the size of a payload has four bytes");
  at = {file_, out_.size() + payload_head_size, static_cast<std::uint32_t>(bytes.size()),
        crc_of(bytes)};
  const auto head = head_of(of, at.size, at.crc);
  auto status = out_.append({head.data(), head.size()});
  if (status.ok()) status = out_.append(bytes);
  return status.ok() ? out_.end_block() : status;
}

rocksdb::Status read_payload(const std::string& folder, const payload_place& place,
                             std::size_t from, std::size_t size, std::string& out) {
  const auto path = payload_path(folder, place.file);
  if (from > place.size || size > place.size - from)
    return rocksdb::Status::Corruption(path, "a payload is shorter than what is asked of it");
  const open_file file(path, O_RDONLY);
  if (file.fd() < 0 && errno == ENOENT) return rocksdb::Status::Corruption(path, "is not there");
  if (file.fd() < 0) return system_failure(path);
  std::string beside(place.size - size, 0);
  const auto begin = out.size();
  out.resize(begin + size);
  ::iovec parts[] = {{beside.data(), from},
                     {out.data() + begin, size},
                     {beside.data() + from, beside.size() - from}};
  const bool got = read_all(file.fd(), parts, 3, place.from);
  if (!got && errno != 0) return system_failure(path);
  const std::string_view left = beside;
  const auto crc =
      crc_of(left.substr(from), crc_of({out.data() + begin, size}, crc_of(left.substr(0, from))));
  if (got && crc == place.crc) return rocksdb::Status::OK();
  return rocksdb::Status::Corruption(path,
                                     "the payload at byte " + std::to_string(place.from) +
                                         (got ? " does not have its checksum" : " is cut short"));
}

rocksdb::Status walk_payloads(
    const std::string& folder, std::uint64_t file,
    const std::function<bool(payload_owner of, const payload_place& place)>& visit) {
  const auto path = payload_path(folder, file);
  const open_file in(path, O_RDONLY);
  if (in.fd() < 0) return system_failure(path);
  for (std::uint64_t at = 0;;) {
    head_bytes head{};
    ::iovec part{head.data(), head.size()};
    const bool got = read_all(in.fd(), &part, 1, at);
    if (!got && errno != 0) return system_failure(path);
    const std::string_view bytes(head.data(), head.size());
    const payload_owner of{get_number(bytes), {get_number(bytes.substr(number_size))}};
    const auto last = get_number(bytes.substr(2 * number_size));
    const payload_place place{file, at + payload_head_size, static_cast<std::uint32_t>(last >> 32),
                              static_cast<std::uint32_t>(last)};
    if (!got || head != head_of(of, place.size, place.crc) || !visit(of, place))
      return rocksdb::Status::OK();
    at = payload_end(place);
  }
}

}  // namespace atlas::storage
