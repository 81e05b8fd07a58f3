// Large values and payloads are in files that RocksDB does not look at, or not at a start: what is
// missing of them is found out before the node votes, what is damaged when it is read.
#include "tests/storage/damage.hpp"

namespace atlas::storage::tests {
namespace {

constexpr core::log_id log{1};
const std::string large(100'000, 'v');

/// A store that was closed in order, and a copy of it with a place to damage: the newest file of a
/// kind in one of its folders.
class closed_store {
 public:
  explicit closed_store(const core::record_write& large_one) {
    auto store = must_open(dir_.file("live"));
    store->open_log(log, "t");
    write(*store, log, {large_one, applied(1, 1, 1)});
    store.reset();
    must_open(dir_.file("live"));  // recovery turned the write-ahead log into files
  }

  [[nodiscard]] std::string copy() const { return dir_.file("copy"); }
  fs::path copied(const std::string& folder, const std::string& extension) const {
    fs::remove_all(copy());
    fs::copy(dir_.file("live"), copy(), fs::copy_options::recursive);
    return newest_in(copy() + '/' + folder, extension);
  }
  void check_length_is_checked(const std::string& folder, const std::string& extension) const {
    const auto cut = copied(folder, extension);
    fs::resize_file(cut, fs::file_size(cut) - 1);
    const auto opened = try_open(copy());
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::corrupt);
    CHECK(opened.error().detail.find(cut.filename().string()) != std::string::npos);
    fs::remove(copied(folder, extension));
    CHECK_FALSE(try_open(copy()).ok());
  }

 private:
  scratch_dir dir_;
};

}  // namespace

TEST_SUITE("storage/damaged values") {
  TEST_CASE("a file of large values that is cut or gone is refused, a flipped byte is never read") {
    const closed_store scene(put_row("large", large));
    scene.check_length_is_checked("rocksdb", ".blob");
    flip(scene.copied("rocksdb", ".blob"), 50'000);
    failure_log failures;
    const auto opened = try_open(scene.copy(), &failures);
    if (opened.ok()) {
      static_cast<void>(opened.value()->open_log(log, "t")->get("large"));
      CHECK(failures.first.find("damaged data") != std::string::npos);
    }
  }

  TEST_CASE("a file of payloads that is cut or gone is refused, a flipped byte is never read") {
    const closed_store scene(accepted(1, ballot_of(1, 1), large));
    const auto read = [](rocks_store& store) {
      return store.open_log(log, "t")->entries(core::slot{1}, core::slot{2}, 1 << 20);
    };
    scene.copied("payloads", ".payloads");
    CHECK(*read(*must_open(scene.copy())).at(0).value.bytes == large);
    scene.check_length_is_checked("payloads", ".payloads");
    flip(scene.copied("payloads", ".payloads"), 50'000);
    failure_log failures;
    const auto opened = try_open(scene.copy(), &failures);
    REQUIRE(opened.ok());
    static_cast<void>(read(*opened.value()));
    CHECK(failures.first.find("checksum") != std::string::npos);
  }
}

}  // namespace atlas::storage::tests
