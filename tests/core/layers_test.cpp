// The house's rules about its own source: which folder may include what, and how long files, lines
// and functions may be (architecture: dependencies point one way, a function fits a screen).
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/source_text.hpp"

using namespace atlas::tests;
namespace fs = std::filesystem;

namespace {

constexpr std::array folders{"core", "storage", "net", "actors", "cli"};

struct source {
  std::string folder;
  std::string name;  ///< without the folder
  std::string text;
  [[nodiscard]] std::string path() const { return folder + "/" + name; }
};

const std::vector<source>& sources() {
  static const auto all = [] {
    std::vector<source> out;
    for (const std::string folder : folders) {
      const fs::path root = fs::path(ATLAS_SOURCE_DIR) / folder;
      for (const auto& file : fs::recursive_directory_iterator(root)) {
        const auto extension = file.path().extension();
        if (extension != ".hpp" && extension != ".cpp") continue;
        std::ifstream in(file.path(), std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        out.push_back({folder, fs::relative(file.path(), root).string(), text.str()});
      }
    }
    std::sort(out.begin(), out.end(),
              [](const source& a, const source& b) { return a.path() < b.path(); });
    return out;
  }();
  return all;
}

/// Which folders' headers a folder may name.
const std::map<std::string, std::set<std::string>> may_include{
    {"core", {"core"}},
    {"storage", {"core", "storage"}},
    {"net", {"core", "net"}},
    {"actors", {"core", "net", "actors"}},
    {"cli", {"core", "storage", "net", "actors", "cli"}}};

/// Standard headers that would let time, chance, threads or the outside world into core/.
const std::set<std::string> kept_out_of_core{
    "atomic",     "barrier",      "chrono",    "condition_variable", "coroutine",  "ctime",
    "filesystem", "fstream",      "future",    "iostream",           "latch",      "mutex",
    "random",     "shared_mutex", "semaphore", "stop_token",         "syncstream", "thread"};

/// Why `include` (as from `includes_of`) is forbidden in that file; empty if it is allowed.
std::string objection(const std::string& folder, const std::string& name,
                      const std::string& include) {
  const auto what = include.substr(1);
  const auto first = what.substr(0, what.find('/'));
  if (include.front() == '"') {
    if (!may_include.at(folder).contains(first)) return folder + "/ may not include " + what;
    return {};
  }
  const bool is_broker = folder == "net" && name.find("_broker.") != std::string::npos;
  const bool is_root =
      folder == "cli" && (name.starts_with("node.") || name.starts_with("membership."));
  if (first == "caf" && what != first && folder != "actors" && !is_broker && !is_root)
    return "CAF stays in actors/, net/*_broker.* and the composition root";
  if (first == "rocksdb" && folder != "storage") return "RocksDB stays in storage/";
  if (may_include.contains(first) && what != first) return "the house's own headers take quotes";
  if (folder != "core") return {};
  if (what.find_first_of("/.") != std::string::npos) return "core/ includes the standard alone";
  if (kept_out_of_core.contains(what)) return "core/ gets time, chance and I/O passed in";
  return {};
}

/// Columns of a line of UTF-8.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::vector<std::size_t> function_lengths(std::string_view text) {
  std::vector<std::size_t> out;
  for (const auto& f : function_finder::in(text)) out.push_back(f.lines);
  return out;
}

}  // namespace

TEST_SUITE("core/layers") {
  TEST_CASE("no file includes what its folder may not know") {
    std::size_t seen = 0;
    for (const auto& file : sources())
      for (const auto& include : includes_of(file.text)) {
        ++seen;
        const auto why = objection(file.folder, file.name, include);
        if (!why.empty())
          FAIL_CHECK(file.path() << " includes " << include.substr(1) << ": " << why);
      }
    CHECK(seen > 100);
  }

  TEST_CASE("no file is longer than 400 lines, no line longer than 100 columns") {
    for (const auto& file : sources()) {
      const auto lines = lines_of(file.text);
      if (lines.size() > 400) FAIL_CHECK(file.path() << " has " << lines.size() << " lines");
      for (std::size_t i = 0; i < lines.size(); ++i)
        if (const auto wide = columns(lines[i]); wide > 100)
          FAIL_CHECK(file.path() << ":" << i + 1 << " has " << wide << " columns");
    }
    CHECK(sources().size() > 50);
  }

  TEST_CASE("no function is longer than 70 lines") {
    std::size_t seen = 0;
    for (const auto& file : sources())
      for (const auto& f : function_finder::in(file.text)) {
        ++seen;
        if (f.lines > 70)
          FAIL_CHECK(file.path() << ":" << f.line << " has a function of " << f.lines << " lines");
      }
    CHECK(seen > 200);
  }
}

