// What the console understands of a typed line.
#include "cli/console_request.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "tests/cli/temp_dir.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::temp_dir;
using effect = console_request::effect;
using transaction = console_request::transaction;

console_request read(const std::string& line) {
  auto out = make_request(line);
  REQUIRE(out.ok());
  return std::move(out).value();
}

console_frame frame(const std::string& text, const std::string& tag = "") {
  return {.tagged = !tag.empty(), .tag = tag, .text = text};
}

}  // namespace

TEST_SUITE("cli/console_request") {
  TEST_CASE("shapes follow from the request") {
    CHECK(read("scan a. LIMIT 5 VALUES").shape.rows);
    CHECK(read("SAMPLE a. N 5 values").shape.rows);
    CHECK_FALSE(read("SCAN a.").shape.rows);
    CHECK_FALSE(read("SCAN VALUES").shape.rows);
    CHECK_FALSE(read("SCAN a. AFTER VALUES").shape.rows);
    CHECK(read("[ID:1] SCAN a. VALUES").shape.tag == "1");
    CHECK(read("HELP").shape.text);
    CHECK(read("INFO").shape.text);
    CHECK(read("KEY MGET a b").many_values);
  }

  TEST_CASE("what may have been executed is told from what can not have been") {
    for (const auto* line : {"KEY GET a", "key blob get a", "SCAN a", "TABLE LIST", "QUORUM INFO a",
                             "[ID:4] KEY GET a", "COUNT a", "ACL LIST a"})
      CHECK(read(line).does == effect::reads);
    for (const auto* line : {"KEY PUT a b", "KEY BLOB SET a 0", "TABLE DROP a", "ACL GRANT a b c",
                             "TXN COMMIT", "KEY INCR a", "SOMETHING NEW"})
      CHECK(read(line).does == effect::writes);
    for (const auto* line : {"TXN BEGIN", "PUT a b", "TXN ABORT", "PRINCIPAL ASSUME x", "WATCH a."})
      CHECK(read(line).does == effect::connection);
    CHECK(read("txn begin").txn == transaction::begins);
    CHECK(read("IF a ABSENT").txn == transaction::adds);
    CHECK(read("TXN COMMIT").txn == transaction::ends);
    CHECK(read("principal assume bob").principal == "bob");
  }

  TEST_CASE("replies end with their own last frame") {
    CHECK(read("PUT a b").ends_with(frame("QUEUED")));
    CHECK(read("PUT a b").ends_with(frame("ERROR WARN no transaction")));
    CHECK_FALSE(read("KEY GET a").ends_with(frame("QUEUED")));
    CHECK(read("[ID:w] WATCH a.").ends_with(frame("WATCHING 5", "w")));
    CHECK_FALSE(read("KEY GET a").ends_with(frame("WATCHING 5")));
    CHECK(read("UNWATCH w").ends_with(frame("OK", "w")));
    CHECK_FALSE(read("UNWATCH w").ends_with(frame("OK", "x")));
    CHECK_FALSE(read("[ID:1] QUORUM INFO a").ends_with(frame("OK")));
    CHECK(read("[ID:1] QUORUM INFO a").ends_with(frame("ERROR FATAL x")));
    CHECK(read("[ID:1] QUORUM INFO a").owns(frame("id=1 region=eu")));
    CHECK_FALSE(read("KEY GET a").owns(frame("EVENT 1 PUT a version=1 principal=-")));
    CHECK_FALSE(read("KEY GET a").owns(frame("OK", "w")));
  }

  TEST_CASE("a blob is saved behind an arrow, and the arrow is not sent") {
    const auto spaced = read("[ID:1] KEY BLOB GET a RANGE 0 5 >  my file ");
    CHECK(spaced.line == "[ID:1] KEY BLOB GET a RANGE 0 5");
    CHECK(spaced.save_to == "my file");
    CHECK(spaced.shape.stream_blobs);
    CHECK(read("key blob get a >f").save_to == "f");
    CHECK(read("KEY BLOB GET >a").save_to.empty());
    CHECK(read("KEY PUT a > f").line == "KEY PUT a > f");
    CHECK(make_request("KEY BLOB GET a > ").error().detail == "name a file behind >");
  }

  TEST_CASE("a file is announced by its length") {
    const temp_dir dir;
    std::ofstream(dir.file("f")) << "12345";
    const auto upload = read("KEY BLOB SET k @" + dir.file("f"));
    CHECK(upload.line == "KEY BLOB SET k 5");
    REQUIRE(upload.file);
    CHECK(upload.file->size() == 5);
    CHECK(read("KEY BLOB SET k 7").payload_missing == 7);
    CHECK(read("KEY BLOB SET k 7x").payload_missing == 0);
    CHECK(make_request("KEY BLOB SET k @" + dir.path()).error().detail ==
          dir.path() + ": is a directory");
  }
}
