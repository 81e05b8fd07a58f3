#include "net/line_framer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using atlas::net::frame_kind;
using atlas::net::line_framer;

/// Everything that comes out, one entry per frame; a line `BLOB n` announces n bytes, `SKIP n` too.
std::vector<std::string> frames(line_framer& framer) {
  std::vector<std::string> out;
  for (;;) {
    const auto next = framer.next();
    switch (next.what) {
      case frame_kind::none:
        return out;
      case frame_kind::line: {
        const std::string line(next.bytes);
        out.push_back("line " + line);
        if (line.rfind("BLOB ", 0) == 0) framer.expect_blob(std::stoul(line.substr(5)));
        if (line.rfind("SKIP ", 0) == 0) framer.expect_skip(std::stoul(line.substr(5)));
        break;
      }
      case frame_kind::blob:
        out.push_back("blob " + framer.take_blob());
        break;
      case frame_kind::skipped:
        out.push_back("skipped");
        break;
      case frame_kind::too_long:
        out.push_back("too long");
        return out;
      case frame_kind::truncated:
        out.push_back("truncated");
        return out;
      case frame_kind::end:
        out.push_back("end");
        return out;
    }
  }
}

std::vector<std::string> frames_of(const std::vector<std::string_view>& pieces,
                                   std::size_t line_bytes_max = 1000, bool end = true) {
  line_framer framer(line_bytes_max);
  std::vector<std::string> out;
  const auto collect = [&] {
    for (auto& f : frames(framer)) out.push_back(std::move(f));
    framer.settle();
  };
  for (const auto piece : pieces) {
    const std::string copy(piece);  // dies behind settle: nothing may point into it
    framer.feed(copy);
    collect();
  }
  if (end) {
    framer.end();
    collect();
  }
  return out;
}

using strings = std::vector<std::string>;

}  // namespace

TEST_SUITE("net/line_framer") {
  TEST_CASE("a line ends at LF and loses one CR before it, a bare CR stays") {
    CHECK(frames_of({"a\r\nb\nc\r\r\nd\re\n\r\n\n"}) ==
          strings{"line a", "line b", "line c\r", "line d\re", "line ", "line ", "end"});
  }

  TEST_CASE("a last line without terminator is handed out at the end of the input") {
    CHECK(frames_of({"a\nb"}) == strings{"line a", "line b", "end"});
    CHECK(frames_of({"a\nb"}, 1000, false) == strings{"line a"});
  }

  TEST_CASE("a stream gives the same frames wherever it is cut, once or into single bytes") {
    const std::string stream =
        "one\r\nBLOB 5\r\nh\nllo\r\ntwo\nBLOB 0\nSKIP 4\r\nx\r\nyBLOB 3\n\n\n\nlast";
    const auto whole = frames_of({stream});
    REQUIRE(whole.size() == 13);
    for (std::size_t first = 0; first <= stream.size(); ++first)
      for (std::size_t second = first; second <= stream.size(); ++second) {
        const std::string_view s = stream;
        CHECK(frames_of({s.substr(0, first), s.substr(first, second - first), s.substr(second)}) ==
              whole);
      }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < stream.size(); ++i)
      bytes.push_back(std::string_view(stream).substr(i, 1));
    CHECK(frames_of(bytes) == whole);
  }

  TEST_CASE("a line of the limit passes with either terminator, one byte more does not") {
    const std::string full(10, 'x');
    CHECK(frames_of({full + "\r\n"}, 10) == strings{"line " + full, "end"});
    CHECK(frames_of({full + "\n"}, 10) == strings{"line " + full, "end"});
    CHECK(frames_of({full, "\r", "\n"}, 10) == strings{"line " + full, "end"});
    CHECK(frames_of({full}, 10) == strings{"line " + full, "end"});
    CHECK(frames_of({full + "x\n"}, 10, false) == strings{"too long"});
    CHECK(frames_of({full, "x"}, 10, false) == strings{"too long"});
    CHECK(frames_of({full, "\r", "x"}, 10, false) == strings{"too long"});
  }

  TEST_CASE("input that ends inside a blob is truncated") {
    CHECK(frames_of({"BLOB 4\nabc"}) == strings{"line BLOB 4", "truncated"});
    CHECK(frames_of({"SKIP 4\nabc"}) == strings{"line SKIP 4", "truncated"});
  }

  TEST_CASE("bytes left over when reading stops are handed out later") {
    line_framer framer(1000);
    std::string buffer = "a\nb\nc";
    framer.feed(buffer);
    CHECK(framer.next().bytes == "a");
    framer.settle();
    buffer.assign(buffer.size(), '?');
    CHECK(framer.next().bytes == "b");
    CHECK(framer.next().what == frame_kind::none);
    framer.feed("d\n");
    CHECK(framer.next().bytes == "cd");
  }

  TEST_CASE(
      "an announced blob costs no memory before its bytes come, and a finished one none after") {
    line_framer framer(1000);
    framer.feed("BLOB 100000000\n");
    frames(framer);
    framer.settle();
    CHECK(framer.held_bytes() < 100);
    framer.clear();
    CHECK(framer.held_bytes() == 0);

    line_framer other(1u << 20);
    other.feed(std::string_view());
    const std::string big(100'000, 'v');
    other.feed(big);
    CHECK(other.next().what == frame_kind::none);
    CHECK(other.held_bytes() >= big.size());
    other.feed("\n");
    CHECK(other.next().bytes.size() == big.size());
    CHECK(other.next().what == frame_kind::none);
    CHECK(other.held_bytes() == 0);
  }
}
