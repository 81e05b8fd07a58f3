// The configuration file from the operator's side: what loads, what it becomes, and the exact words
// of each refusal, because those words are the interface when something is wrong.
#include "cli/config.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/cli/temp_dir.hpp"

namespace {

using atlas::cli::load_config;
using atlas::cli::node_config;
using atlas::tests::temp_dir;

// Loads `text` as the file F and hides the directory in the message, so that tables can be exact.
struct outcome {
  bool ok = false;
  node_config config;
  std::string message;
};

outcome load(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const temp_dir dir;
  const auto path = dir.file("F");
  std::ofstream(path, std::ios::binary) << text;
  const auto loaded = load_config(path, overrides);
  outcome out;
  out.ok = loaded.ok();
  if (loaded) {
    out.config = loaded.value();
    return out;
  }
  CHECK(loaded.error().code == atlas::core::errc::bad_config);
  out.message = loaded.error().detail;
  for (std::size_t at; (at = out.message.find(path)) != std::string::npos;)
    out.message.replace(at, path.size(), 1, 'F');
  return out;
}

struct bad_file {
  const char* text;
  const char* message;
};

void check_all(const std::vector<bad_file>& table) {
  for (const auto& row : table) {
    CAPTURE(row.text);
    const auto got = load(row.text);
    CHECK_FALSE(got.ok);
    CHECK(got.message == row.message);
  }
}

}  // namespace

