// Large values and payloads are in files that RocksDB does not look at, or not at a start: what is
// missing of them is found out before the node votes, what is damaged when it is read.
#include "tests/storage/damage.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id log{1};

}  // namespace

TEST_SUITE("storage/damaged values") {
  TEST_CASE("a file of large values that is cut or gone is refused, a flipped byte is never read") {
    scratch_dir dir;
    const std::string large(100'000, 'v');
    {
      auto store = must_open(dir.file("live"));
      store->open_log(log, "t");
      write(*store, log, {put_row("large", large), applied(1, 1, 1)});
    }
    must_open(dir.file("live"));  // recovery turned the write-ahead log into files
    const auto blob = newest_in(dir.file("live/rocksdb"), ".blob");
    const auto copy = fs::path(dir.file("copy")) / "rocksdb" / blob.filename();
    const auto copied = [&] {
      fs::remove_all(dir.file("copy"));
      fs::copy(dir.file("live"), dir.file("copy"), fs::copy_options::recursive);
    };
    copied();
    fs::resize_file(copy, fs::file_size(copy) - 1);
    auto opened = try_open(dir.file("copy"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    CHECK(opened.error().detail.find(blob.filename().string()) != std::string::npos);
    copied();
    fs::remove(copy);
    CHECK_FALSE(try_open(dir.file("copy")).ok());
    copied();
    flip(copy, 50'000);
    failure_log failures;
    opened = try_open(dir.file("copy"), &failures);
    if (opened.ok()) {
      static_cast<void>(opened.value()->open_log(log, "t")->get("large"));
      CHECK(failures.first.find("damaged data") != std::string::npos);
    }
  }

  TEST_CASE("a file of payloads that is cut or gone is refused, a flipped byte is never read") {
    scratch_dir dir;
    const std::string large(100'000, 'v');
    {
      auto store = must_open(dir.file("live"));
      store->open_log(log, "t");
      write(*store, log, {accepted(1, ballot_of(1, 1), large)});
    }
    const auto file = newest_in(dir.file("live/payloads"), ".payloads");
    const auto copy = fs::path(dir.file("copy")) / "payloads" / file.filename();
    const auto copied = [&] {
      fs::remove_all(dir.file("copy"));
      fs::copy(dir.file("live"), dir.file("copy"), fs::copy_options::recursive);
    };
    const auto read = [](rocks_store& store) {
      return store.open_log(log, "t")->entries(core::slot{1}, core::slot{2}, 1 << 20);
    };
    copied();
    CHECK(*read(*must_open(dir.file("copy"))).at(0).value.bytes == large);
    copied();
    fs::resize_file(copy, fs::file_size(copy) - 1);
    auto opened = try_open(dir.file("copy"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    CHECK(opened.error().detail.find(file.filename().string()) != std::string::npos);
    copied();
    fs::remove(copy);
    CHECK_FALSE(try_open(dir.file("copy")).ok());
    copied();
    flip(copy, 50'000);
    failure_log failures;
    opened = try_open(dir.file("copy"), &failures);
    REQUIRE(opened.ok());
    static_cast<void>(read(*opened.value()));
    CHECK(failures.first.find("checksum") != std::string::npos);
  }
}

}  // namespace atlas::storage::tests
