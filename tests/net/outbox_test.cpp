#include "net/outbox.hpp"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>

#include "net/frames.hpp"

namespace {

using atlas::net::outbox;

/// Takes up to `bytes_max` bytes out, as a socket would.
std::string take(outbox& box, std::size_t bytes_max) {
  std::array<iovec, 3> pieces;
  const auto n = box.gather(pieces);
  std::string out;
  for (std::size_t i = 0; i < n; ++i)
    out.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  out.resize(std::min(out.size(), bytes_max));
  box.consume(out.size());
  return out;
}

}  // namespace

TEST_SUITE("net/outbox") {
  TEST_CASE("bytes leave in the order they came, however they are cut") {
    std::mt19937 random(7);
    outbox box;
    std::string in;
    std::string out;
    for (int i = 0; i < 3000; ++i) {
      std::string piece(random() % 10 == 0 ? random() % 100'000 : random() % 60,
                        static_cast<char>('a' + i % 26));
      in += piece;
      if (random() % 2 == 0)
        box.append(std::string_view(piece));
      else
        box.append(std::move(piece));
      while (random() % 3 == 0) out += take(box, random() % 200'000);
      REQUIRE(box.size() == in.size() - out.size());
    }
    while (!box.empty()) out += take(box, 1u << 20);
    CHECK(out == in);
  }

  TEST_CASE("small pieces leave together, a big one is not copied") {
    outbox box;
    for (int i = 0; i < 100; ++i) box.append(std::string_view("OK\r\n"));
    std::array<iovec, 8> pieces;
    CHECK(box.gather(pieces) == 1);
    std::string big(1u << 20, 'v');
    const auto* place = big.data();
    box.append(std::move(big));
    REQUIRE(box.gather(pieces) == 2);
    CHECK(pieces[1].iov_base == place);
    box.clear();
    CHECK(box.empty());
    CHECK(box.gather(pieces) == 0);
  }

  TEST_CASE("an error text cannot look like a frame of its own") {
    CHECK(atlas::net::framed_text("a\r\nOK\r\n") == "a  OK");
    CHECK(atlas::net::framed_text("\x01 x\x7F\xC2\x85y\xE2\x80\xA8z\xE2\x80\xA9 \n") == "x  y z");
    CHECK(atlas::net::framed_text("caf\xC3\xA9 \xE2\x82\xAC") == "caf\xC3\xA9 \xE2\x82\xAC");
    CHECK(atlas::net::framed_text(" \r\n ") == "");
    CHECK(atlas::net::framed_text("") == "");
  }
}
