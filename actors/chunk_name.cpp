#include "actors/chunk_name.hpp"

#include <openssl/sha.h>

#include <cstdint>

#include "core/check.hpp"

// Only the low-level calls can go on from the middle of a message; OpenSSL 3 still has them, and
// advises everybody to use those that can not.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace atlas::actors {
namespace {

constexpr std::size_t words = 8;

/// SHA-256 that has taken everything in front of the place.
SHA256_CTX at_place(const core::chunk_place& place) {
  SHA256_CTX state;
  ATLAS_CHECK(SHA256_Init(&state), "SHA-256 works");
  if (place.before.empty()) return state;
  ATLAS_CHECK(place.before.size() == core::hash_bytes && place.offset % SHA256_CBLOCK == 0,
              "a chunk stands behind whole ones");
  for (std::size_t i = 0; i < words; ++i) {
    std::uint32_t word = 0;
    for (std::size_t b = 0; b < 4; ++b)
      word = word << 8 | static_cast<unsigned char>(place.before[4 * i + b]);
    state.h[i] = word;
  }
  const std::uint64_t bits = place.offset * 8;
  state.Nl = static_cast<std::uint32_t>(bits);
  state.Nh = static_cast<std::uint32_t>(bits >> 32);
  return state;
}

}  // namespace

std::string chunk_name(const core::chunk_place& place, std::string_view bytes) {
  auto state = at_place(place);
  ATLAS_CHECK(SHA256_Update(&state, bytes.data(), bytes.size()), "SHA-256 works");
  std::string name(core::hash_bytes, 0);
  if (place.is_last) {
    ATLAS_CHECK(SHA256_Final(reinterpret_cast<unsigned char*>(name.data()), &state),
                "SHA-256 works");
    return value_hash(name);
  }
  ATLAS_CHECK(state.num == 0, "all chunks but the last are whole blocks");
  for (std::size_t i = 0; i < words; ++i)
    for (std::size_t b = 0; b < 4; ++b)
      name[4 * i + b] = static_cast<char>(state.h[i] >> (24 - 8 * b));
  return name;
}

std::string value_hash(std::string_view last_name) {
  std::string hash(last_name);
  for (auto& c : hash) c = static_cast<char>(~c);
  return hash;
}

}  // namespace atlas::actors
