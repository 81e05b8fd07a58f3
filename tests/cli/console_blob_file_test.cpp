// Files on their way in and out, and what is left of them when it goes wrong.
#include "cli/console_blob_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/cli/temp_dir.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::temp_dir;
namespace fs = std::filesystem;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::ptrdiff_t entries(const temp_dir& dir) {
  return std::distance(fs::directory_iterator(dir.path()), {});
}

}  // namespace

TEST_SUITE("cli/console_blob_file") {
  TEST_CASE("a file is read in parts, to its announced end") {
    const temp_dir dir;
    write(dir.file("f"), "hello world");
    auto source = open_blob_source(dir.file("f"));
    REQUIRE(source.ok());
    CHECK(source.value()->size() == 11);
    CHECK(source.value()->read(5).value() == "hello");
    write(dir.file("f"), "hello world and more");
    CHECK(source.value()->read(100).value() == " world");
  }

  TEST_CASE("a file that becomes shorter is told") {
    const temp_dir dir;
    write(dir.file("f"), "hello world");
    auto source = open_blob_source(dir.file("f"));
    REQUIRE(source.ok());
    REQUIRE(::truncate(dir.file("f").c_str(), 3) == 0);
    CHECK(source.value()->read(100).value() == "hel");
    CHECK(source.value()->read(100).error().detail ==
          dir.file("f") + ": became shorter while it was sent");
  }

  TEST_CASE("what has no size is read to its end; what is too large is refused") {
    const temp_dir dir;
    auto none = open_blob_source("/dev/null");
    REQUIRE(none.ok());
    CHECK(none.value()->size() == 0);
    write(dir.file("f"), "");
    fs::resize_file(dir.file("f"), blob_bytes_max + 1);
    CHECK(open_blob_source(dir.file("f")).error().detail ==
          dir.file("f") + ": a blob has at most 134217728 bytes");
    CHECK_FALSE(open_blob_source("/dev/zero").ok());
    CHECK(open_blob_source(dir.path()).error().detail == dir.path() + ": is a directory");
  }

  TEST_CASE("a file appears when it is complete, with the rights of the one it replaces") {
    const temp_dir dir;
    write(dir.file("f"), "old");
    REQUIRE(::chmod(dir.file("f").c_str(), 0640) == 0);
    auto file = blob_file::create(dir.file("f"));
    REQUIRE(file.ok());
    REQUIRE(file.value().write("new ").ok());
    CHECK(content(dir.file("f")) == "old");
    REQUIRE(file.value().write("bytes").ok());
    REQUIRE(file.value().commit().ok());
    CHECK(content(dir.file("f")) == "new bytes");
    CHECK((fs::status(dir.file("f")).permissions() & fs::perms::all) == fs::perms(0640));
    CHECK(entries(dir) == 1);
  }

  TEST_CASE("an unfinished file leaves nothing, not even after a signal") {
    const temp_dir dir;
    write(dir.file("f"), "old");
    {
      auto file = blob_file::create(dir.file("f"));
      REQUIRE(file.ok());
      REQUIRE(file.value().write("part").ok());
      CHECK(entries(dir) == 2);
    }
    CHECK(entries(dir) == 1);
    auto file = blob_file::create(dir.file("f"));
    REQUIRE(file.ok());
    remove_partial_file();
    CHECK(entries(dir) == 1);
    CHECK_FALSE(file.value().commit().ok());
    CHECK(content(dir.file("f")) == "old");
  }

  TEST_CASE("a link stays a link, and what is no file is not replaced") {
    const temp_dir dir;
    write(dir.file("f"), "old");
    fs::create_symlink(dir.file("f"), dir.file("link"));
    auto file = blob_file::create(dir.file("link"));
    REQUIRE(file.ok());
    REQUIRE(file.value().commit().ok());
    CHECK(fs::is_symlink(dir.file("link")));
    CHECK(content(dir.file("f")).empty());
    CHECK(blob_file::create("/dev/null").error().detail ==
          "/dev/null: is not a regular file and can not be replaced");
    CHECK(blob_file::create(dir.path()).error().detail == dir.path() + ": is a directory");
    CHECK(blob_file::create(dir.file("none/f")).error().detail ==
          dir.file("none/f") + ": No such file or directory");
  }
}