TEST_SUITE("cli/config") {
  TEST_CASE("a file that names only the data directory gets the documented defaults") {
    const auto got = load("db_path: /tmp/d/\n");
    REQUIRE(got.ok);
    const auto& c = got.config;
    CHECK(c.advertise == atlas::cli::endpoint{"localhost", 8080});
    CHECK(c.listen == atlas::cli::endpoint{"0.0.0.0", 8080});
    CHECK(c.region == "local");
    CHECK(c.credentials.empty());
    CHECK(c.socket == "/tmp/d/socket");
    CHECK(c.socket_mode == 0660);
    CHECK(c.connect.empty());
    CHECK_FALSE(c.development_mode);
    CHECK(c.max_cache_bytes == 512ull << 20);
    CHECK_FALSE(c.quorum.fn.has_value());
    CHECK_FALSE(c.quorum.fz.has_value());
    CHECK_FALSE(c.keys_folded);
    CHECK(c.request_timeout_ms == 10'000);
    CHECK(c.log_level == "info");
    CHECK_FALSE(c.log_json);
    CHECK_FALSE(c.emulate.enabled);
  }

  TEST_CASE("every setting that is written arrives") {
    const auto got = load(
        "advertise: n1.example.net:4444\nregion: eu-west-1\ncredentials: \"1: secret\"\n"
        "db_path: /tmp/d\nsocket: /tmp/s\nsocket_mode: \"0600\"\nconnect: [a:1, '[::1]:2']\n"
        "development_mode: yes\nmax_cache_size: 1GB\nquorum: {fn: 2, fz: auto}\nkeys: folded\n"
        "request_timeout: 500ms\nreads: quorum\nthrifty: on\nlease: {duration: 5s, drift: 0.02}\n"
        "log: {level: warn, format: json}\n");
    CAPTURE(got.message);
    REQUIRE(got.ok);
    const auto& c = got.config;
    CHECK(c.advertise == atlas::cli::endpoint{"n1.example.net", 4444});
    CHECK(c.listen == atlas::cli::endpoint{"0.0.0.0", 4444});
    CHECK(c.region == "eu-west-1");
    CHECK(c.credentials == "1: secret");
    CHECK(c.socket == "/tmp/s");
    CHECK(c.socket_mode == 0600);
    CHECK(c.connect == std::vector<atlas::cli::endpoint>{{"a", 1}, {"::1", 2}});
    CHECK(c.development_mode);
    CHECK(c.max_cache_bytes == 1ull << 30);
    CHECK(c.quorum.fn == 2u);
    CHECK_FALSE(c.quorum.fz.has_value());
    CHECK(c.keys_folded);
    CHECK(c.request_timeout_ms == 500);
    CHECK_FALSE(c.reads_on_leases);
    CHECK(c.thrifty);
    CHECK(c.lease.duration_ms == 5'000);
    CHECK(c.lease.drift_permille == 20);
    CHECK(c.log_level == "warn");
    CHECK(c.log_json);
  }

  TEST_CASE("how much of a log is kept is set in slots and in bytes") {
    const auto got = load("db_path: d\n");
    REQUIRE(got.ok);
    CHECK(got.config.limits.keep_slots == 100'000);
    CHECK(got.config.limits.keep_bytes == 64ull << 20);
    const auto set = load("db_path: d\nlog_retention: {slots: 12, size: 1MB}\n");
    REQUIRE(set.ok);
    CHECK(set.config.limits.keep_slots == 12);
    CHECK(set.config.limits.keep_bytes == 1ull << 20);
    check_all({
        {"db_path: d\nlog_retention: 12\n",
         "F:2:16: log_retention: found \"12\"; write {slots: 100000, size: 64MB, age: 24h}"},
        {"db_path: d\nlog_retention: {slots: many}\n",
         "F:2:24: log_retention.slots: found \"many\"; write how many slots of each table's log "
         "are "
         "kept, such as 100000"},
    });
  }

  TEST_CASE("one connect address needs no list, and development mode makes the log verbose") {
    const auto got = load("db_path: d\nconnect: a:1\ndevelopment_mode: true\n");
    REQUIRE(got.ok);
    CHECK(got.config.connect == std::vector<atlas::cli::endpoint>{{"a", 1}});
    CHECK(got.config.log_level == "debug");
  }

  TEST_CASE("keys that are unknown, repeated or missing are refused where they stand") {
    check_all({
        {"",
         "F:1:1: db_path: found nothing; name this node's data directory, such as "
         "/var/lib/atlas"},
        {"db_path: d\nadvertize: a:1\n",
         "F:2:1: advertize: found unknown key; did you mean advertise?"},
        {"db_path: d\nlog: {colour: red}\n",
         "F:2:7: log.colour: found unknown key; keys here are level, format"},
        {"db_path: d\nregion: a\nregion: b\n",
         "F:3:1: region: found a second time (first at F:2:1); keep one of the two"},
        {"db_path: d\n[a]: b\n", "F:2:1: found a key that is not a word; write name: value"},
        {"- a\n", "F:1:1: found a list; write settings as key: value"},
        {"db_path: d\n---\nregion: b\n",
         "F:3:1: found a second document; keep one, without --- between settings"},
        {"db_path: [d\n",
         "F:2:1: found broken YAML (end of sequence flow not found); check indentation, colons and "
         "quotes"},
        {"a: &x [*x]\n", "F:1:4: found values nested too deeply; no setting goes that deep"},
    });
  }

  TEST_CASE("addresses and names that cannot be meant are refused") {
    check_all({
        {"db_path: d\nadvertise: localhost\n",
         "F:2:12: advertise: found \"localhost\"; write host:port, such as localhost:4444, where "
         "other nodes reach this one (no default port is assumed)"},
        {"db_path: d\nadvertise: 0.0.0.0:4444\n",
         "F:2:12: advertise: found \"0.0.0.0:4444\"; write host:port, such as localhost:4444, "
         "where "
         "other nodes reach this one (no default port is assumed)"},
        {"db_path: d\nlisten: :4444\n",
         "F:2:9: listen: found \":4444\"; write host:port, such as 0.0.0.0:4444"},
        {"db_path: d\nlisten: a:70000\n",
         "F:2:9: listen: found \"a:70000\"; write host:port, such as 0.0.0.0:4444"},
        {"db_path: d\nregion: my zone\n",
         "F:2:9: region: found \"my zone\"; write a zone name of 1 to 64 letters, digits, - or _, "
         "such as eu-west-1"},
        {"db_path: d\nconnect: [a:1, https://b:2]\n",
         "F:2:16: connect: found \"https://b:2\"; write host:port, such as eu1.example.net:4444"},
        {"db_path: d\nconnect: []\n",
         "F:2:10: connect: found an empty list; name at least one host:port, or remove the key to "
         "found a new cluster"},
        {"db_path: d\nadvertise: a:1\nconnect: [a:1]\n",
         "F:3:10: connect: found only this node's own address; name other nodes, or remove the key "
         "to found a new cluster"},
    });
  }

  TEST_CASE("wrong types and impossible values are refused") {
    check_all({
        {"db_path:\n",
         "F:1:1: db_path: found nothing; name this node's data directory, such as /var/lib/atlas"},
        {"db_path: {a: b}\n",
         "F:1:10: db_path: found a mapping; name this node's data directory, such as "
         "/var/lib/atlas"},
        {"db_path: d\ndevelopment_mode: perhaps\n",
         "F:2:19: development_mode: found \"perhaps\"; write true or false (on, off, yes and no "
         "work "
         "too)"},
        {"db_path: d\nmax_cache_size: 512XB\n",
         "F:2:17: max_cache_size: found \"512XB\"; write a size of at least 8MB, such as 512MB or "
         "1GB"},
        {"db_path: d\nmax_cache_size: 2048\n",
         "F:2:17: max_cache_size: found \"2048\"; write a size of at least 8MB, such as 512MB or "
         "1GB"},
        {"db_path: d\nquorum: {fn: -1}\n",
         "F:2:14: quorum.fn: found \"-1\"; write auto, or how many nodes of a zone may be lost (0, "
         "1, 2, ...)"},
        {"db_path: d\nquorum: {fz: [1]}\n",
         "F:2:14: quorum.fz: found a list; write auto, or how many zones may be lost (0, 1, 2, "
         "...)"},
        {"db_path: d\nquorum: auto\n",
         "F:2:9: quorum: found \"auto\"; write {fn: auto, fz: auto} or numbers"},
        {"db_path: d\nkeys: upper\n", "F:2:7: keys: found \"upper\"; write exact or folded"},
        {"db_path: d\nrequest_timeout: 10\n",
         "F:2:18: request_timeout: found \"10\"; write a duration from 10ms to 1h, such as 10s or "
         "500ms"},
        {"db_path: d\nrequest_timeout: 0s\n",
         "F:2:18: request_timeout: found \"0s\"; write a duration from 10ms to 1h, such as 10s or "
         "500ms"},
        {"db_path: d\nlog: {level: loud}\n",
         "F:2:14: log.level: found \"loud\"; write trace, debug, info, warn or error"},
        {"db_path: d\nlog: {format: xml}\n",
         "F:2:15: log.format: found \"xml\"; write text or json"},
        {"db_path: d\nsocket_mode: \"0066\"\n",
         "F:2:14: socket_mode: found \"0066\"; write octal permissions that let the owner read and "
         "write, such as \"0660\""},
        {"db_path: d\ncredentials: [a]\n",
         "F:2:14: credentials: found a list; write the shared secret of the cluster as one word or "
         "in quotes"},
    });
  }

  TEST_CASE("settings of later versions are refused by name, never ignored") {
    check_all({
        {"db_path: d\ntls: {ca: x}\n",
         "F:2:6: tls: found a mapping; this version does not have encryption between nodes yet, "
         "remove this key"},
        {"db_path: d\nhttp: {listen: a:1}\n",
         "F:2:7: http: found a mapping; this version does not have an HTTP listener yet, remove "
         "this "
         "key"},
        {"db_path: d\nlease: 3s\n",
         "F:2:8: lease: found \"3s\"; write {duration: 3s, drift: 0.01}"},
        {"db_path: d\nlease: {duration: 10ms}\n",
         "F:2:19: lease.duration: found \"10ms\"; write a duration from 1s to 60s, such as 3s"},
        {"db_path: d\nlease: {drift: 2}\n",
         "F:2:16: lease.drift: found \"2\"; write how much the rates of two clocks may differ, "
         "from "
         "0.001 to 0.5, such as 0.01"},
        {"db_path: d\nreads: stale\n", "F:2:8: reads: found \"stale\"; write lease or quorum"},
    });
  }

  TEST_CASE("a file with several problems is refused with all of them, in its own order") {
    const auto got = load("keys: x\ntls: y\ndb_path: d\nregion: ''\n", {"listen=9"});
    CHECK(
        got.message ==
        "F:1:7: keys: found \"x\"; write exact or folded\n"
        "F:2:6: tls: found \"y\"; this version does not have encryption between nodes yet, remove "
        "this key\n"
        "F:4:9: region: found \"\"; write a zone name of 1 to 64 letters, digits, - or _, such as "
        "eu-west-1\n"
        "--set listen: listen: found \"9\"; write host:port, such as 0.0.0.0:4444");
  }

  TEST_CASE("a file that is missing or a directory is refused") {
    const temp_dir dir;
    CHECK(load_config(dir.file("none"), {}).error().detail ==
          dir.file("none") +
              ": cannot be read (No such file or directory); name an existing configuration file");
    CHECK(load_config(dir.path(), {}).error().detail ==
          dir.path() + ": found a directory; name a configuration file");
  }

  TEST_CASE("a socket path that the system cannot hold is refused, the default one too") {
    const std::string longest(107, 's');
    CHECK(load("db_path: d\nsocket: " + longest + "\n").ok);
    CHECK(load("db_path: d\nsocket: " + longest + "s\n").message ==
          "F:2:9: socket: found \"" + longest +
              "s\" (108 bytes); a Unix socket path has at most 107 bytes, name a shorter path");
    CHECK(
        load("db_path: " + longest + "\n").message ==
        "F:1:10: socket: found \"" + longest +
            "/socket\" (114 bytes, from db_path); a Unix socket path has at most 107 bytes, name a "
            "shorter path");
  }

  TEST_CASE("credentials come from a file without its line break, and from one place only") {
    const temp_dir dir;
    const auto secret = dir.file("secret");
    std::ofstream(secret) << "s3 cret\n";
    const auto line = "db_path: d\ncredentials_file: " + secret + "\n";
    CHECK(load(line).config.credentials == "s3 cret");
    CHECK(load(line + "credentials: x\n").message == "F:2:19: credentials_file: found \"" + secret +
                                                         "\" beside credentials; keep one of the "
                                                         "two");
    std::ofstream(secret, std::ios::trunc) << "\n";
    CHECK(load(line).message == "F:2:19: credentials_file: found \"" + secret +
                                    "\", which is empty; put the shared secret of the cluster into "
                                    "it");
    std::filesystem::remove(secret);
    CHECK(load(line).message == "F:2:19: credentials_file: found \"" + secret +
                                    "\"; name a readable file that holds the shared secret");
  }

  TEST_CASE("a data directory that is a file is refused") {
    const temp_dir dir;
    const auto file = dir.file("data");
    std::ofstream(file) << "x";
    CHECK(load("db_path: " + file + "\n").message ==
          "F:1:10: db_path: found \"" + file +
              "\", which is not a directory; name this node's data directory, such as "
              "/var/lib/atlas");
  }

  TEST_CASE("overrides replace, descend, create and are named when they are wrong") {
    const std::string base = "db_path: d\nregion: a\nlog: {level: warn, format: json}\n";
    const auto got = load(base, {"region=b", "region=c", "quorum.fn=1", "log.level=trace",
                                 "connect=[x:1, y:2]", "credentials=\"a=b\""});
    CAPTURE(got.message);
    REQUIRE(got.ok);
    CHECK(got.config.region == "c");
    CHECK(got.config.quorum.fn == 1u);
    CHECK(got.config.log_level == "trace");
    CHECK(got.config.log_json);
    CHECK(got.config.connect.size() == 2);
    CHECK(got.config.credentials == "a=b");

    CHECK(load(base, {"quorum.fn=x"}).message ==
          "--set quorum.fn: quorum.fn: found \"x\"; write auto, or how many nodes of a zone may be "
          "lost (0, 1, 2, ...)");
    CHECK(load(base, {"regoin=x"}).message ==
          "--set regoin: regoin: found unknown key; did you mean region?");
    CHECK(load(base, {"region"}).message == "--set region: found no =; write --set key=value");
    CHECK(load(base, {"log..level=x"}).message ==
          "--set log..level: found an empty name; write --set key=value");
    CHECK(load(base, {"connect=[x"}).message.rfind("--set connect:1:", 0) == 0);
  }

  TEST_CASE("every file in configs/ loads") {
    int loaded = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(ATLAS_SOURCE_DIR "/configs")) {
      if (entry.path().extension() != ".yaml") continue;
      CAPTURE(entry.path().string());
      const auto got = load_config(entry.path().string(), {});
      CHECK_MESSAGE(got.ok(), (got.ok() ? "" : got.error().detail));
      ++loaded;
    }
    CHECK(loaded >= 7);
  }
}
