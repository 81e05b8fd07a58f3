// The examples of docs/commands.md, played against a real node: what a reader sees there is what a
// client gets. In an expected line `<...>` stands for anything.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

struct exchange {
  std::string sent;
  std::vector<std::string> expected;
  std::size_t line = 0;
};
struct example {
  std::vector<exchange> steps;
};

/// Blocks fenced as `atlas`: lines behind `> ` are sent, the others are what comes back.
std::vector<example> examples_of(const std::string& path) {
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  std::vector<example> all;
  std::string text;
  bool inside = false;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    if (text == "```atlas") {
      inside = true;
      all.emplace_back();
    } else if (text == "```") {
      inside = false;
    } else if (inside && text.rfind("> ", 0) == 0) {
      all.back().steps.push_back({text.substr(2), {}, number});
    } else if (inside && !all.back().steps.empty()) {
      all.back().steps.back().expected.push_back(text);
    }
  }
  return all;
}

bool matches(const std::string& got, const std::string& expected) {
  static const std::regex special(R"([.^$|()\[\]{}*+?\\])");
  static const std::regex anything("<[^>]*>");
  const auto quoted = std::regex_replace(expected, special, R"(\$&)");
  return std::regex_match(got, std::regex(std::regex_replace(quoted, anything, ".+")));
}

/// Plays one block on a connection of its own, with each request tagged if `tag` says so.
void play(cluster& c, const example& e, bool tagged) {
  auto connection = client::connect(c.socket(1));
  REQUIRE(connection.has_value());
  for (const auto& step : e.steps) {
    INFO("docs/commands.md:" << step.line << ": " << step.sent);
    const std::string tag = tagged ? "[ID:t" + std::to_string(step.line) + "] " : "";
    REQUIRE(connection->send(tag + step.sent + "\r\n"));
    bool inner = false;
    for (const auto& expected : step.expected) {
      const auto got = connection->next_line();
      REQUIRE(got.has_value());
      // Lines inside one payload carry no tag.
      if (expected == "OK") inner = false;
      const bool has_tag = tagged && !inner;
      CHECK_MESSAGE(matches(*got, (has_tag ? tag : "") + expected), *got);
      const bool opens = expected.rfind("KEYS:", 0) == 0 || step.sent.rfind("KEY MGET", 0) == 0;
      inner = opens || inner;
    }
  }
}

TEST_SUITE_BEGIN("system/commands");

TEST_CASE("every example of the command reference is what a node answers") {
  cluster c({"eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  const auto all = examples_of(ATLAS_SOURCE_DIR "/docs/commands.md");
  REQUIRE(all.size() >= 5);
  for (const auto& e : all) play(c, e, false);
}

TEST_CASE("the same with request ids: every frame carries the id, lines inside a payload do not") {
  cluster c({"eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  std::size_t played = 0;
  for (const auto& e : examples_of(ATLAS_SOURCE_DIR "/docs/commands.md")) {
    const auto in_transaction = [](const exchange& s) { return s.sent.rfind("TXN ", 0) == 0; };
    if (std::any_of(e.steps.begin(), e.steps.end(), in_transaction)) continue;
    play(c, e, true);
    ++played;
  }
  CHECK(played >= 5);
}

TEST_CASE("the reference clients do what their pages say") {
  std::string program;
  std::string ending;
  SUBCASE("Python") {
    program = "python3";
    ending = ".py";
  }
  SUBCASE("Node.js") {  // called `node` on Debian; where it is missing this fails
    program = "node";
    ending = ".js";
  }
  cluster c({"eu"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  const std::string here = ATLAS_SOURCE_DIR;
  const auto command = program + " " + here + "/tests/system/client_example" + ending + " " + here +
                       "/docs/clients/atlas_client" + ending + " " + c.socket(1) + " 2>&1";
  std::string said;
  FILE* const run = ::popen(command.c_str(), "r");
  REQUIRE(run != nullptr);
  char part[512];
  while (std::fgets(part, sizeof part, run) != nullptr) said += part;
  const bool is_well = ::pclose(run) == 0;
  const auto tables = is_well ? std::string() : c.ask(1, "TABLE LIST").text();
  CHECK_MESSAGE(is_well, said << "; the node itself says now: " << tables);
  CHECK(said == "all checks passed\n");
}

TEST_SUITE_END();

}  // namespace
