// What a disk may do to a file, for the tests of what the store makes of it.
#pragma once

#include <algorithm>
#include <fstream>

#include "tests/storage/store_fixture.hpp"

namespace atlas::storage::tests {

/// Newest file of a kind, by RocksDB's rising numbers.
inline fs::path newest_in(const fs::path& rocksdb, const std::string& extension) {
  std::vector<fs::path> found;
  for (const auto& f : fs::directory_iterator(rocksdb)) {
    if (f.path().extension() == extension && fs::file_size(f) > 0) found.push_back(f.path());
  }
  REQUIRE_FALSE(found.empty());
  return *std::max_element(found.begin(), found.end());
}

inline void flip(const fs::path& file, std::uint64_t offset) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekg(static_cast<std::streamoff>(offset));
  const char old = static_cast<char>(f.get());
  f.seekp(static_cast<std::streamoff>(offset));
  f.put(static_cast<char>(old ^ 0x55));
  REQUIRE(f.good());
}

}  // namespace atlas::storage::tests
