// Names of chunks: from each place the same name, from the last the hash of the whole, and no two
// chunks with one name.
#include "actors/chunk_name.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <vector>

namespace atlas::actors {
namespace {

std::string sha256(const std::string& bytes) {
  std::string out(core::hash_bytes, 0);
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
             EVP_sha256(), nullptr);
  return out;
}

std::string some_bytes(std::size_t size) {
  std::string out(size, 0);
  std::uint32_t x = 1;
  for (auto& c : out) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return out;
}

/// The names of a value's chunks, made one behind the other as in an upload.
core::blob_manifest named(const std::string& value) {
  core::blob_manifest m;
  m.size = value.size();
  core::chunk_place next;
  for (std::size_t from = 0; from < value.size(); from += core::chunk_bytes) {
    const auto chunk = value.substr(from, core::chunk_bytes);
    next.is_last = from + chunk.size() == value.size();
    m.chunks.push_back(chunk_name(next, chunk));
    next = {m.chunks.back(), from + chunk.size(), false};
  }
  m.hash = value_hash(m.chunks.back());
  return m;
}

}  // namespace

TEST_SUITE("actors/chunk_name") {
  TEST_CASE("the last name tells the value's SHA-256, every other one belongs to its place") {
    constexpr auto chunk = core::chunk_bytes;
    for (const std::size_t size : {std::size_t{1}, chunk - 1, chunk, chunk + 1, 2 * chunk,
                                   5 * chunk + 77, std::size_t{0x2000'0000} / 8 + 3}) {
      CAPTURE(size);
      const auto value = some_bytes(size);
      const auto m = named(value);
      CHECK(m.hash == sha256(value));
      REQUIRE(m.chunks.size() == (size - 1) / chunk + 1);
      for (std::size_t i = 0; i < m.chunks.size(); ++i) {
        const auto place = core::decode_place(core::encode(core::place_in(m, i)));
        auto bytes = value.substr(i * chunk, chunk);
        CHECK(chunk_name(place, bytes) == m.chunks[i]);
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        CHECK(chunk_name(place, bytes) != m.chunks[i]);
      }
    }
  }

  TEST_CASE("equal beginnings have equal names, equal parts elsewhere do not") {
    const auto value = some_bytes(4 * core::chunk_bytes);
    auto other = value;
    other[2 * core::chunk_bytes + 5] ^= 1;
    const auto one = named(value).chunks;
    const auto two = named(other).chunks;
    CHECK(one[0] == two[0]);
    CHECK(one[1] == two[1]);
    CHECK(one[2] != two[2]);
    CHECK(one[3] != two[3]);
    const std::string same(3 * core::chunk_bytes, 'x');
    const auto three = named(same).chunks;
    CHECK(three[0] != three[1]);
  }

  TEST_CASE("a value that goes on with SHA-256's padding does not get the shorter one's name") {
    const auto value = some_bytes(core::chunk_bytes - 9);
    auto longer = value + '\x80';
    const std::uint64_t bits = value.size() * 8;
    for (int shift = 56; shift >= 0; shift -= 8) longer += static_cast<char>(bits >> shift);
    REQUIRE(longer.size() == core::chunk_bytes);
    const auto inner = chunk_name({}, longer);
    CHECK(inner == sha256(value));  // this is what it would be
    CHECK(inner != named(value).chunks[0]);
  }
}

}  // namespace atlas::actors
