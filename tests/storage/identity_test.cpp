// A data directory is somebody: it keeps its uuids, counts its starts, and belongs to one cluster
// for good. It lets one process in, and only one that reads its format.
#include <rocksdb/db.h>
#include <sys/stat.h>

#include <string_view>

#include "storage/catalogue.hpp"
#include "store_fixture.hpp"

namespace atlas::storage::tests {
namespace {

/// Overwrites a key of the default family behind the store's back.
void tamper(const std::string& path, const std::string& key, const std::string& value) {
  std::vector<std::string> names;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, path + "/rocksdb", &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& n : names) descriptors.emplace_back(n, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open({}, path + "/rocksdb", descriptors, &handles, &db).ok());
  REQUIRE(db->Put({}, key, value).ok());
  for (auto* h : handles) static_cast<void>(db->DestroyColumnFamilyHandle(h));
  delete db;
}

/// Eight, four, four, four and twelve lower-case hex digits; version 4 and the RFC's variant.
bool is_random_uuid(const std::string& text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const std::string_view allowed = form[i] == 'x'   ? "0123456789abcdef"
                                     : form[i] == 'v' ? "89ab"
                                                      : form.substr(i, 1);
    if (allowed.find(text[i]) == std::string_view::npos) return false;
  }
  return true;
}

unsigned mode_of(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

}  // namespace

TEST_SUITE("storage/identity") {
  TEST_CASE("a new directory is private, has two random uuids and boot 1") {
    scratch_dir dir;
    auto store = must_open(dir.file("a/b/db"));
    const auto& me = store->identity();
    CHECK(is_random_uuid(me.node_uuid));
    CHECK(is_random_uuid(me.disk_uuid));
    CHECK(me.node_uuid != me.disk_uuid);
    CHECK(me.boot == core::boot_epoch{1});
    CHECK(me.cluster_id.empty());
    CHECK_FALSE(me.node);
    CHECK(mode_of(dir.file("a/b/db")) == 0700);
    CHECK(mode_of(dir.file("a/b/db/rocksdb")) == 0700);
    auto other = must_open(dir.file("other"));
    CHECK(other->identity().node_uuid != me.node_uuid);
    CHECK(other->identity().disk_uuid != me.disk_uuid);
  }

  TEST_CASE("the boot number rises with every open and the uuids stay") {
    scratch_dir dir;
    const auto first = must_open(dir.file("db"))->identity();
    for (std::uint64_t boot = 2; boot <= 4; ++boot) {
      const auto now = must_open(dir.file("db"))->identity();
      CHECK(now.boot == core::boot_epoch{boot});
      CHECK(now.node_uuid == first.node_uuid);
      CHECK(now.disk_uuid == first.disk_uuid);
    }
  }

  TEST_CASE("a membership is fixed once it is set") {
    scratch_dir dir;
    {
      auto store = must_open(dir.file("db"));
      CHECK(store->set_membership("", core::node_id{3}, true).error().code == core::errc::refused);
      CHECK(store->set_membership("c", core::node_id{0}, true).error().code == core::errc::refused);
      CHECK(store->identity().cluster_id.empty());
      REQUIRE(store->set_membership("cluster-1", core::node_id{3}, true).ok());
      CHECK(store->identity().node == core::node_id{3});
    }
    auto store = must_open(dir.file("db"));
    CHECK(store->identity().cluster_id == "cluster-1");
    CHECK(store->identity().node == core::node_id{3});
    CHECK(store->identity().keys_folded);
    CHECK(store->identity().boot == core::boot_epoch{2});
    CHECK(store->set_membership("cluster-1", core::node_id{3}, true).ok());
    const auto moved = store->set_membership("cluster-1", core::node_id{4}, true);
    REQUIRE_FALSE(moved.ok());
    CHECK(moved.error().code == core::errc::refused);
    CHECK(moved.error().detail.find("cluster-1") != std::string::npos);
    CHECK_FALSE(store->set_membership("cluster-2", core::node_id{3}, true).ok());
    CHECK_FALSE(store->set_membership("cluster-1", core::node_id{3}, false).ok());
    CHECK(store->identity().node == core::node_id{3});
  }

  TEST_CASE("a second open of the same directory is refused by name") {
    scratch_dir dir;
    auto store = must_open(dir.file("db"));
    const auto second = try_open(dir.file("db/"));
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == core::errc::refused);
    CHECK(second.error().detail.find("another atlas-node uses " + dir.file("db")) == 0);
    store->open_log(core::log_id{1}, "t");
    write(*store, core::log_id{1}, {put_row("a", "1")});  // the first is not disturbed
    store.reset();
    CHECK(try_open(dir.file("db")).ok());
  }

  TEST_CASE("another format version is refused naming both, and not touched") {
    scratch_dir dir;
    must_open(dir.file("db"));
    tamper(dir.file("db"), "atlas/format", std::string("\0\0\0\0\0\0\0\3", 8));
    const auto opened = try_open(dir.file("db"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::wrong_version);
    CHECK(opened.error().detail.find("written in format 3") != std::string::npos);
    CHECK(opened.error().detail.find("reads format 10") != std::string::npos);
    tamper(dir.file("db"), "atlas/format", std::string("\0\0\0\0\0\0\0\xa", 8));
    CHECK(must_open(dir.file("db"))->identity().boot == core::boot_epoch{2});
  }

  TEST_CASE("a broken identity or catalogue record is refused as corrupt") {
    scratch_dir dir;
    for (const auto& record :
         rows{{"node/identity", "junk"},
              {"node/boot", "1"},
              {"atlas/format", ""},
              {"log/short", "x"},
              {std::string("log/\0\0\0\0\0\0\0\1", 12), std::string("\0\0\0\0\0\1\0\0t", 9)}}) {
      const auto& key = record.first;
      CAPTURE(key);
      const std::string path = dir.file("db" + std::to_string(key.size()) + key.substr(0, 2));
      must_open(path);
      tamper(path, key, record.second);
      const auto opened = try_open(path);
      REQUIRE_FALSE(opened.ok());
      CHECK(opened.error().code == core::errc::corrupt);
    }
  }

  TEST_CASE("the identity record has the bytes of docs/formats.md, and broken ones do not decode") {
    node_identity id;
    id.node_uuid = "n-uuid";
    id.disk_uuid = "d-uuid";
    id.cluster_id = "c1";
    id.node = core::node_id{300};
    id.keys_folded = true;
    const std::string bytes = encode_identity(id);
    CHECK(bytes ==
          "\x06n-uuid\x06"
          "d-uuid\x02"
          "c1\xac\x02\x01");
    const auto back = decode_identity(bytes);
    REQUIRE(back.has_value());
    CHECK(back->node == id.node);
    CHECK(back->disk_uuid == id.disk_uuid);
    CHECK(back->keys_folded);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      CHECK_FALSE(decode_identity(bytes.substr(0, n)).has_value());
    }
    CHECK_FALSE(decode_identity(bytes + "x").has_value());
    CHECK_FALSE(decode_identity(bytes.substr(0, bytes.size() - 1) + "\x02").has_value());
  }

  TEST_CASE("a path that cannot be a directory is a disk failure that names it") {
    scratch_dir dir;
    REQUIRE(std::system(("echo x > " + dir.file("file")).c_str()) == 0);
    const auto opened = try_open(dir.file("file/db"));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == core::errc::disk);
    CHECK(opened.error().detail.find(dir.file("file")) != std::string::npos);
    CHECK(try_open("").error().code == core::errc::disk);
  }
}

}  // namespace atlas::storage::tests
