#include "net/command_parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "net/tokens.hpp"

namespace {

using namespace atlas::net;

constexpr std::size_t blob_max = 1000;

parsed_command parse(std::string_view line, bool tagged = false) {
  return parse_command(line, tagged, blob_max);
}

/// The text of the error a line gets; fails if it gets none.
std::string warning(std::string_view line, bool tagged = false) {
  const auto p = parse(line, tagged);
  CHECK_MESSAGE(p.kind == parsed_kind::warn, line);
  return p.text;
}

struct put_case {
  const char* line;
  const char* value;
};

void check_request(std::string_view line, verb what, std::string_view key) {
  const auto p = parse(line);
  CHECK_MESSAGE(p.kind == parsed_kind::request, line);
  CHECK_MESSAGE(p.what == what, line);
  CHECK_MESSAGE(p.key == key, line);
}

}  // namespace

TEST_SUITE("net/command_parser") {
  TEST_CASE("the value of a put starts one byte behind the key or its modifiers") {
    const put_case cases[] = {
        {"KEY PUT a.b hello world", "hello world"},
        {"KEY PUT a.b   padded  value ", "  padded  value "},
        {"KEY   PUT   a.b x", "x"},
        {"KEY PUT a.b  ", " "},
        {"KEY PUT a.b PRINCIPAL bob 1234", "1234"},
        {"KEY PUT a.b principal bob principal eve  v", " v"},
        {"KEY PUT a.b worm", "worm"},
        {"KEY PUT a.b WORM TTL", "WORM TTL"},
        {"KEY PUT a.b WORM later x", "WORM later x"},
        {"KEY PUT a.b PRINCIPAL", "PRINCIPAL"},
        {"KEY PUT a.b PRINCIPAL bob", ""},
        {"KEY PUT a.b PRINCIPAL bob WORM x", "WORM x"},
        {"KEY PUT a.b PRINCIPALS bob", "PRINCIPALS bob"},
        {"key set a.b\tv\tw\t", "v\tw\t"},
        {"KEY PUT a.b KEY PUT a.b", "KEY PUT a.b"},
    };
    for (const auto& c : cases)
      for (const bool tagged : {false, true}) {
        const auto p = parse(c.line, tagged);
        CHECK_MESSAGE(p.kind == parsed_kind::request, c.line);
        CHECK(p.what == verb::key_put);
        CHECK(p.key == "a.b");
        CHECK_MESSAGE(p.value == c.value, c.line);
      }
    const std::string bytes("KEY PUT k a\0b\xFF\r", 15);
    CHECK(parse(bytes).value == std::string("a\0b\xFF\r", 5));
  }

  TEST_CASE("a put without value is an arity error that quotes the line") {
    CHECK(warning("KEY PUT a.b") == "KEY PUT a.b expects 4 arguments");
    CHECK(warning("KEY PUT a.b ") == "KEY PUT a.b  expects 4 arguments");
    CHECK(warning("key set") == "key set expects 4 arguments");
    CHECK(warning("KEY PUT a.b", true) == "KEY PUT a.b expects 4 arguments");
  }

  TEST_CASE("write-once modifiers become one period, the last one wins") {
    CHECK(parse("KEY PUT a.b WORM TTL 1h hello").terms == "for 3600000000");
    CHECK(parse("KEY PUT a.b WORM TTL 1h hello").value == "hello");
    CHECK(parse("KEY PUT a.b worm expires 2030-01-02T03:04:05Z x").terms ==
          "until 1893553445000000");
    CHECK(parse("KEY PUT a.b WORM TTL 1h PRINCIPAL p worm ttl 1s x").terms == "for 1000000");
    CHECK(parse("KEY PUT a.b hello").terms.empty());
    CHECK(warning("KEY PUT a.b WORM TTL abc x") == "time: invalid duration \"abc\"");
    CHECK(warning("KEY PUT a.b WORM TTL 0s x") == "duration 0s is too short: 1us or more expected");
    CHECK(
        warning("KEY PUT a.b WORM EXPIRES bad x") ==
        "parsing time \"bad\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"bad\" as \"2006\"");
  }

  TEST_CASE("key commands take their key byte for byte and ignore what follows") {
    check_request("KEY GET Users.alice", verb::key_get, "Users.alice");
    check_request("key get \xFF.x more words", verb::key_get, "\xFF.x");
    check_request("KEY DEL a extra", verb::key_del, "a");
    check_request("KEY BLOB GET a.b.c extra", verb::blob_get, "a.b.c");
    check_request("SCAN us extra", verb::scan, "us");
    check_request("  KEY\tGET\vk", verb::key_get, "k");
    check_request("KEY\xC2\xA0GET\xE3\x80\x80k", verb::key_get, "k");
    check_request("NODE LIST", verb::node_list, "");
    check_request("node info x1", verb::node_info, "x1");
    check_request("NODE PING 7", verb::node_ping, "7");
    check_request("TABLE LIST", verb::table_list, "");
    check_request("TABLE INFO users", verb::table_info, "users");
    check_request("table drop Users", verb::table_drop, "Users");
    check_request("GROUP CREATE g fn=1", verb::group_create, "g");
    check_request("group create g", verb::group_create, "g");
    check_request("GROUP ADD g users", verb::group_add, "users");
    CHECK(parse("GROUP ADD g users").value == "g");
    check_request("group remove g users", verb::group_remove, "users");
    CHECK(warning("GROUP ADD g") == "GROUP ADD g expects exactly 4 arguments");
    check_request("GROUP LIST", verb::group_list, "");
    check_request("GROUP INFO g", verb::group_info, "g");
    check_request("table move Users to eu-west-1", verb::table_move, "Users");
    CHECK(parse("TABLE MOVE users TO eu-west-1").value == "eu-west-1");
    check_request("TABLE CREATE users", verb::table_create, "users");
    check_request("table create users fn=1  fz=auto", verb::table_create, "users");
    CHECK(parse("TABLE ALTER users fn=1 fz=auto").value == " fn=1 fz=auto");
    CHECK(parse("TABLE CREATE users").value.empty());
    check_request("NODE REMOVE 3", verb::node_remove, "3");
    check_request("QUORUM INFO users", verb::quorum_info, "users");
  }

  TEST_CASE("too few or too many tokens are told as the original tells them") {
    CHECK(warning("KEY GET") == "KEY GET expects 3 arguments");
    CHECK(warning("KEY GET  ") == "KEY GET   expects 3 arguments");
    CHECK(warning("KEY DEL") == "KEY DEL expects 3 arguments");
    CHECK(warning("KEY BLOB GET") == "KEY BLOB GET expects 4 arguments");
    CHECK(warning("KEY BLOB SET k") == "KEY BLOB SET k expects 5 arguments");
    CHECK(warning("SCAN") == "SCAN expects 2 arguments");
    CHECK(warning("NODE LIST 1") == "NODE LIST 1 expects exactly 2 arguments");
    CHECK(warning("NODE LIST  ") == "NODE LIST   expects exactly 2 arguments");
    CHECK(warning("NODE INFO") == "NODE INFO expects exactly 3 arguments");
    CHECK(warning("NODE PING 1 2") == "NODE PING 1 2 expects exactly 3 arguments");
    CHECK(warning("TABLE LIST x") == "TABLE LIST x expects exactly 2 arguments");
    CHECK(warning("TABLE INFO") == "TABLE INFO expects exactly 3 arguments");
    CHECK(warning("TABLE MOVE users") == "TABLE MOVE users expects exactly 5 arguments");
    CHECK(warning("TABLE MOVE users TO 2 3") ==
          "TABLE MOVE users TO 2 3 expects exactly 5 arguments");
    CHECK(warning("TABLE MOVE users AT 2") ==
          "TABLE MOVE requires format: TABLE MOVE <table> TO <node id or region>");
    CHECK(warning("QUORUM INFO") == "QUORUM INFO expects exactly 3 arguments");
    CHECK(warning("NODE REMOVE") == "NODE REMOVE expects exactly 3 arguments");
    CHECK(warning("NODE REMOVE 3 4") == "NODE REMOVE 3 4 expects exactly 3 arguments");
    CHECK(warning("TABLE CREATE") == "TABLE CREATE expects 3 arguments");
    CHECK(warning("TABLE ALTER users") == "TABLE ALTER users expects 4 arguments");
    CHECK(warning("TABLE ALTER users " + std::string(2000, 'x')) ==
          "settings too long: 2001 bytes, at most 1024");
    CHECK(parse("NODE LIST ").kind == parsed_kind::request);
    CHECK(parse("NODE LIST  ", true).kind == parsed_kind::request);
  }

  TEST_CASE("words that mean nothing get the original's errors") {
    CHECK(warning("foo bar") == "command expected, got FOO");
    CHECK(warning("[ID:] KEY GET k") == "command expected, got [ID:]");
    CHECK(warning("HELLO 1.0 x") == "command expected, got HELLO");
    for (const auto* line : {"KEY", "KEY WHAT k", "KEY BLOB", "KEY BLOB DEL k", "NODE", "NODE WHAT",
                             "TABLE", "TABLE TRUNCATE t"})
      CHECK_MESSAGE(warning(line) == "command not implemented: ", line);
    CHECK(warning("QUORUM") == "unknown QUORUM subcommand");
    CHECK(warning("QUORUM WHAT t") == "unknown QUORUM subcommand");
    CHECK(warning("ACL") == "ACL command requires GRANT or REVOKE");
    CHECK(warning("ACL GRANT k p PERMS") == "ACL GRANT k p PERMS expects 6 arguments");
    CHECK(warning("ACL REVOKE k p X READ") ==
          "ACL REVOKE requires format: ACL REVOKE <table> <name> PERMS <permissions>");
    CHECK(warning("ACL GRANT k p PERMS read") == "unknown permissions: read");
  }

  TEST_CASE("a stale read has a bound in whole milliseconds, or none") {
    CHECK(parse("KEY GET k stale").what == atlas::net::verb::key_get_stale);
    CHECK(parse("KEY GET k stale").value.empty());
    CHECK(parse("KEY GET k STALE 5s").value == "5000");
    CHECK(parse("KEY GET k STALE 1999us more").value == "1");
    CHECK(parse("KEY GET k STALE 0").value == "0");
    CHECK(warning("KEY GET k STALE -1s") == "negative age -1s: 0s or more expected");
    CHECK(warning("KEY GET k STALE soon") == "time: invalid duration \"soon\"");
    CHECK(parse("KEY GET k other").what == atlas::net::verb::key_get);
  }

  TEST_CASE("commands with rules carry what they say beside key and value") {
    struct rule_case {
      const char* line;
      verb what;
      const char* key;
      const char* value;
      const char* terms;
    };
    const rule_case cases[] = {
        {"KEY CAS k 7 a  b ", verb::key_cas, "k", "a  b ", "7"},
        {"key cas k absent x", verb::key_cas, "k", "x", "absent"},
        {"KEY INCR k", verb::key_incr, "k", "1", ""},
        {"KEY INCR k -5 x", verb::key_incr, "k", "-5", ""},
        {"KEY INCR k +5", verb::key_incr, "k", "5", ""},
        {"KEY MGET a  b\tc", verb::key_mget, "a", "", "a b c"},
        {"KEY EXPIRE k 1m30s", verb::key_expire, "k", "90000000", ""},
        {"KEY PERSIST k", verb::key_persist, "k", "", ""},
        {"KEY TTL k", verb::key_ttl, "k", "", ""},
        {"KEY META k", verb::key_meta, "k", "", ""},
        {"KEY WORM k TTL 1s", verb::key_worm, "k", "for 1000000", ""},
        {"KEY WORM k EXPIRES 1970-01-01T00:00:01Z", verb::key_worm, "k", "until 1000000", ""},
        {"KEY BLOB STAT k", verb::blob_stat, "k", "", ""},
        {"KEY BLOB GET k RANGE 3 10", verb::blob_get, "k", "", "3 10"},
        {"SCAN p LIMIT 3", verb::scan, "p", "", "3 0 "},
        {"SCAN p values after p.k limit 3", verb::scan, "p", "", "3 1 p.k"},
        {"SCAN p", verb::scan, "p", "", ""},
        {"COUNT p", verb::count, "p", "", ""},
        {"SAMPLE p N 5", verb::sample, "p", "5", ""},
        {"ACL GRANT k ann PERMS READ", verb::acl_grant, "k", "ann", "READ"},
        {"acl revoke k ann perms OWNER", verb::acl_revoke, "k", "ann", "OWNER"},
        {"ACL LIST k", verb::acl_list, "k", "", ""},
        {"INFO", verb::info, "", "", ""}};
    for (const auto& c : cases)
      for (const bool tagged : {false, true}) {
        const auto p = parse(c.line, tagged);
        CHECK_MESSAGE(p.kind == parsed_kind::request, c.line);
        CHECK_MESSAGE(p.what == c.what, c.line);
        CHECK_MESSAGE(p.key == c.key, c.line);
        CHECK_MESSAGE(p.value == c.value, c.line);
        CHECK_MESSAGE(p.terms == c.terms, c.line);
      }
  }

  TEST_CASE("what does not fit such a command is named") {
    const std::pair<const char*, const char*> cases[] = {
        {"KEY CAS k 7", "KEY CAS k 7 expects 5 arguments"},
        {"KEY CAS k", "KEY CAS k expects 5 arguments"},
        {"KEY CAS k 0 x", "invalid version 0: a number from 1, or ABSENT, expected"},
        {"KEY CAS k new x", "invalid version new: a number from 1, or ABSENT, expected"},
        {"KEY INCR k 1.5",
         "invalid number 1.5: a whole number from -9223372036854775808 to 9223372036854775807 "
         "expected"},
        {"KEY MGET", "KEY MGET expects 3 arguments"},
        {"KEY EXPIRE k", "KEY EXPIRE k expects 4 arguments"},
        {"KEY EXPIRE k -1s", "duration -1s is too short: 1us or more expected"},
        {"KEY EXPIRE k 5", "time: missing unit in duration \"5\""},
        {"KEY WORM k TTL", "KEY WORM k TTL expects 5 arguments"},
        {"KEY WORM k FOR 1s",
         "KEY WORM requires format: KEY WORM <key> TTL <duration> or EXPIRES <timestamp>"},
        {"KEY BLOB GET k RANGE 1", "KEY BLOB GET k RANGE 1 expects 7 arguments"},
        {"KEY BLOB GET k RANGE -1 5", "invalid range -1: a number of bytes expected"},
        {"SCAN p LIMIT", "SCAN LIMIT needs an operand behind it"},
        {"SCAN p LIMIT 0", "invalid limit 0: a number from 1 expected"},
        {"SCAN p VALUES VALUES", "SCAN names VALUES twice"},
        {"SAMPLE p 5", "SAMPLE p 5 expects 4 arguments"},
        {"SAMPLE p OF 5", "SAMPLE requires format: SAMPLE <prefix> N <n>"},
        {"SAMPLE p N 0", "invalid size 0: a number from 1 to 10000 expected"},
        {"ACL LIST", "ACL LIST expects exactly 3 arguments"},
        {"ACL LIST k x", "ACL LIST k x expects exactly 3 arguments"},
        {"TXN", "TXN command requires BEGIN, COMMIT or ABORT"},
        {"HELP nonsense", "no help for nonsense"}};
    for (const auto& [line, text] : cases) CHECK(warning(line) == text);
    CHECK(warning("TXN BEGIN", true) == "TXN commands can not be tagged");
    std::string many = "KEY MGET";
    for (int i = 0; i < 257; ++i) many += " k";
    CHECK(warning(many) == "too many keys: at most 256 at once");
    CHECK(warning("WATCH k") == "WATCH needs a request id: [ID:<id>] WATCH <prefix>");
  }

  TEST_CASE("help is told by the words it begins with") {
    CHECK(parse("HELP").kind == parsed_kind::text);
    CHECK(parse("HELP").text.find("TXN BEGIN") != std::string::npos);
    CHECK(parse("help key cas").text.rfind("KEY CAS <key>", 0) == 0);
    CHECK(parse("HELP KEY CAS").text.find("\r\n") == std::string::npos);
  }

  TEST_CASE("blank lines are nothing without a tag and an error with one") {
    CHECK(parse("").kind == parsed_kind::nothing);
    CHECK(parse(" \t \r").kind == parsed_kind::nothing);
    CHECK(warning("", true) == "command not implemented: ");
  }

  TEST_CASE("PRINCIPAL knows two actions and the rules for names") {
    CHECK(warning("PRINCIPAL") == "invalid PRINCIPAL command");
    CHECK(warning("PRINCIPAL OTHER") == "unknown PRINCIPAL action");
    CHECK(warning("PRINCIPAL ASSUME") == "usage: PRINCIPAL ASSUME <name>");
    CHECK(warning("PRINCIPAL ASSUME a\x01") == "usage: PRINCIPAL ASSUME <name>");
    CHECK(warning("PRINCIPAL ASSUME " + std::string(257, 'n')) == "usage: PRINCIPAL ASSUME <name>");
    CHECK(parse("PRINCIPAL ASSUME " + std::string(256, 'n')).kind == parsed_kind::assume);
    CHECK(parse("principal assume Alice extra").key == "Alice");
    CHECK(parse("PRINCIPAL whoami").kind == parsed_kind::whoami);
  }

  TEST_CASE("the length of a blob is decimal and within the limit, everything else is fatal") {
    for (const auto* line : {"KEY BLOB SET k 5", "KEY BLOB SET k +5", "KEY BLOB SET k 005",
                             "key blob set k 5 extra"}) {
      const auto p = parse(line);
      CHECK_MESSAGE(p.kind == parsed_kind::upload, line);
      CHECK(p.length == 5);
      CHECK(p.key == "k");
      CHECK(p.text.empty());
    }
    CHECK(parse("KEY BLOB SET k 0").length == 0);
    CHECK(parse("KEY BLOB SET k 1000").length == 1000);
    for (const auto* line :
         {"KEY BLOB SET k 1001", "KEY BLOB SET k -1", "KEY BLOB SET k x", "KEY BLOB SET k 5x",
          "KEY BLOB SET k +-5", "KEY BLOB SET k 99999999999999999999", "KEY BLOB SET k  "}) {
      const auto p = parse(line);
      CHECK_MESSAGE(p.kind == parsed_kind::fatal, line);
      CHECK_MESSAGE(p.text.rfind("invalid length ", 0) == 0, p.text);
    }
    CHECK(warning("KEY BLOB SET k  ", true) == "KEY BLOB SET k   expects 5 arguments");
  }

  TEST_CASE("a key of 4096 bytes passes, a longer one is named as such") {
    const std::string longest(4096, 'k');
    check_request("KEY GET " + longest, verb::key_get, longest);
    const std::string refusal = "key too long: 4097 bytes, at most 4096";
    CHECK(warning("KEY GET k" + longest) == refusal);
    CHECK(warning("KEY PUT k" + longest + " v") == refusal);
    CHECK(warning("SCAN k" + longest) == refusal);
    const auto upload = parse("KEY BLOB SET k" + longest + " 7");
    CHECK(upload.kind == parsed_kind::upload);  // its bytes must still be taken off the stream
    CHECK(upload.length == 7);
    CHECK(upload.text == refusal);
  }

  TEST_CASE("errors quote long lines only up to a bound") {
    CHECK(warning(std::string(1u << 20, 'x')).size() < 9000);
    CHECK(warning("KEY GET" + std::string(1u << 20, ' ')).size() < 9000);
  }

  TEST_CASE("a handshake is three tokens, HELLO in any case, and version 1.0") {
    for (const auto* line :
         {"HELLO 1.0 token", "hello 1.0 t", "[ID:x] HELLO 1.0 t", "HELLO 1.0 t "})
      CHECK_MESSAGE(handshake_error(line) == "", line);
    for (const auto* line :
         {"", "HELLO", "HELLO 1.0", "HELLO 1.0 a b", "HALLO 1.0 t", "HELLO 1.0 t  ", "HELLO 2.0"})
      CHECK_MESSAGE(handshake_error(line) == "invalid handshake", line);
    CHECK(handshake_error("HELLO 1.1 t") == "invalid protocol version");
  }

  TEST_CASE("a request id needs its exact form at the start of the line") {
    const auto good = peel_tag("[ID:a b]  KEY GET k ");
    CHECK(good.tagged);
    CHECK(good.tag == "a b");
    CHECK(good.body == "KEY GET k ");
    CHECK(peel_tag("[ID:7]X").body == "X");
    CHECK(peel_tag("[ID:x[ID:y] Z").tag == "x[ID:y");
    CHECK(peel_tag("[ID:7]").body.empty());
    for (const auto* line :
         {"[ID:] X", "[id:1] X", " [ID:1] X", "[ID:1 X", "[ID :1] X", "ID:1] X"}) {
      const auto bad = peel_tag(line);
      CHECK_MESSAGE(!bad.tagged, line);
      CHECK(bad.body == line);
    }
  }
}
