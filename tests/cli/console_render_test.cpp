// What a terminal and a script get to see.
#include "cli/console_render.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "cli/console_progress.hpp"
#include "cli/console_utf8.hpp"

using namespace std::string_literals;

namespace {

using namespace atlas::cli;
using std::chrono::milliseconds;

std::string shown(const console_frame& frame, const render_style& style) {
  std::ostringstream out;
  print(out, frame, style);
  return out.str();
}

}  // namespace

TEST_SUITE("cli/console_render") {
  TEST_CASE("what is not printable is escaped, and can be told from what looks like it") {
    CHECK(escaped("a b~", true) == "a b~");
    CHECK(escaped("\0\x1b[31m\x7f\n\t"s, true) == "\\x00\\x1b[31m\\x7f\\x0a\\x09");
    CHECK(escaped("C:\\new \\x41 \\", true) == "C:\\new \\x5cx41 \\");
    CHECK(escaped("a\n\tb\r", true, true) == "a\n\tb\\x0d");
  }

  TEST_CASE("letters of UTF-8 are shown where the terminal knows them") {
    CHECK(escaped("gr\xc3\xbc\xc3\x9f", true) == "gr\xc3\xbc\xc3\x9f");
    CHECK(escaped("gr\xc3\xbc", false) == "gr\\xc3\\xbc");
    CHECK(escaped("\xff\xc3", true) == "\\xff\\xc3");
    CHECK(escaped("\xc2\x9b", true) == "\\xc2\\x9b");           // a control
    CHECK(escaped("\xe2\x80\xae", true) == "\\xe2\\x80\\xae");  // turns the text around
    CHECK(escaped("\xf0\x9f\x98\x80", true) == "\xf0\x9f\x98\x80");
  }

  TEST_CASE("UTF-8 is taken strictly") {
    CHECK(is_utf8(""));
    CHECK(is_utf8("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const auto* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"})
      CHECK_FALSE(is_utf8(bad));
  }

  TEST_CASE("scripts get the bytes, terminals the escapes") {
    const console_frame value{.text = "VALUE:a\nOK\x01"};
    CHECK(shown(value, {}) == "VALUE:a\nOK\x01\n");
    CHECK(shown(value, {.escape = true}) == "VALUE:a\\x0aOK\\x01\n");
    const console_frame blob{
        .what = console_frame::shape::blob, .text = "BLOB 4", .payload = "a\n\0b"s};
    CHECK(shown(blob, {}) == "BLOB 4\na\n\0b\n"s);
    CHECK(shown(blob, {.escape = true}) == "BLOB 4\na\n\\x00b\n");
    const console_frame rows{
        .what = console_frame::shape::rows, .text = "KEYS:1", .rows = {{"a.b", "x\ny"}}};
    CHECK(shown(rows, {}) == "KEYS:1\na.b 3\nx\ny\n");
    CHECK(shown(rows, {.escape = true}) == "KEYS:1\na.b 3\nx\\x0ay\n");
  }

  TEST_CASE("colours wrap the line only") {
    const render_style style{.escape = true, .colour = true};
    CHECK(shown({.text = "OK"}, style) == "\x1b[32mOK\x1b[0m\n");
    CHECK(shown({.tagged = true, .tag = "7", .text = "ERROR WARN x\x1b"}, style) ==
          "[ID:7] \x1b[31mERROR WARN x\\x1b\x1b[0m\n");
    CHECK(shown({.text = "VALUE:OK"}, style) == "VALUE:OK\n");
  }

  TEST_CASE("NO_COLOR and dumb terminals are honoured") {
    CHECK(wants_colour(nullptr, "xterm"));
    CHECK(wants_colour("", "xterm"));
    CHECK_FALSE(wants_colour("1", "xterm"));
    CHECK_FALSE(wants_colour(nullptr, "dumb"));
    CHECK_FALSE(wants_colour(nullptr, nullptr));
  }

  TEST_CASE("a progress line tells part, size and speed and fits") {
    CHECK(progress_line("users.photo", 3 << 19, 3 << 20, milliseconds{500}, 79) ==
          "users.photo  [############............]  50%  1.5 of 3.0 MiB  3.0 MiB/s");
    CHECK(progress_line("e", 0, 0, milliseconds{0}, 79) ==
          "e  [########################] 100%  0.0 of 0.0 MiB");
    CHECK(progress_line(std::string(500, 'n'), 1, 2, milliseconds{1}, 40).size() == 40);
  }

  TEST_CASE("a bar draws only where there is a terminal, and cleans up") {
    {
      progress_bar none(nullptr, "x", 5);
      none.show(5);
    }
    std::ostringstream out;
    { progress_bar never(&out, "x", 5); }
    CHECK(out.str().empty());
    {
      progress_bar bar(&out, "x", 5);
      bar.show(1);
    }
    CHECK(out.str().starts_with("\rx  ["));
    CHECK(out.str().ends_with("\r\x1b[K"));
  }
}
