// The two wires the load generator speaks: Atlas's line protocol and redis's RESP. Requests are
// appended to a buffer that has its size already, replies are parsed where they lie: nothing is
// allocated per request, so that the same cheap client measures both.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/bench_options.hpp"

namespace atlas::cli {

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
  std::size_t used = 0;     ///< bytes to drop from the buffer
  bool miss = false;        ///< the key is not there (a payload, or a success)
  std::uint32_t slot = 0;   ///< from the tag; without tags replies come in order
  std::string_view text{};  ///< points into the buffer
};

/// Encodes requests and recognises replies. Holds no connection state; safe to share.
class bench_wire {
 public:
  explicit bench_wire(const bench_options& options);

  /// Appends a write or read of key number `key` as request `slot` to `out`.
  void put(std::string& out, std::uint32_t slot, std::uint32_t key) const;
  void get(std::string& out, std::uint32_t slot, std::uint32_t key) const;

  /// Looks at the start of `in`.
  [[nodiscard]] bench_reply parse(std::string_view in) const;

  /// Whether replies name their slot.
  [[nodiscard]] bool tagged() const { return tagged_; }

  /// No whole frame is longer: the size that buffers need.
  [[nodiscard]] std::size_t frame_bytes_max() const;

 private:
  using key_buffer = std::array<char, 128>;  // a prefix of at most 64 bytes and two numbers

  std::string_view name_key(std::uint32_t key, key_buffer& room) const;
  void append_tag(std::string& out, std::uint32_t slot) const;
  [[nodiscard]] bench_reply parse_atlas(std::string_view in) const;
  [[nodiscard]] bench_reply parse_redis(std::string_view in) const;

  bench_engine engine_;
  bool tagged_;
  std::uint32_t tables_;
  std::string prefix_;
  std::string value_;
};

}  // namespace atlas::cli
