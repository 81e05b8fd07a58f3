// The two wires the load generator speaks: Atlas's line protocol and redis's RESP. Requests are
// appended to a buffer that has its size already, replies are parsed where they lie: nothing is
// allocated per request, so that the same cheap client measures both.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/bench_options.hpp"
#include "cli/bench_workload.hpp"

namespace atlas::cli {

/// What a frame says, beside that a reply goes on, is whole or failed.
enum class bench_frame : std::uint8_t {
  none,       ///< nothing: OK alone, an empty line
  value,      ///< VALUE:
  not_found,  ///< NOT_FOUND
  version,    ///< VERSION:<number>
  conflict,   ///< CONFLICT VERSION:<number>, or ABSENT and number 0
  queued,     ///< QUEUED
  committed,  ///< COMMITTED SLOT:<number>
  keys,       ///< KEYS:<number>; so many lines follow
  more,       ///< MORE <key>, without a tag: ends the lines of a listing that was cut short
  count,      ///< COUNT:<number>
  blob,       ///< BLOB <number>; so many bytes follow
  empty,      ///< EMPTY
};

/// What the first bytes of a receive buffer are.
struct bench_reply {
  enum class kind : std::uint8_t {
    incomplete,  ///< more bytes are needed; `used` is 0
    payload,     ///< a frame that is not the last of its reply
    success,     ///< the reply is whole
    error,       ///< the reply is whole and says no; `text` is its words
    broken,      ///< not a reply at all; `text` is what was found
  };
  kind what = kind::incomplete;
  bench_frame frame = bench_frame::none;
  std::size_t used = 0;    ///< bytes to drop from the buffer; a body behind the frame is not in it
  std::uint32_t slot = 0;  ///< from the tag; without tags replies come in order
  std::uint64_t number = 0;
  std::string_view text{};  ///< points into the buffer
};

/// Encodes requests and recognises replies. Holds no connection state; safe to share.
class bench_wire {
 public:
  explicit bench_wire(const bench_options& options);

  /// Appends `request` as request `slot` to `out`. Redis has put and get alone.
  void append(std::string& out, std::uint32_t slot, const bench_request& request) const;

  /// Looks at the start of `in`.
  [[nodiscard]] bench_reply parse(std::string_view in) const;

  /// Whether replies name their slot.
  [[nodiscard]] bool tagged() const { return tagged_; }

  /// Bytes of every value that is written.
  [[nodiscard]] std::size_t value_bytes() const { return value_.size(); }

  /// No whole frame is longer: the size that buffers need.
  [[nodiscard]] std::size_t frame_bytes_max() const;

 private:
  using key_buffer = std::array<char, 128>;  // a prefix of at most 64 bytes and two numbers

  std::string_view name_table(std::uint32_t key, key_buffer& room) const;
  std::string_view name_key(std::uint32_t key, char letter, key_buffer& room) const;
  void append_atlas(std::string& out, std::uint32_t slot, const bench_request& request) const;
  void append_redis(std::string& out, const bench_request& request) const;
  void append_txn(std::string& out, const bench_request& request) const;
  [[nodiscard]] bench_reply parse_atlas(std::string_view in) const;
  [[nodiscard]] bench_reply parse_redis(std::string_view in) const;

  bench_engine engine_;
  bool tagged_;
  std::uint32_t tables_;
  std::uint32_t scan_limit_;
  std::string prefix_;
  std::string value_;
};

}  // namespace atlas::cli
