// `emulate:` becomes one symmetric table of round trips, or a refusal that names the pair.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "cli/config.hpp"
#include "tests/cli/temp_dir.hpp"

namespace {

atlas::core::result<atlas::cli::node_config> load(const std::string& emulate) {
  const atlas::tests::temp_dir dir;
  std::ofstream(dir.file("F")) << "db_path: d\nemulate: " << emulate << "\n";
  return atlas::cli::load_config(dir.file("F"), {});
}

// The refusal without the file's name.
std::string refusal(const std::string& emulate) {
  const auto loaded = load(emulate);
  REQUIRE_FALSE(loaded.ok());
  return loaded.error().detail.substr(loaded.error().detail.find("/F:") + 3);
}

}  // namespace

TEST_SUITE("cli/config_emulate") {
  TEST_CASE("a matrix is symmetric, and unlisted pairs have their own figures") {
    const auto loaded = load(
        "{matrix: {us-east-1: {eu-west-1: 85, us-east-1: 0.5}}, same_region: 2, other_region: 40}");
    REQUIRE(loaded.ok());
    const auto& wan = loaded.value().emulate;
    CHECK(wan.enabled);
    CHECK(wan.rtt_ms.size() == 3);
    CHECK(wan.rtt_ms.at({"us-east-1", "eu-west-1"}) == 85);
    CHECK(wan.rtt_ms.at({"eu-west-1", "us-east-1"}) == 85);
    CHECK(wan.rtt_ms.at({"us-east-1", "us-east-1"}) == 0.5);
    CHECK(wan.same_region_ms == 2);
    CHECK(wan.other_region_ms == 40);
  }

  TEST_CASE("the global preset holds both orders of the documented pairs") {
    const auto loaded = load("{preset: global}");
    REQUIRE(loaded.ok());
    const auto& wan = loaded.value().emulate;
    CHECK(wan.enabled);
    CHECK(wan.rtt_ms.at({"us-east-1", "eu-west-1"}) == 85);
    CHECK(wan.rtt_ms.at({"eu-west-1", "us-east-1"}) == 85);
    CHECK(wan.rtt_ms.at({"ap-south-1", "eu-west-1"}) == 130);
    CHECK(wan.rtt_ms.at({"us-east-1", "ap-south-1"}) == 180);
  }

  TEST_CASE("every preset that a refusal names exists") {
    for (const auto* name : {"local", "single-continent", "global", "high-latency"})
      CHECK_MESSAGE(load("{preset: " + std::string(name) + "}").ok(), name);
  }

  TEST_CASE("an unknown preset is refused where it stands") {
    const std::string remedy = "; write local, single-continent, global or high-latency";
    CHECK(refusal("{preset: lunar}") == "2:19: emulate.preset: found \"lunar\"" + remedy);
    CHECK(refusal("{preset: [global]}") == "2:19: emulate.preset: found a list" + remedy);
  }

  TEST_CASE("sections that say nothing, too much or the impossible are refused") {
    const std::string rtt = "; write the round trip in milliseconds, from 0 to 60000";
    CHECK(refusal("{}") ==
          "2:10: emulate: found an empty mapping; write {preset: global} or {matrix: {us-east-1: "
          "{eu-west-1: 85}}}");
    CHECK(refusal("{same_region: 1}") ==
          "2:10: emulate: found neither preset nor matrix; write {preset: global} or {matrix: "
          "{us-east-1: {eu-west-1: 85}}}");
    CHECK(refusal("{preset: global, matrix: {a: {b: 1}}}") ==
          "2:35: emulate.matrix: found a matrix beside a preset; keep one of the two");
    CHECK(refusal("{matrix: {a: {b: -1}}}") == "2:27: emulate.matrix.a.b: found \"-1\"" + rtt);
    CHECK(refusal("{matrix: {a: {b: 85ms}}}") == "2:27: emulate.matrix.a.b: found \"85ms\"" + rtt);
    CHECK(refusal("{matrix: {a: {b: 1}}, other_region: 1e9}") ==
          "2:46: emulate.other_region: found \"1e9\"" + rtt);
    CHECK(refusal("{matrix: {a: {b: 1}, b: {a: 2}}}") ==
          "2:38: emulate.matrix.b.a: found \"2\" beside another figure for the same two regions; "
          "write each pair once");
    CHECK(
        refusal("{matrix: {a: 5}}") ==
        "2:23: emulate.matrix.a: found \"5\"; write regions, such as {us-east-1: {eu-west-1: 85}}");
    CHECK(
        refusal("{matrix: {a b: {c: 5}}}") ==
        "2:25: emulate.matrix.a b: found an impossible region name; use letters, digits, - and _");
    CHECK(refusal("{matrix: {a: {b: 1}}, jitter: 3}") ==
          "2:32: emulate.jitter: found unknown key; keys here are preset, matrix, same_region, "
          "other_region");
  }
}
