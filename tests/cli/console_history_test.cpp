// Where the history is, who may read it, and what it keeps.
#include "cli/console_history.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/cli/temp_dir.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::temp_dir;

unsigned mode(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 0777;
}

}  // namespace

TEST_SUITE("cli/console_history") {
  TEST_CASE("the place follows the XDG rules") {
    CHECK(history_path("/s", "/h") == "/s/atlas/history");
    CHECK(history_path(nullptr, "/h") == "/h/.local/state/atlas/history");
    CHECK(history_path("", "/h") == "/h/.local/state/atlas/history");
    CHECK(history_path("relative", "/h") == "/h/.local/state/atlas/history");
    CHECK(history_path(nullptr, nullptr).empty());
    CHECK(history_path(nullptr, "").empty());
  }

  TEST_CASE("file and directories are made for their user alone") {
    const temp_dir dir;
    const auto path = history_path(nullptr, dir.path().c_str());
    CHECK(prepare_history(path));
    CHECK(mode(path) == 0600);
    CHECK(mode(dir.file(".local/state/atlas")) == 0700);
  }

  TEST_CASE("a file that others could read is closed to them and keeps its lines") {
    const temp_dir dir;
    const auto path = dir.file("history");
    std::ofstream(path) << "KEY PUT a secret\n";
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    CHECK(prepare_history(path));
    CHECK(mode(path) == 0600);
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    CHECK(line == "KEY PUT a secret");
  }

  TEST_CASE("what can not be a history is refused") {
    const temp_dir dir;
    std::ofstream(dir.file("f")) << "x";
    CHECK_FALSE(prepare_history(""));
    CHECK_FALSE(prepare_history(dir.file("f/atlas/history")));
    CHECK_FALSE(prepare_history(dir.path()));
  }

  TEST_CASE("blank, hidden, repeated and endless lines are not kept") {
    CHECK(is_remembered("KEY GET a", ""));
    CHECK_FALSE(is_remembered("", ""));
    CHECK_FALSE(is_remembered(" KEY PUT a secret", ""));
    CHECK_FALSE(is_remembered("KEY GET a", "KEY GET a"));
    CHECK_FALSE(is_remembered(std::string(10'000, 'x'), ""));
  }
}
