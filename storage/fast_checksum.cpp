#include "storage/fast_checksum.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace rocksdb::crc32c {

std::uint32_t Extend(std::uint32_t crc, const char* bytes, std::size_t size) {
  constexpr std::size_t step = std::size_t{1} << 30;  // ISA-L counts in int
  // It writes nothing, whatever its declaration says.
  auto* next = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes));
  std::uint32_t state = ~crc;
  while (size > 0) {
    const auto now = std::min(size, step);
    state = crc32_iscsi(next, static_cast<int>(now), state);
    next += now;
    size -= now;
  }
  return ~state;
}

}  // namespace rocksdb::crc32c

namespace atlas::storage {

void use_fast_checksum() {}

}  // namespace atlas::storage
