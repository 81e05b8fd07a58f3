// RocksDB guards every record with CRC-32C, and Debian builds it without the processor's
// instruction for that (facebook/rocksdb issue 11311): 1.5 GB/s, a seventh of the work of a large
// write. The program that defines `rocksdb::crc32c::Extend` itself is what the dynamic linker binds
// RocksDB's own calls to, so it is defined here, on Intel's ISA-L. Should a later RocksDB not ask
// for it by this name, it goes on as it came.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rocksdb::crc32c {

/// The CRC-32C (RFC 3720, section 12.1) of what gave `crc` with `size` bytes behind it; 0 to begin.
[[gnu::visibility("default")]] std::uint32_t Extend(std::uint32_t crc, const char* bytes,
                                                    std::size_t size);

}  // namespace rocksdb::crc32c

namespace atlas::storage {

/// Makes the linker take this file: nothing of Atlas calls what is in it.
void use_fast_checksum();

}  // namespace atlas::storage
