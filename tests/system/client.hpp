// A client of a node's Unix socket, as a test wants it: every call ends within its limit, and what
// came of a request is told apart exactly: answered, refused, lost with the connection, or no
// answer in time. The protocol is spoken by hand, so that the server's own code is not its judge.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/system/process.hpp"

namespace atlas::system_tests {

/// What came of one request.
struct reply {
  enum class kind { ok, error, lost, late };
  kind what = kind::lost;
  /// ok: the payload lines, without line ends and `OK`; a blob's bytes follow its `BLOB <n>` line
  /// as one more. error: the whole line `ERROR ...`.
  std::vector<std::string> lines;

  [[nodiscard]] bool ok() const { return what == kind::ok; }
  /// Lines joined by "\n"; `(connection lost)` or `(no answer)` where there are none.
  [[nodiscard]] std::string text() const;
};

class client {
 public:
  /// Connects and shakes hands; empty if nobody serves there now.
  static std::optional<client> connect(const std::string& socket,
                                       std::chrono::milliseconds limit = patience);
  /// Connects only: the caller sends what it likes.
  static std::optional<client> connect_rudely(const std::string& socket);
  client(client&& other) noexcept;
  client& operator=(client&& other) noexcept;
  ~client();

  /// Sends one line and reads the answer. After `lost` or `late` the client is of no more use.
  reply ask(std::string_view line, std::chrono::milliseconds limit = patience);
  /// `KEY BLOB SET key`.
  reply blob_set(std::string_view key, std::string_view value);
  /// Sends all lines tagged, a bounded number of them at a time; the answers in the order of the
  /// lines. For commands whose payload is one line at most.
  std::vector<reply> ask_all(const std::vector<std::string>& lines);

  /// Sends raw bytes; false if the other side is gone or does not take them in time.
  bool send(std::string_view bytes, std::chrono::milliseconds limit = patience);
  /// The next line without its CRLF; empty on end of stream or when the time is over.
  std::optional<std::string> next_line(std::chrono::milliseconds limit = patience);
  /// True once the server has closed the connection; what it sent before is dropped.
  bool closed_by_server(std::chrono::milliseconds limit = patience);

 private:
  using clock = std::chrono::steady_clock;
  explicit client(int fd) : fd_(fd) {}

  /// Reads what is there into the buffer, waiting for at most until `deadline`.
  bool fill(clock::time_point deadline);
  std::optional<std::string> take_line(clock::time_point deadline);
  std::optional<std::string> take_bytes(std::size_t n, clock::time_point deadline);
  reply read_reply(clock::time_point deadline);
  [[nodiscard]] reply broken() const;

  int fd_ = -1;
  bool at_end_ = false;
  std::string buffer_;
};

}  // namespace atlas::system_tests
