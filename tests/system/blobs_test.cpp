// Large values against real nodes: every size through another node than the owner, equal parts
// once, parts that nobody names gone, and nothing that was acknowledged lost when owners die.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "tests/system/cluster.hpp"

namespace {

using namespace atlas::system_tests;

constexpr std::size_t mib = std::size_t{1} << 20;

std::string random_bytes(std::size_t n, unsigned seed) {
  std::mt19937_64 chance(seed);
  std::string out(n, 0);
  for (auto& c : out) c = static_cast<char>(chance());
  return out;
}

std::string blob_of(const reply& r) {
  return r.ok() && r.lines.size() == 2 ? r.lines[1] : r.text().substr(0, 200);
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool memory_is_told = false;  // shadow and quarantine count, too
#else
constexpr bool memory_is_told = true;
#endif

/// The most memory that the process ever held, in MiB.
std::size_t peak_mib(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) / 1024;
  return 0;
}

std::size_t bytes_in(const std::string& path) {
  std::size_t sum = 0;
  std::error_code gone;
  for (const auto& f : std::filesystem::recursive_directory_iterator(path, gone))
    if (const auto n = f.file_size(gone); !gone) sum += n;
  return sum;
}

TEST_SUITE_BEGIN("system/blobs");

TEST_CASE("values of every size come back through another node, in bounded memory") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT t.first x").ok());
  auto up = c.connect(2);
  auto down = c.connect(3);
  for (const auto n :
       {std::size_t{0}, std::size_t{1}, mib - 1, mib, mib + 1, 100 * mib, 128 * mib}) {
    CAPTURE(n);
    const auto value = random_bytes(n, static_cast<unsigned>(n));
    const auto key = "t.k" + std::to_string(n);
    REQUIRE(up.blob_set(key, value).ok());
    CHECK(blob_of(down.ask("KEY BLOB GET " + key)) == value);
    const auto range = down.ask("KEY BLOB GET " + key + " RANGE " + std::to_string(n / 2) + " 777");
    CHECK(blob_of(range) == value.substr(n / 2, 777));
    CHECK(c.ask(1, "KEY BLOB STAT " + key).text().starts_with("BLOB size=" + std::to_string(n)));
  }
  if (memory_is_told)
    for (const auto n : c.all()) CHECK(peak_mib(c.program(n).pid()) < 300);
}

TEST_CASE("a value of any size may stand in one line, both ways") {
  cluster c({"eu", "us", "asia"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT t.first x").ok());
  auto up = c.connect(2);
  auto down = c.connect(3);
  for (const auto n : {mib, mib + 1, 5 * mib, 128 * mib - 100}) {
    CAPTURE(n);
    auto value = random_bytes(n, static_cast<unsigned>(n));
    std::replace(value.begin(), value.end(), '\n', ' ');
    value.back() = '.';  // a carriage return would belong to the line end
    const auto key = "t.k" + std::to_string(n);
    REQUIRE(up.ask("KEY PUT " + key + " " + value).ok());
    CHECK(blob_of(down.ask("KEY BLOB GET " + key)) == value);
    const auto line = down.ask("KEY GET " + key);
    REQUIRE(line.ok());
    CHECK(line.lines == std::vector<std::string>{"VALUE:" + value});
  }
}

TEST_CASE("equal values are kept once, and what nobody names any more goes") {
  cluster c({"eu"}, {"client_limits.unused_parts=1s", "log_retention.size=1MB",
                     "log_retention.age=1s", "max_cache_size=8MB"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  auto client = c.connect(1);
  const auto value = random_bytes(8 * mib, 7);
  for (int i = 0; i < 8; ++i) REQUIRE(client.blob_set("t.same" + std::to_string(i), value).ok());
  for (int i = 0; i < 7; ++i) REQUIRE(client.ask("KEY DEL t.same" + std::to_string(i)).ok());
  // Log time goes beyond the grace of what is not named any more.
  const auto let_time_pass = [&] {
    return client.ask("KEY PUT t.clock x").ok() && client.ask("KEY EXPIRE t.clock 1100ms").ok() &&
           eventually([&] { return client.ask("KEY GET t.clock").text() == "NOT_FOUND"; });
  };
  REQUIRE(let_time_pass());
  CHECK(blob_of(client.ask("KEY BLOB GET t.same7")) == value);
  // What it was overwritten with is small, and so is what is left of it.
  REQUIRE(client.ask("KEY PUT t.same7 small").ok());
  for (int i = 0; i < 4; ++i)
    REQUIRE(
        client.blob_set("t.other", random_bytes(8 * mib, 100u + static_cast<unsigned>(i))).ok());
  REQUIRE(client.ask("KEY DEL t.other").ok());
  unsigned round = 0;
  CHECK(eventually([&] {
    // The store tidies up while something is written.
    return let_time_pass() && client.blob_set("t.last", random_bytes(2 * mib, ++round)).ok() &&
           bytes_in(c.db_path(1)) < 40 * mib;
  }));
}

TEST_CASE("no acknowledged value is lost or mixed up when owners die and tables move") {
  cluster c({"eu", "us", "asia"}, {"request_timeout=3s"});
  INFO(c.logs());
  REQUIRE(c.start_all());
  REQUIRE(c.ask_until_ok(1, "KEY PUT t.first x").ok());
  std::atomic<bool> over{false};
  std::vector<std::map<std::string, unsigned>> kept(2);
  std::vector<std::thread> clients;
  for (unsigned i = 0; i < 2; ++i)
    clients.emplace_back([&, i] {
      std::optional<client> up;
      for (unsigned n = 0; !over; ++n) {
        if (!up) up = client::connect(c.socket(i + 1));
        if (!up) continue;
        const auto key = "t.c" + std::to_string(i) + "_" + std::to_string(n % 5);
        const auto seed = 1'000 * (i + 1) + n;
        const auto r = up->blob_set(key, random_bytes(2 * mib + seed, seed));
        if (r.ok())
          kept[i][key] = seed;
        else
          kept[i].erase(key);  // either value may be there
        if (r.what == reply::kind::lost || r.what == reply::kind::late) up.reset();
      }
    });
  for (int round = 0; round < 3; ++round) {
    REQUIRE(c.ask_until_ok(1, "TABLE MOVE t TO 3").ok());
    c.kill(3);
    REQUIRE(c.ask_until_ok(1, "KEY PUT t.round x").ok());
    c.start(3);
    REQUIRE(c.serves(3));
  }
  over = true;
  for (auto& t : clients) t.join();
  std::size_t checked = 0;
  for (const auto& list : kept)
    for (const auto& [key, seed] : list) {
      CAPTURE(key);
      const auto value = random_bytes(2 * mib + seed, seed);
      for (const auto n : c.all())
        CHECK(blob_of(c.ask_until_ok(n, "KEY BLOB GET " + key)) == value);
      ++checked;
    }
  CHECK(checked > 0);
}

TEST_SUITE_END();

}  // namespace
