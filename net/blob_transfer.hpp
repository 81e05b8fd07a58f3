// A value too large for one request, on its way through a session in parts: up, each part a request
// of its own and the manifest last, or down, part by part as the client takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/blob_manifest.hpp"
#include "core/chunk_window.hpp"

namespace atlas::net {

/// Parts that the uploads of a node have at the backend: enough for hashes and fsyncs to overlap.
inline constexpr std::size_t parts_in_flight_max = core::chunk_window::most;
/// Parts of one download that are asked for or wait for their turn. A round trip brings as many,
/// and what is on its way from one node must stay far below a link's window (actors/peer_link.hpp).
inline constexpr std::size_t parts_ahead_max = 8;

/// Where an answer belongs.
struct reply_address {
  bool tagged = false;
  std::string tag;
  [[nodiscard]] const std::string* tag_or_null() const { return tagged ? &tag : nullptr; }
};

/// A value whose bytes are still coming, or stand in a line that has come.
struct blob_upload {
  reply_address to;
  std::string key;
  std::string refusal;   ///< not empty: what is left is thrown away
  std::uint64_t id = 0;  ///< 0: it is kept whole, in the framer
  std::size_t left = 0;  ///< bytes that have not come, or of `line` that are not on their way
  core::blob_manifest manifest = {};
  std::size_t in_flight = 0;  ///< parts that are not answered
  std::string line = {};      ///< the value, if it came in one line, as far as it is not sent
  bool in_line = false;       ///< it came so

  [[nodiscard]] bool in_parts() const { return id != 0; }
  /// All has come; what is missing are answers.
  [[nodiscard]] bool is_whole() const { return in_parts() && left == 0; }
};

/// A blob that is being put out.
struct blob_download {
  reply_address to;
  std::string key;
  core::blob_manifest manifest;
  std::uint64_t from = 0;  ///< bytes [from, end) of the value
  std::uint64_t end = 0;
  std::size_t next_ask = 0;  ///< number of the first chunk that was not asked for
  std::size_t next_put = 0;  ///< and that was not put out
  std::map<std::size_t, std::string> arrived;
  std::size_t in_flight = 0;
  bool is_value = false;                        ///< framed as the answer to KEY GET
  bool is_begun = false;                        ///< the head is put out
  std::map<std::size_t, unsigned> failed = {};  ///< how often each chunk could not be had

  [[nodiscard]] std::size_t chunks_end() const {
    return static_cast<std::size_t>((end + core::chunk_bytes - 1) / core::chunk_bytes);
  }
};

}  // namespace atlas::net
