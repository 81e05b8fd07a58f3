// The client side of a node: a Unix socket, one epoll thread, and the line protocol of
// docs/protocol.md. It knows connections, frames, tags and ordering; it knows no consensus and no
// storage. Whole read rounds go to the `backend` at once, so that one wake-up carries many
// requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace atlas::net {

/// What the client wants, after parsing and arity checks. PRINCIPAL, HELP and the handshake never
/// leave net/. Numbers in `value` and `terms` are decimal; `<period>` is `for <us>`, or
/// `until <us since the epoch>`.
enum class verb : std::uint8_t {
  key_put,  ///< key, value; terms = empty or the <period> in which it is write-once
  key_get,  ///< key -> VALUE:... or NOT_FOUND
  /// key, value = oldest age in ms, decimal, or empty: any -> AGE:<ms>, then as key_get
  key_get_stale,
  key_del,   ///< key
  blob_set,  ///< key, value (may be empty)
  blob_get,  ///< key; terms = empty or `<from> <length>` -> BLOB n + bytes, or EMPTY
  // Parts of a value that is too large for one request; only the session makes these.
  blob_part,    ///< key, value = bytes, upload, terms = `last_part` or nothing -> their name
  blob_commit,  ///< key, value = core::blob_manifest without its hash, upload
  blob_chunk,   ///< key, value = name, terms = encoded chunk_place -> bytes
  blob_stat,    ///< key -> BLOB size=... or EMPTY
  key_cas,      ///< key, value; terms = `absent` or the version that must be there
  key_incr,     ///< key, value = by how much, signed
  key_mget,     ///< key = the first, terms = all of them, one blank between
  key_expire,   ///< key, value = us from now
  key_persist,  ///< key
  key_ttl,      ///< key
  key_meta,     ///< key
  key_worm,     ///< key, value = <period>
  acl_grant,    ///< key, value = principal, terms = READ, WRITE or OWNER
  acl_revoke,   ///< the same
  acl_list,     ///< key
  txn_commit,   ///< key = that of the first step, value = core::encode_steps
  scan,    ///< key = prefix; terms = empty or `<limit> <0|1: with values> <after>`, 0: no limit
  count,   ///< key = prefix
  sample,  ///< key = prefix, value = how many
  watch,   ///< key = prefix, terms = `<position or -> <0|1: with values>`; a stream of replies
  info,
  node_list,
  node_info,  ///< key = raw node id text
  node_ping,  ///< key = raw node id text
  table_list,
  table_info,    ///< key = table name
  quorum_info,   ///< key = table name
  table_create,  ///< key = table name, value = the words behind it
  table_alter,   ///< the same
  node_remove,   ///< key = raw node id text
  table_move,    ///< key = table name, value = node id or region
  table_drop,    ///< key = table name
  group_create,  ///< key = group name, value = the words behind it
  group_add,     ///< key = table name, value = group name
  group_remove,  ///< the same
  group_list,
  group_info,  ///< key = group name
};

inline constexpr const char* last_part = "last";

/// One parsed request. `ticket` names it in the answer; unique for the life of the process.
struct client_request {
  std::uint64_t ticket = 0;
  verb what = verb::key_get;
  std::string key;
  std::string value;
  std::string principal;
  std::string terms = {};        ///< what else was said, as the verb describes
  std::uint64_t connection = 0;  ///< number of the client's connection, for the audit log
  std::uint64_t upload = 0;      ///< of parts and the end of a large blob: number of the upload
  bool in_line = false;          ///< of an upload: the value stood in the line of a KEY PUT
};

/// How the gateway frames an answer.
enum class reply_kind : std::uint8_t {
  ok,       ///< `OK` alone
  payload,  ///< `text` + CRLF, then `OK` (text may hold several lines joined by CRLF)
  value,    ///< `VALUE:` + text
  line,     ///< `text` alone, without `OK`
  blob,     ///< `BLOB <n>`, then the bytes of text, then `OK`
  warn,     ///< `ERROR WARN <text>`, sanitised by the gateway
  /// A value in chunks: text = `put_string(key) put_string(range terms)` and the manifest. The
  /// session fetches the chunks.
  manifest,
  long_value,  ///< the same, to be framed as a `value`
  chunk,       ///< text = bytes of one
  frames,      ///< several frames without `OK`: text = `put_string(frame)` repeated
};

struct client_reply {
  std::uint64_t ticket = 0;
  reply_kind what = reply_kind::ok;
  std::string text;
  std::string head = {};  ///< a frame in front of all others, if not empty
  bool more = false;      ///< of a stream: further replies to the same ticket follow
};

/// Serves requests. Every method is called on the gateway's thread only.
class backend {
 public:
  virtual ~backend() = default;
  /// Takes all requests of one read round, in arrival order. Each is answered exactly once, through
  /// `poll`, by the backend's own deadline at the latest, also if its client has gone: until then
  /// the gateway counts its bytes as held by the backend.
  virtual void submit(std::vector<client_request>&& round) = 0;
  /// Moves answers that are ready to the end of `out`. Called after `gateway::wake` and after every
  /// round, and at `next_deadline`.
  virtual void poll(std::vector<client_reply>& out) = 0;
  /// The clients of these streams have taken all that they were given; each may be given one more
  /// reply. Until then there is at most one on its way.
  virtual void on_taken(const std::vector<std::uint64_t>& /*tickets*/) {}
  /// These streams are over: nothing is said to them any more, not even an end.
  virtual void cancel(const std::vector<std::uint64_t>& /*tickets*/) {}
  /// Milliseconds until `poll` wants to be called without a wake-up; negative = never.
  [[nodiscard]] virtual int next_deadline_ms() = 0;
};

struct gateway_options {
  std::string socket_path;
  unsigned socket_mode = 0660;              ///< permission bits of the socket file
  std::size_t line_bytes_max = 128u << 20;  ///< longer lines: FATAL
  std::size_t blob_bytes_max = 128u << 20;
  std::size_t value_bytes_max = 1u << 20;     ///< larger ones go to the backend in parts
  std::size_t connections_max = 4096;         ///< further ones get ERROR FATAL too many connections
  std::size_t requests_in_flight_max = 1024;  ///< per connection; reading pauses above it
  std::size_t output_bytes_max = 8u << 20;    ///< per connection; reading pauses above it
  std::size_t input_bytes_max_total = 1u << 30;      ///< unfinished input of all clients together
  std::chrono::milliseconds write_timeout{300'000};  ///< a client that reads nothing is dropped
  /// Keys and values of all requests that the backend has not answered, also those of clients that
  /// have gone; reading pauses above it.
  std::size_t request_bytes_max_total = 512u << 20;
  std::size_t output_bytes_max_total = 1u << 30;  ///< unsent, all clients; the largest is dropped
  /// Submits untagged key operations of one table without waiting for those before them. Only for a
  /// backend that executes all requests of one table, reads and writes alike and repeats included,
  /// in the order of submission: otherwise a client does not read its own writes.
  bool pipeline_untagged = false;
};

/// Owns the socket and the thread. Open, `start`, ..., `stop`.
class gateway {
 public:
  virtual ~gateway() = default;
  /// Starts the thread and serves clients.
  virtual void start() = 0;
  /// Makes the thread call `backend::poll` soon. Thread-safe, cheap, coalesced.
  virtual void wake() = 0;
  /// Stops accepting and reading, lets requests in flight finish for at most `grace`, closes all
  /// connections, removes the socket file and joins the thread. Idempotent.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace atlas::net
