// Running hash of the applied log: replicas that applied the same entries in the same slots hold
// the same number (consensus.md §11, invariant 3). Not cryptographic.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace atlas::core {

inline std::uint64_t hash_step(std::uint64_t h, std::uint64_t word) {
  h ^= word;
  h *= 0x9fb21c651e98df25ull;
  return h ^ (h >> 28);
}

inline std::uint64_t running_hash(std::uint64_t before, std::uint64_t position,
                                  std::string_view bytes) {
  const auto take_word = [&bytes] {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    bytes.remove_prefix(8);
    return word;
  };
  std::uint64_t h = hash_step(hash_step(before, position), bytes.size());
  if (bytes.size() >= 32) {
    // Four lanes beside each other, because a step waits for the one before it.
    std::uint64_t a = h, b = 0, c = 0, d = 0;
    while (bytes.size() >= 32) {
      a = hash_step(a, take_word());
      b = hash_step(b, take_word());
      c = hash_step(c, take_word());
      d = hash_step(d, take_word());
    }
    h = hash_step(hash_step(hash_step(a, b), c), d);
  }
  while (bytes.size() >= 8) h = hash_step(h, take_word());
  std::uint64_t last = 0;
  std::memcpy(&last, bytes.data(), bytes.size());
  return hash_step(h, last);
}

}  // namespace atlas::core
