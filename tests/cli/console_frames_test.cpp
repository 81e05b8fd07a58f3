// Frames out of bytes, for every way the bytes can be split.
#include "cli/console_frames.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/console_render.hpp"

using namespace std::string_literals;

namespace {

using atlas::cli::console_frame;
using atlas::cli::frame_reader;
using atlas::cli::reply_shape;

std::vector<console_frame> read(const std::vector<std::string>& pieces,
                                const reply_shape& shape = {}) {
  frame_reader reader;
  reader.expect(shape);
  std::vector<console_frame> out;
  for (const auto& piece : pieces) {
    reader.feed(piece);
    while (auto frame = reader.next()) out.push_back(std::move(*frame));
  }
  return out;
}

std::string printed_all(const std::vector<console_frame>& frames) {
  std::string out;
  for (const auto& frame : frames) out += printed(frame);
  return out;
}

}  // namespace

TEST_SUITE("cli/console_frames") {
  TEST_CASE("every split of a transcript gives the same frames") {
    const std::string bytes =
        "OK\r\nVALUE:two\nlines\r\nOK\r\nNOT_FOUND\r\nOK\r\nKEYS:2\r\na.b\r\na.c\r\nOK\r\n"
        "KEYS:2\na.b\na.c\r\nOK\r\nKEYS:0\r\nOK\r\nBLOB 9\r\n\0OK\r\nOK\r\nOK\r\n"
        "[ID:7] BLOB 2\r\n\r\n[ID:7] OK\r\nBLOB size=5 sha256=00\r\nBLOB 0\r\nOK\r\n"
        "ERROR WARN no\r\n"
        "\r\nQ1 size=1\nid=1 region=a\r\n[ID:a b]VALUE:\r\nOK\r\n"s;
    const auto whole = read({bytes});
    REQUIRE(whole.size() == 24);
    for (std::size_t at = 0; at <= bytes.size(); ++at)
      CHECK(printed_all(read({bytes.substr(0, at), bytes.substr(at)})) == printed_all(whole));
    std::vector<std::string> single;
    for (const char c : bytes) single.emplace_back(1, c);
    CHECK(printed_all(read(single)) == printed_all(whole));
  }

  TEST_CASE("a blob is its bytes, whatever they look like") {
    const auto frames = read({std::string("BLOB 7\r\n\0OK\r\n\r\nOK\r\n", 19)});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].what == console_frame::shape::blob);
    CHECK(frames[0].payload == std::string("\0OK\r\n\r\n", 7));
    CHECK(frames[1].is_final());
    CHECK(printed(frames[0]) == std::string("BLOB 7\n\0OK\r\n\r\n\n", 15));
  }

  TEST_CASE("a key named OK does not end its listing") {
    const auto frames = read({"KEYS:2\r\nOK\r\nERROR WARN x\r\nOK\r\n"});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].what == console_frame::shape::keys);
    CHECK(frames[0].payload == "OK\nERROR WARN x");
    CHECK_FALSE(frames[0].is_final());
    CHECK(printed(frames[0]) == "KEYS:2\nOK\nERROR WARN x\n");
  }

  TEST_CASE("a value may hold line feeds and may look like an end") {
    const auto frames = read({"VALUE:a\nOK\nb\r\nOK\r\n"});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].text == "VALUE:a\nOK\nb");
    CHECK_FALSE(frames[0].is_final());
  }

  TEST_CASE("tags are taken off and kept, and only real ones") {
    const auto frames = read({"[ID:x y] OK\r\n[ID:] OK\r\n[id:1] OK\r\n[ID:3]OK\r\n"});
    REQUIRE(frames.size() == 4);
    CHECK(frames[0].tagged);
    CHECK(frames[0].tag == "x y");
    CHECK(frames[0].is_final());
    CHECK_FALSE(frames[1].tagged);
    CHECK_FALSE(frames[1].is_final());
    CHECK_FALSE(frames[2].tagged);
    CHECK(frames[3].tag == "3");
    CHECK(printed(frames[0]) == "[ID:x y] OK\n");
  }

  TEST_CASE("errors end a reply, except those that only inform") {
    const auto frames = read({"ERROR INFO a\r\nERROR WARN b\r\nERROR FATAL c\r\n"});
    REQUIRE(frames.size() == 3);
    CHECK_FALSE(frames[0].is_final());
    CHECK(frames[1].is_final());
    CHECK_FALSE(frames[1].is_fatal());
    CHECK(frames[2].is_fatal());
  }

  TEST_CASE("a listing whose end is missing is not a frame yet") {
    frame_reader reader;
    reader.feed("KEYS:3\r\na\r\nb\r\n");
    CHECK_FALSE(reader.next().has_value());
    reader.feed("c");
    CHECK_FALSE(reader.next().has_value());
    reader.feed("\r\n");
    const auto frame = reader.next();
    REQUIRE(frame.has_value());
    CHECK(frame->payload == "a\nb\nc");
    CHECK_FALSE(reader.next().has_value());
  }

  TEST_CASE("a row of a large value is its size, and no bytes are waited for") {
    const reply_shape rows{.rows = true};
    const auto whole = read({"KEYS:2\r\na.k BLOB 5000000\r\na.l 3\r\nxyz\r\nOK\r\n"}, rows);
    REQUIRE(whole.size() == 2);
    REQUIRE(whole[0].rows.size() == 2);
    CHECK(whole[0].rows[0].key == "a.k");
    CHECK(whole[0].rows[0].large == 5'000'000);
    CHECK(whole[0].rows[0].value.empty());
    CHECK(whole[0].rows[1].value == "xyz");
    CHECK_FALSE(whole[0].rows[1].large);
  }

  TEST_CASE("rows and events hold any bytes, for every way to split them") {
    const reply_shape rows{.tagged = true, .tag = "1", .rows = true};
    const std::string bytes =
        "[ID:1] KEYS:3\r\na.b 4\r\n\r\nOK\r\na.c 0\r\n\r\na.d 3\r\nx\ny\r\nMORE a.d\r\n[ID:w] "
        "EVENT 9 PUT "
        "a.b version=3 principal=- length=5\r\n\r\nOK\r\r\n[ID:1] OK\r\n[ID:w] EVENT 10 DEL a.b "
        "version=4 "
        "principal=-\r\n[ID:w] GAP 11 12\r\nKEYS:1\r\na.b 4\r\n"s;
    const auto whole = read({bytes}, rows);
    REQUIRE(whole.size() == 7);
    REQUIRE(whole[0].rows.size() == 3);
    CHECK(whole[0].rows[0].key == "a.b");
    CHECK(whole[0].rows[0].value == "\r\nOK");
    CHECK(whole[0].rows[1].value.empty());
    CHECK(whole[0].rows[2].value == "x\ny");
    CHECK(whole[1].text == "MORE a.d");
    CHECK(whole[2].payload == "\r\nOK\r");
    CHECK(whole[2].is_event());
    CHECK(whole[3].is_final());
    CHECK(whole[4].what == console_frame::shape::line);
    CHECK(whole[5].is_event());
    CHECK(whole[6].payload == "a.b 4");  // of another request, which asked for keys alone
    for (std::size_t at = 0; at <= bytes.size(); ++at)
      CHECK(printed_all(read({bytes.substr(0, at), bytes.substr(at)}, rows)) == printed_all(whole));
    CHECK(printed(whole[0]) == "[ID:1] KEYS:3\na.b 4\n\r\nOK\na.c 0\n\na.d 3\nx\ny\n");
  }

  TEST_CASE("a row without a length does not swallow what follows") {
    const auto frames = read({"KEYS:2\r\na.b\r\na.c x\r\nOK\r\n"}, {.rows = true});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].rows[0].key == "a.b");
    CHECK(frames[0].rows[1].key == "a.c x");
  }

  TEST_CASE("what only looks like an event with a value is a line") {
    const auto frames = read({"EVENT 1 PUT a version=1 principal=length=5\r\nBLOB length=5\r\n"});
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].payload.empty());
  }

  TEST_CASE("help is lines, whatever they look like") {
    const auto frames = read({"KEYS:5\r\nVALUE:x\nBLOB 7\r\nOK\r\n"}, {.text = true});
    REQUIRE(frames.size() == 4);
    CHECK(frames[1].text == "VALUE:x");
    CHECK(frames[3].is_final());
  }

  TEST_CASE("a streamed blob is handed out in parts, for every way to split it") {
    const std::string bytes("OK\r\nBLOB 6\r\nOK\r\n\0xOK\r\n", 22);
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
      frame_reader reader;
      reader.expect({.stream_blobs = true});
      std::string blob;
      std::string seen;
      for (const auto& piece : {bytes.substr(0, at), bytes.substr(at)}) {
        reader.feed(piece);
        for (;;) {
          blob += reader.take_part();
          const auto frame = reader.next();
          if (!frame) break;
          seen += printed(*frame);
          if (frame->what == console_frame::shape::blob_head) CHECK(frame->size == 6);
        }
      }
      CHECK(blob == std::string("OK\r\n\0x", 6));
      CHECK(seen == "OK\nBLOB 6\nOK\n");
      CHECK(reader.missing() == 0);
    }
  }
}
