// One client: its bytes in and out, its handshake, principal, request ids and the order of its
// replies. Knows sockets only as bytes; the gateway moves them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/command_line.hpp"
#include "net/gateway.hpp"

namespace atlas::net {

class connection {
 public:
  /// Tickets of this connection carry `number` in their upper 32 bits.
  connection(std::uint32_t number, const gateway_options& options);

  /// Room for up to `bytes` of input; `received` says how many came.
  [[nodiscard]] char* input_room(std::size_t bytes);
  void received(std::size_t bytes);
  /// The client will send no more.
  void input_ended() { ended_ = true; }

  /// Takes complete lines apart and appends requests to `round`, as far as order and bounds allow:
  /// untagged requests run one at a time, and nothing behind one is read before it is answered
  /// (atlas-behaviour.md §1.6).
  void parse(std::vector<client_request>& round);
  /// Writes the frames of an answer. False if the ticket is not (any more) one of ours.
  bool answer(client_reply&& r);

  [[nodiscard]] std::string_view output() const {
    return std::string_view(out_).substr(out_sent_);
  }
  void sent(std::size_t bytes);

  /// Whether the gateway should read from the socket now.
  [[nodiscard]] bool wants_input() const;
  /// Nothing more will happen: close once the output is sent.
  [[nodiscard]] bool finished() const;
  [[nodiscard]] std::size_t input_bytes() const { return in_.capacity(); }
  [[nodiscard]] std::size_t in_flight() const { return tags_.size() + (untagged_ ? 1 : 0); }
  /// Refuses everything from here on with ERROR FATAL `text`.
  void fail(std::string_view text);
  [[nodiscard]] std::vector<std::uint64_t> open_tickets() const;

  std::chrono::steady_clock::time_point progress_at;  ///< output moved last
  bool in_epoll_out = false;
  bool dirty = false;  ///< stands in the gateway's list of connections to flush

 private:
  bool parse_one(std::vector<client_request>& round);
  bool take_line(std::string_view& line);
  void on_hello(std::string_view line);
  void on_line(std::string_view line, std::vector<client_request>& round);
  bool take_blob(std::vector<client_request>& round);
  void submit(const command_line& c, std::string value, std::vector<client_request>& round);
  void frame(std::string_view tag, std::string_view text);
  void compact();

  const gateway_options& options_;
  const std::uint64_t number_;
  std::uint32_t serial_ = 0;

  std::string in_;               ///< bytes [head_, tail_) are not parsed yet
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::size_t searched_ = 0;     ///< no line end before this offset
  bool ended_ = false;
  bool greeted_ = false;
  bool closing_ = false;
  std::string principal_;

  /// An upload whose bytes have not all come.
  struct upload {
    std::string key;
    std::string tag;
    std::size_t bytes;
  };
  std::optional<upload> upload_;

  std::uint64_t untagged_ = 0;   ///< ticket of the untagged request in flight; 0 = none
  std::unordered_map<std::uint64_t, std::string> tags_;

  std::string out_;
  std::size_t out_sent_ = 0;
};

}  // namespace atlas::net
