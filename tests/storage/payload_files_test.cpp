// Files of payloads: what is written is read or missed, never something else; what nobody refers to
// goes, but not under the eyes of those who still may read it.
#include "storage/payload_files.hpp"

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "core/rng.hpp"
#include "tests/storage/damage.hpp"

namespace atlas::storage::tests {
namespace {

constexpr std::uint64_t file_bytes = std::uint64_t{1} << 20;

std::string noise(std::uint64_t seed, std::size_t size) {
  core::rng random(seed);
  std::string out(size, 0);
  for (auto& c : out) c = static_cast<char>(random.next());
  return out;
}

/// The files in a folder by their numbers.
std::set<std::uint64_t> files_in(const std::string& folder) {
  std::set<std::uint64_t> numbers;
  for (const auto& e : fs::directory_iterator(folder)) {
    const auto number = payload_file_number(e.path().filename().string());
    REQUIRE(number.has_value());
    numbers.insert(*number);
  }
  return numbers;
}

payload_place must_append(payload_files& files, payload_stream& stream, payload_owner of,
                          std::string_view bytes) {
  payload_place place;
  REQUIRE(stream.append(of, bytes, place).ok());
  REQUIRE(stream.sync().ok());
  files.settled({place});
  return place;
}

std::string must_read(const payload_files& files, const payload_place& place) {
  std::string out;
  REQUIRE(files.read(place, 0, place.size, out).ok());
  return out;
}

/// What the thread of a store does, without a store: the removals it meets until all is quiet.
std::vector<std::string> chores_of(payload_files& files) {
  std::vector<std::string> removals;
  for (int quiet = 0; quiet < 2;) {
    files.wake();
    const auto chores = files.next_chores(false);
    REQUIRE(chores.has_value());
    removals.insert(removals.end(), chores->removals.begin(), chores->removals.end());
    if (chores->look) files.expire(*chores->look);
    quiet = chores->look || !chores->removals.empty() ? 0 : quiet + 1;
    files.retire(files.expired());
  }
  return removals;
}

constexpr std::chrono::milliseconds at_once{0};
/// Filled by two payloads of up to a block each.
constexpr std::uint64_t two_blocks = 2 * block_bytes;

void cut(const std::string& path, std::uint64_t size) {
  fs::resize_file(path, size);
}

}  // namespace

TEST_SUITE("storage/payload files") {
  TEST_CASE("places and names are read as they were written, and nothing else is") {
    const payload_place place{0x0102030405060708, 0x1112131415161718, 0x21222324, 0x31323334};
    const auto bytes = encode_place(place);
    CHECK(std::string(bytes.begin(), bytes.end()) ==
          "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18!\"#$1234");
    CHECK(decode_place({bytes.data(), bytes.size()}) == place);
    CHECK_FALSE(decode_place({bytes.data(), bytes.size() - 1}).has_value());
    CHECK(payload_path("x", 0xab) == "x/00000000000000ab.payloads");
    CHECK(payload_file_number("00000000000000ab.payloads") == 0xab);
    for (const auto* other : {"", ".payloads", "ab.payloads", "00000000000000ag.payloads",
                              "00000000000000AB.payloads", "00000000000000ab.payload"})
      CHECK_FALSE(payload_file_number(other).has_value());
  }

  TEST_CASE("the bytes of a file are those that docs/formats.md tells") {
    scratch_dir dir;
    fs::create_directory(dir.file("p"));
    payload_writer writer(dir.file("p"), 1);
    REQUIRE(writer.create().ok());
    payload_place place;
    REQUIRE(writer.append({7, {9}}, "123456789", place).ok());
    REQUIRE(writer.sync().ok());
    CHECK(place == payload_place{1, payload_head_size, 9, 0xe3069283});  // RFC 3720's check value
    std::ifstream in(payload_path(dir.file("p"), 1), std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(in), {});
    REQUIRE(all.size() == block_bytes);
    CHECK(all.substr(0, 24) ==
          std::string("\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x09\0\0\0\x09", 20) + "\xe3\x06\x92\x83");
    CHECK(all.substr(payload_head_size, 9) == "123456789");
    CHECK(all.find_first_not_of('\0', payload_head_size + 9) == std::string::npos);
    REQUIRE(writer.append({7, {10}}, "next", place).ok());
    CHECK(place.from == block_bytes + payload_head_size);
    CHECK_FALSE(payload_writer(dir.file("p"), 1).create().ok());  // nothing is written over
  }

  TEST_CASE("any part of a payload is read, compared with the checksum of all of it") {
    scratch_dir dir;
    fs::create_directory(dir.file("p"));
    payload_files files(dir.file("p"), file_bytes, at_once);
    payload_stream stream(files);
    const auto bytes = noise(1, 5000);
    must_append(files, stream, {1, {1}}, "before");
    const auto place = must_append(files, stream, {1, {2}}, bytes);
    const auto empty = must_append(files, stream, {1, {3}}, "");
    REQUIRE(stream.sync().ok());
    for (const auto& [from, size] : std::vector<std::pair<std::size_t, std::size_t>>{
             {0, 5000}, {0, 1}, {4999, 1}, {5000, 0}, {17, 4000}}) {
      std::string out = "kept";
      CHECK(files.read(place, from, size, out).ok());
      CHECK(out == "kept" + bytes.substr(from, size));
    }
    CHECK(must_read(files, empty).empty());
    std::string out;
    CHECK(files.read(place, 1, 5000, out).IsCorruption());
    const auto path = payload_path(dir.file("p"), place.file);
    for (const std::uint64_t at : {place.from, place.from + 2500, place.from + 4999}) {
      flip(path, at);
      CHECK(files.read(place, 100, 1, out).IsCorruption());
      flip(path, at);
    }
    CHECK(must_read(files, place) == bytes);
    cut(path, place.from + 4999);
    CHECK(files.read(place, 0, 1, out).IsCorruption());
    fs::remove(path);
    CHECK(files.read(place, 0, 1, out).IsCorruption());
  }

  TEST_CASE("a walk shows every payload, and ends at a head that is cut or broken") {
    scratch_dir dir;
    fs::create_directory(dir.file("p"));
    payload_writer writer(dir.file("p"), 4);
    REQUIRE(writer.create().ok());
    std::vector<payload_place> places(5);
    for (std::uint64_t i = 0; i < 5; ++i)
      REQUIRE(writer.append({i, {i * 10}}, noise(i, 3000 * i), places[i]).ok());
    REQUIRE(writer.sync().ok());
    const auto seen = [&] {
      std::vector<payload_place> out;
      REQUIRE(walk_payloads(dir.file("p"), 4, [&](payload_owner of, const payload_place& place) {
                CHECK(of.family == out.size());
                CHECK(of.at.value == out.size() * 10);
                out.push_back(place);
                return true;
              }).ok());
      return out;
    };
    CHECK(seen() == places);
    const auto path = payload_path(dir.file("p"), 4);
    flip(path, places[3].from - 1);
    CHECK(seen() == std::vector(places.begin(), places.begin() + 3));
    flip(path, places[3].from - 1);
    cut(path, places[4].from - 5);
    CHECK(seen() == std::vector(places.begin(), places.begin() + 4));
    CHECK_FALSE(walk_payloads(dir.file("p"), 5, [](auto, const auto&) { return true; }).ok());
  }

  TEST_CASE(
      "a file goes when nothing refers to it and nobody reads it, neither earlier nor never") {
    scratch_dir dir;
    const auto folder = dir.file("p");
    fs::create_directory(folder);
    payload_files files(folder, two_blocks, at_once);
    payload_stream stream(files);
    const auto first = must_append(files, stream, {1, {1}}, noise(1, 4000));
    const auto second = must_append(files, stream, {1, {2}}, noise(2, 4000));
    const auto other = must_append(files, stream, {1, {3}}, noise(3, 4000));
    CHECK(second.file == first.file);
    CHECK(other.file == first.file + 1);
    CHECK(files.sum().bytes == 3 * block_bytes);
    CHECK(files.sum().used == files.sum().bytes);

    auto early = files.pin();
    files.release({first});
    // Half of it is garbage: it is looked at, but something refers to it.
    CHECK(chores_of(files).empty());
    CHECK(files.sum().files == 2);
    auto late = files.pin();
    files.release({second});
    CHECK(chores_of(files).empty());  // retired, and still read
    CHECK(files.sum().files == 1);
    const auto after = files.pin();
    CHECK(must_read(files, first) == noise(1, 4000));
    late.reset();
    CHECK(must_read(files, second) == noise(2, 4000));
    early.reset();
    CHECK(chores_of(files) == std::vector{payload_path(folder, first.file)});
    // The file that is being filled is not looked at.
    files.release({other});
    CHECK(chores_of(files).empty());
    CHECK(files.sum().files == 1);
    files.end_chores();
    files.wake();
    CHECK_FALSE(files.next_chores(true).has_value());
    CHECK_FALSE(files.pause(std::chrono::hours(1)));
  }

  TEST_CASE("who lets go of an old pin sets free what was retired under all later ones") {
    scratch_dir dir;
    const auto folder = dir.file("p");
    fs::create_directory(folder);
    payload_files files(folder, 1, at_once);
    payload_stream stream(files);
    auto oldest = files.pin();
    std::vector<std::string> paths;
    for (std::uint64_t i = 0; i < 300; ++i) {
      const auto place = must_append(files, stream, {1, {i}}, "x");
      must_append(files, stream, {1, {i}}, "y");
      files.release({place});
      CHECK(chores_of(files).empty());
      paths.push_back(payload_path(folder, place.file));
      auto young = files.pin();
    }
    oldest.reset();
    auto gone = chores_of(files);
    std::sort(gone.begin(), gone.end());
    CHECK(gone == paths);
  }

  TEST_CASE("a file is full for the others when what refers to it has been written") {
    scratch_dir dir;
    const auto folder = dir.file("p");
    fs::create_directory(folder);
    payload_files files(folder, two_blocks, at_once);
    payload_stream stream(files);
    payload_place first, last, next;
    REQUIRE(stream.append({1, {1}}, noise(1, 900), first).ok());
    REQUIRE(stream.append({1, {2}}, noise(2, 300), last).ok());
    REQUIRE(stream.append({1, {3}}, noise(3, 4000), next).ok());
    CHECK(last.file < next.file);
    files.release({first});
    CHECK(chores_of(files).empty());
    files.settled({first, next});
    CHECK(chores_of(files).empty());
    files.settled({last});
    // Looked at, and not expired: something is counted.
    CHECK(files.next_chores(false)->look == first.file);
    files.expire(first.file);
    CHECK(files.expired().empty());
    files.release({last});
    CHECK(files.next_chores(false)->look == first.file);
    files.expire(first.file);
    CHECK(files.expired() == std::vector{first.file});
    files.retire({first.file, 77});  // what has not expired does not go
    CHECK(files.next_chores(false)->removals == std::vector{payload_path(folder, first.file)});
    files.expire(first.file);
    CHECK(files.expired().empty());
  }

  TEST_CASE("a half empty file rests, an empty one does not") {
    scratch_dir dir;
    const auto folder = dir.file("p");
    fs::create_directory(folder);
    payload_files files(folder, two_blocks, std::chrono::hours(1));
    payload_stream stream(files);
    const auto first = must_append(files, stream, {1, {1}}, noise(1, 900));
    const auto second = must_append(files, stream, {1, {2}}, noise(2, 300));
    must_append(files, stream, {1, {3}}, noise(3, 4000));
    files.release({first});
    CHECK_FALSE(files.next_chores(true)->look.has_value());
    files.release({second});
    CHECK(files.next_chores(true)->look == first.file);
  }

  TEST_CASE("at a start files without a reference go, and what is referred to must be there") {
    scratch_dir dir;
    const auto folder = dir.file("p");
    fs::create_directory(folder);
    std::vector<payload_place> places;
    {
      payload_files files(folder, two_blocks, at_once);
      payload_stream stream(files);
      for (std::uint64_t i = 0; i < 6; ++i)
        places.push_back(must_append(files, stream, {1, {i}}, noise(i, 4000)));
    }
    CHECK(files_in(folder).size() == 3);
    {
      payload_files files(folder, two_blocks, at_once);
      files.found(places[0]);
      files.found(places[4]);
      files.found(places[5]);
      REQUIRE(files.check().ok());
      CHECK(files_in(folder).size() == 3);
      REQUIRE(files.remove_strangers().ok());
      CHECK(files_in(folder) == std::set{places[0].file, places[4].file});
      CHECK(files.sum().used == 3 * block_bytes);
      CHECK(files.begin_file() == places[5].file + 1);
      CHECK(must_read(files, places[5]) == noise(5, 4000));
      CHECK(files.next_chores(false)->look == places[0].file);  // half garbage, and full for ever
    }
    cut(payload_path(folder, places[5].file), places[5].from + 3999);
    payload_files shorter(folder, two_blocks, at_once);
    shorter.found(places[5]);
    CHECK(shorter.check().IsCorruption());
    fs::remove(payload_path(folder, places[5].file));
    payload_files gone(folder, two_blocks, at_once);
    gone.found(places[5]);
    CHECK(gone.check().IsCorruption());
  }
}

}  // namespace atlas::storage::tests
