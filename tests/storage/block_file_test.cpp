// Files of whole blocks: what was appended is there after a sync, whatever its pieces were, on file
// systems that are written to directly and on others.
#include "storage/block_file.hpp"

#include <fstream>

#include "core/rng.hpp"
#include "tests/storage/store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void check_in(const std::string& folder, std::uint64_t seed) {
  core::rng random(seed);
  const std::string path = folder + "/f" + std::to_string(seed);
  block_file file;
  REQUIRE(file.create(folder, path).ok());
  std::string all;
  for (int i = 0; i < 60; ++i) {
    std::string piece(random.chance(1, 20) ? random.below(3 << 20) : random.below(9000), 0);
    for (auto& c : piece) c = static_cast<char>(random.next());
    REQUIRE(file.append(piece).ok());
    all += piece;
    REQUIRE(file.end_block().ok());
    all.resize(block_end(all.size()));
    CHECK(file.size() == all.size());
    if (!random.chance(1, 3)) continue;
    REQUIRE(file.sync().ok());
    CHECK(content_of(path) == all);
  }
  REQUIRE(file.sync().ok());
  REQUIRE(file.sync().ok());  // nothing is left to do
  CHECK(content_of(path) == all);
}

}  // namespace

TEST_SUITE("storage/block file") {
  TEST_CASE("what was appended is there after a sync, in whole blocks") {
    scratch_dir dir;
    fs::create_directory(dir.file("p"));
    for (std::uint64_t seed = 1; seed <= 10; ++seed) check_in(dir.file("p"), seed);
  }

  TEST_CASE("the end of a block is the next multiple, or the place itself") {
    CHECK(block_end(0) == 0);
    CHECK(block_end(1) == block_bytes);
    CHECK(block_end(block_bytes) == block_bytes);
    CHECK(block_end(block_bytes + 1) == 2 * block_bytes);
  }

  TEST_CASE("a file that exists, or whose folder does not, is refused by its name") {
    scratch_dir dir;
    fs::create_directory(dir.file("p"));
    const auto path = dir.file("p") + "/f";
    block_file first, second, third;
    REQUIRE(first.create(dir.file("p"), path).ok());
    const auto again = second.create(dir.file("p"), path);
    CHECK(again.IsIOError());
    CHECK(again.ToString().find(path) != std::string::npos);
    CHECK(third.create(dir.file("none"), dir.file("none") + "/f").IsIOError());
  }
}

}  // namespace atlas::storage::tests