TEST_SUITE("core/layers_checker") {
  TEST_CASE("forbidden includes are seen, allowed ones are not objected to") {
    CHECK(objection("core", "a.hpp", "<string").empty());
    CHECK(objection("core", "a.hpp", "\"core/ids.hpp").empty());
    for (const auto* bad :
         {"<thread", "<mutex", "<chrono", "<random", "<fstream", "<iostream", "<unistd.h",
          "<sys/socket.h", "<caf/all.hpp", "<rocksdb/db.h", "<spdlog/spdlog.h",
          "\"storage/store.hpp", "\"ids.hpp", "<core/ids.hpp"})
      CHECK_FALSE(objection("core", "a.hpp", bad).empty());
    CHECK(objection("storage", "a.hpp", "<rocksdb/db.h").empty());
    CHECK(objection("storage", "a.hpp", "<thread").empty());
    for (const auto* bad :
         {"\"net/tcp.hpp", "\"actors/store.hpp", "\"cli/config.hpp", "<caf/all.hpp"})
      CHECK_FALSE(objection("storage", "a.hpp", bad).empty());
    CHECK(objection("net", "secure_middleman_broker.cpp", "<caf/io/all.hpp").empty());
    CHECK_FALSE(objection("net", "tcp.cpp", "<caf/io/all.hpp").empty());
    CHECK_FALSE(objection("net", "tcp.cpp", "\"storage/store.hpp").empty());
    CHECK(objection("actors", "peer.cpp", "\"net/tcp.hpp").empty());
    CHECK_FALSE(objection("actors", "peer.cpp", "\"storage/store.hpp").empty());
    CHECK_FALSE(objection("actors", "peer.cpp", "<rocksdb/db.h").empty());
    CHECK(objection("cli", "main.cpp", "\"storage/store.hpp").empty());
    CHECK_FALSE(objection("cli", "main.cpp", "<rocksdb/db.h").empty());
    CHECK_FALSE(objection("cli", "main.cpp", "<caf/all.hpp").empty());
  }

  TEST_CASE("includes are found however they are spaced") {
    CHECK(includes_of("#include <a>\n  # include \"b/c.hpp\"  // why\nint include;\n") ==
          std::vector<std::string>{"<a", "\"b/c.hpp"});
  }

  TEST_CASE("what is no code is blanked, line by line") {
    CHECK(code_only::of("a // {\nb /* {\n} */ c") == "a     \nb     \n     c");
    CHECK(code_only::of("x = \"{\\\"{\"; y = '{'; n = 1'000;") ==
          "x =       ; y =    ; n = 1'000;");
    CHECK(code_only::of("R\"x({ )\" {)x\" z") == std::string(14, ' ') + "z");
    CHECK(code_only::of("#define A { \\\n  {\nint i;") == std::string(13, ' ') + "\n   \nint i;");
  }

  TEST_CASE("functions are measured with their heads, whatever they hold") {
    using lengths = std::vector<std::size_t>;
    CHECK(function_lengths("namespace a {\nstruct b {\n  int c() {\n    return 1;\n  }\n};\n}\n") ==
          lengths{3});
    CHECK(function_lengths("void f(\n  int a) {\n  if (a) {\n    g([] {\n    });\n  }\n}\n") ==
          lengths{7});
    CHECK(function_lengths(
              "a::a(int x)\n  : b_{x},\n    c_(x) {\n  d();\n}\nint e() { return 1; }\n") ==
          lengths{5, 1});
    CHECK(function_lengths("class a {\n public:\n  class b {\n    void f() {\n    }\n  };\n};\n") ==
          lengths{2});
    CHECK(function_lengths("constexpr int t[] = {\n 1,\n 2};\nint f();\nenum class e {\n x };\n")
              .empty());
    CHECK(function_lengths("template <class T>\nstruct s {\n  void f() {}\n};\n") == lengths{1});
    CHECK(function_lengths("void f(a x = {}) {\n}\nvoid g() {}") == lengths{2, 1});
    std::string giant = "void f() {\n";
    for (int i = 0; i < 80; ++i) giant += "  g();  // }\n";
    CHECK(function_lengths(giant + "}\nint x;\n") == lengths{82});
  }

  TEST_CASE("columns are characters, not bytes") {
    CHECK(columns("abc") == 3);
    CHECK(columns("\xc3\xa4\xe2\x82\xac") == 2);
  }
}
