// That our definition is the right function, and the one that a library asking for the name gets.
#include "storage/fast_checksum.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "core/rng.hpp"
#include "storage/tuning.hpp"

namespace {

/// Bit by bit, with the polynomial of RFC 3720.
std::uint32_t slow(std::string_view bytes) {
  std::uint32_t state = ~0u;
  for (const char c : bytes) {
    state ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ (state & 1 ? 0x82F63B78u : 0u);
  }
  return ~state;
}

std::uint32_t fast(std::string_view bytes, std::uint32_t before = 0) {
  return rocksdb::crc32c::Extend(before, bytes.data(), bytes.size());
}

}  // namespace

TEST_SUITE("storage/fast_checksum") {
  TEST_CASE("the check value of the polynomial's catalogue") {
    CHECK(fast("123456789") == 0xE3069283u);
    CHECK(fast("") == 0);
  }

  TEST_CASE("every length and alignment, in one piece and in two") {
    atlas::core::rng random(7);
    std::string bytes(5000, 0);
    for (auto& c : bytes) c = static_cast<char>(random.next());
    for (int i = 0; i < 2000; ++i) {
      const auto from = random.below(64);
      const auto size = random.below(i % 2 ? 64 : bytes.size() - from + 1);
      const auto part = std::string_view(bytes).substr(from, size);
      const auto cut = random.below(size + 1);
      const auto expected = slow(part);
      CHECK(fast(part) == expected);
      CHECK(fast(part.substr(cut), fast(part.substr(0, cut))) == expected);
    }
  }

  TEST_CASE("the name that RocksDB calls is bound to it") {
    (void)atlas::storage::tuned_options(1);
    void* const bound = dlsym(RTLD_DEFAULT, "_ZN7rocksdb6crc32c6ExtendEjPKcm");
    REQUIRE(bound != nullptr);
    CHECK(bound == reinterpret_cast<void*>(&rocksdb::crc32c::Extend));
    Dl_info where{};
    REQUIRE(dladdr(bound, &where) != 0);
    CHECK(std::string_view(where.dli_fname).find("librocksdb") == std::string_view::npos);
  }
}
