#include "net/help_text.hpp"

#include "net/tokens.hpp"

namespace atlas::net {
namespace {

constexpr std::string_view lines[] = {
    "KEY PUT <key> [WORM TTL <duration>|EXPIRES <timestamp>] <value> - write a text value",
    "KEY SET <key> <value> - the same as KEY PUT",
    "KEY GET <key> - read a value",
    "KEY GET <key> STALE [<duration>] - read this node's copy, with its age",
    "KEY DEL <key> - remove a value",
    "KEY CAS <key> <version>|ABSENT <value> - write if the version is this",
    "KEY INCR <key> [<by>] - add to a whole number",
    "KEY MGET <key> ... - read several values",
    "KEY EXPIRE <key> <duration> - let a value end",
    "KEY PERSIST <key> - let it stay after all",
    "KEY TTL <key> - what is left of its time",
    "KEY META <key> - version, size, times, writer",
    "KEY WORM <key> TTL <duration>|EXPIRES <timestamp> - make it write-once for longer",
    "KEY BLOB SET <key> <length> - write the bytes that follow",
    "KEY BLOB GET <key> [RANGE <from> <length>] - read bytes",
    "KEY BLOB STAT <key> - size and hash of a value",
    "SCAN <prefix> [LIMIT <n>] [AFTER <key>] [VALUES] - list keys",
    "COUNT <prefix> - count keys",
    "SAMPLE <prefix> N <n> - some keys by chance",
    "[ID:<id>] WATCH <prefix> [FROM <position>] [VALUES] - be told of every change",
    "UNWATCH <id> - end a watch",
    "TXN BEGIN - begin a transaction: IF, PUT, DEL and INCR lines follow",
    "TXN COMMIT - do all of it or nothing",
    "TXN ABORT - forget it",
    "PRINCIPAL ASSUME <name> - act as this principal",
    "PRINCIPAL WHOAMI - who acts here",
    "ACL GRANT <key or table> <principal> PERMS READ|WRITE|OWNER - give access",
    "ACL REVOKE <key or table> <principal> PERMS READ|WRITE|OWNER - take it away",
    "ACL LIST <key or table> - who has access",
    "NODE LIST - all nodes",
    "NODE INFO <id> - one of them",
    "NODE PING <id> - round trip to it",
    "NODE REMOVE <id> - take it out for good",
    "TABLE LIST - all tables",
    "TABLE INFO <table> - one of them",
    "TABLE CREATE <table> [fn=<n>|auto] [fz=<n>|auto] - make a table",
    "TABLE ALTER <table> [fn=<n>|auto] [fz=<n>|auto] - change what it survives",
    "TABLE MOVE <table> TO <node id or region> - give it another owner",
    "TABLE DROP <table> - remove it with all it holds",
    "GROUP CREATE <group> [fn=<n>|auto] [fz=<n>|auto] - make a group of tables",
    "GROUP ADD <group> <table> - put a table into it",
    "GROUP REMOVE <group> <table> - take it out",
    "GROUP LIST - all groups",
    "GROUP INFO <group> - one of them",
    "QUORUM INFO <table> - who is needed, and what may still fail",
    "INFO - about this node",
    "HELP [<command>] - these lines"};

bool begins(std::string_view line, std::string_view topic) {
  if (line.starts_with('[')) line.remove_prefix(line.find(' ') + 1);
  token_reader wanted(topic);
  token_reader words(line);
  for (std::size_t i = 0; i < 3 && wanted.has(i + 1); ++i)
    if (upper(words.at(i)) != upper(wanted.at(i))) return false;
  return true;
}

}  // namespace

std::string help_text(std::string_view topic) {
  std::string text;
  for (const auto line : lines)
    if (begins(line, topic)) text.append(text.empty() ? "" : "\r\n").append(line);
  return text;
}

}  // namespace atlas::net
