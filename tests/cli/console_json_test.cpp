// Replies as JSON.
#include "cli/console_json.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::string_literals;

namespace {

using namespace atlas::cli;

// The JSON of `line`, answered by `bytes`.
std::string json(const std::string& line, const std::string& bytes) {
  const auto request = make_request(line);
  REQUIRE(request.ok());
  frame_reader reader;
  reader.expect(request.value().shape);
  reader.feed(bytes);
  json_command done{.command = line, .request = &request.value(), .milliseconds = 1.5};
  while (auto frame = reader.next()) done.frames.push_back(std::move(*frame));
  return json_line(done);
}

}  // namespace

TEST_SUITE("cli/console_json") {
  TEST_CASE("a value is a string, an absent one null") {
    CHECK(json("KEY GET a", "VALUE:h\"i\nyou\r\nOK\r\n") ==
          R"({"command":"KEY GET a","ok":true,"value":"h\"i\nyou","ms":1.5})");
    CHECK(json("KEY GET a", "NOT_FOUND\r\nOK\r\n") ==
          R"({"command":"KEY GET a","ok":true,"value":null,"ms":1.5})");
    CHECK(json("KEY GET a STALE", "AGE:20\r\nVALUE:x\r\nOK\r\n") ==
          R"({"command":"KEY GET a STALE","ok":true,"age_ms":20,"value":"x","ms":1.5})");
    CHECK(json("KEY BLOB GET a", "BLOB 0\r\nOK\r\n") ==
          R"({"command":"KEY BLOB GET a","ok":true,"value":"","ms":1.5})");
    CHECK(json("KEY PUT a b", "OK\r\n") == R"({"command":"KEY PUT a b","ok":true,"ms":1.5})");
  }

  TEST_CASE("what is not text is base64, and says so") {
    CHECK(json("KEY BLOB GET a", "BLOB 3\r\n\xff\x00\x01OK\r\n"s) ==
          R"({"command":"KEY BLOB GET a","ok":true,"value":{"base64":"/wAB"},"ms":1.5})");
    CHECK(json("KEY GET \xff", "NOT_FOUND\r\nOK\r\n") ==
          R"({"command":{"base64":"S0VZIEdFVCD/"},"ok":true,"value":null,"ms":1.5})");
  }

  TEST_CASE("listings, rows and what is left behind them") {
    CHECK(json("SCAN a LIMIT 2", "KEYS:2\r\na.b\r\na.c\r\nMORE a.c\r\nOK\r\n") ==
          R"({"command":"SCAN a LIMIT 2","ok":true,"keys":["a.b","a.c"],"more":"a.c","ms":1.5})");
    CHECK(json("SCAN a", "KEYS:0\r\nOK\r\n") ==
          R"({"command":"SCAN a","ok":true,"keys":[],"ms":1.5})");
    CHECK(
        json("SCAN a VALUES", "KEYS:1\r\na.b 2\r\n\r\n\r\nOK\r\n") ==
        R"({"command":"SCAN a VALUES","ok":true,"rows":[{"key":"a.b","value":"\r\n"}],"ms":1.5})");
  }

  TEST_CASE("several values stay several") {
    CHECK(json("KEY MGET a b", "VALUE:x\r\nNOT_FOUND\r\nOK\r\n") ==
          R"({"command":"KEY MGET a b","ok":true,"values":["x",null],"ms":1.5})");
    CHECK(json("KEY MGET a", "VALUE:x\r\nOK\r\n") ==
          R"({"command":"KEY MGET a","ok":true,"values":["x"],"ms":1.5})");
    CHECK(
        json("TXN COMMIT", "COMMITTED SLOT:9\r\nVALUE:4\r\nOK\r\n") ==
        R"({"command":"TXN COMMIT","ok":true,"values":["4"],"lines":["COMMITTED SLOT:9"],"ms":1.5})");
  }

  TEST_CASE("errors of the server and of the console") {
    CHECK(
        json("[ID:3] NOPE", "[ID:3] ERROR WARN command expected\r\n") ==
        R"({"command":"[ID:3] NOPE","id":"3","ok":false,"error":"WARN command expected","ms":1.5})");
    CHECK(json_line({.command = "x", .error = "f: is a directory"}) ==
          R"({"command":"x","ok":false,"error":"f: is a directory","ms":0.0})");
  }

  TEST_CASE("help is lines; a saved blob is a file") {
    CHECK(json("HELP", "VALUE:what a GET says\r\nOK\r\n") ==
          R"({"command":"HELP","ok":true,"lines":["VALUE:what a GET says"],"ms":1.5})");
    const auto request = make_request("KEY BLOB GET a > f");
    CHECK(json_line({.command = "g",
                     .request = &request.value(),
                     .frames = {{.what = console_frame::shape::blob_head, .text = "BLOB 5"},
                                {.text = "OK"}},
                     .file = "f",
                     .file_bytes = 5}) ==
          R"({"command":"g","ok":true,"file":"f","bytes":5,"ms":0.0})");
  }

  TEST_CASE("events stand alone") {
    const console_frame event{.what = console_frame::shape::event,
                              .tagged = true,
                              .tag = "w",
                              .text = "EVENT 8 PUT a version=1 principal=- length=1",
                              .payload = "x"};
    CHECK(json_event(event) ==
          R"({"watch":"w","event":"EVENT 8 PUT a version=1 principal=- length=1","value":"x"})");
    CHECK(json_event({.text = "GAP 1 2"}) == R"({"event":"GAP 1 2"})");
  }
}
