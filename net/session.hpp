// One client's conversation: handshake, principal, tags, and the order of answers. Bytes go in,
// requests come out; answers go in, bytes come out. No descriptor and no clock, so every
// interleaving can be played in a test.
//
// Order (docs/protocol.md, "request ids"): tagged requests are submitted as they are read and
// answered as they finish. Untagged ones are executed and answered in the order they were read: one
// is submitted when none is in flight, so a client reads its own writes. With `pipeline_untagged`
// it may also join others in flight if it and all of them work on single keys of one table, whose
// order the backend keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/blob_transfer.hpp"
#include "net/command_parser.hpp"
#include "net/gateway.hpp"
#include "net/line_framer.hpp"
#include "net/outbox.hpp"
#include "net/ticket_table.hpp"
#include "net/transaction_desk.hpp"

namespace atlas::net {

/// What all sessions of a gateway share: the round being gathered and the requests in flight.
struct request_desk {
  std::vector<client_request> round;  ///< parsed since the last submit, in arrival order
  ticket_table tickets;
  std::uint64_t last_ticket = 0;
  std::uint64_t last_connection = 0;
  /// Keys, values, terms and tags of all requests in `tickets`. The backend holds them until it
  /// answers, so those of clients that have gone count until then.
  std::size_t bytes_in_flight = 0;
  std::size_t uploads = 0;               ///< that have parts at the backend
  std::size_t parts_up = 0;              ///< parts of uploads there, also of clients that have gone
  std::vector<std::uint64_t> taken;      ///< streams whose clients may be given more
  std::vector<std::uint64_t> cancelled;  ///< streams that are over

  /// Takes the entry of an answered request out of the table; its ticket is 0 if there was none,
  /// its `who` null if the client has gone.
  [[nodiscard]] ticket_entry take(std::uint64_t ticket) {
    auto entry = tickets.take(ticket);
    bytes_in_flight -= entry.bytes;
    if (entry.part == transfer_part::up) --parts_up;
    return entry;
  }
};

class session {
 public:
  /// What a value is taken for before any came.
  static constexpr std::size_t value_bytes_0 = 64 << 10;

  /// Both outlive the session. The greeting is put out at once.
  session(const gateway_options& options, request_desk& desk);
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// Hands in the next bytes, borrowed until `advance` returns. Only while `wants_input`.
  void feed(std::string_view bytes) { framer_.feed(bytes); }
  /// The client has closed its sending side.
  void end_input() { framer_.end(); }
  /// Reads as many commands as the limits and the order allow. Call after `feed`, `end_input`, and
  /// when answers or sent output may have made room.
  void advance();

  /// Takes the answer of a request of this session; `entry` has been taken from the desk.
  void answer(ticket_entry&& entry, client_reply&& reply);
  /// Takes a reply of a stream that goes on; `entry` stays on the desk.
  void answer_part(const ticket_entry& entry, client_reply&& reply);
  /// Everything put out is sent: says so for the streams that something was put out for.
  void note_all_sent();
  /// Ends all streams, as UNWATCH does.
  void end_streams();
  /// Reads no further, answers what is in flight, then says `ERROR FATAL <text>`.
  void fail(std::string text);
  /// Reads no further and finishes when what is in flight is answered.
  void stop_reading();
  /// The client is gone: nothing is read or put out any more, and its requests in flight are
  /// nobody's from now on. To be called before the session dies.
  void abandon();

  /// False while a limit or the order forbids reading; more input would only pile up.
  [[nodiscard]] bool wants_input() const { return !paused_ && !input_over_; }
  /// True if `advance` would read on.
  [[nodiscard]] bool can_advance() const { return (paused_ && may_read()) || wants_chunks(); }
  /// The last `advance` stopped because all clients together have too many bytes in flight.
  [[nodiscard]] bool is_starved() const { return starved_; }
  /// Nothing will be put out any more: send what is there, then close.
  [[nodiscard]] bool is_finished() const {
    return input_over_ && in_flight() == 0 && parts_.empty() && !download_;
  }
  /// It ended with a FATAL error, so the client may still be sending.
  [[nodiscard]] bool has_failed() const { return failed_; }

  [[nodiscard]] outbox& output() { return out_; }
  /// Memory held for input that is not submitted.
  [[nodiscard]] std::size_t input_bytes() const;
  /// Memory that answers to come may take, as far as can be told.
  [[nodiscard]] std::size_t expected_bytes() const { return values_in_flight_ * value_bytes_; }
  /// Memory held for answers that are not sent.
  [[nodiscard]] std::size_t output_bytes() const {
    const auto chunks = download_ ? download_->in_flight + download_->arrived.size() : 0;
    return out_.size() + waiting_bytes_ + deferred_bytes_ + chunks * core::chunk_bytes;
  }

 private:
  using address = reply_address;
  /// An untagged answer; it waits until those before it are there.
  struct slot {
    std::uint64_t ticket = 0;  // 0 once `reply` is there
    client_reply reply;
  };
  /// A reply that waits for the end of a blob.
  struct deferred {
    address to;
    client_reply reply;
    std::uint64_t stream = 0;  ///< its ticket, if it is of one
  };

  [[nodiscard]] std::size_t in_flight() const { return order_.size() + tagged_.size(); }
  [[nodiscard]] bool may_read() const;
  void learn_size(const ticket_entry& entry, std::size_t bytes);
  bool read_frame();
  void on_line(std::string_view line);
  void on_parsed(parsed_command&& command, address&& to);
  void on_upload_end(bool is_kept);
  [[nodiscard]] static std::size_t request_bytes(const client_request& r);
  // session_blobs.cpp
  void begin_upload(blob_upload&& u, std::size_t length);
  void expect_part();
  void begin_line_upload(std::string&& key, std::string&& value, address&& to);
  void on_part_read(bool is_kept);
  void cut_part();
  [[nodiscard]] bool has_room_for_part() const;
  void send_part(std::string&& bytes);
  void submit_part(client_request&& r, transfer_part what, std::size_t place);
  void answer_transfer(const ticket_entry& entry, client_reply&& reply);
  void finish_upload();
  void put_out(const address& to, client_reply&& reply, std::uint64_t stream = 0);
  void begin_download(const address& to, client_reply&& reply);
  [[nodiscard]] bool wants_chunks() const;
  void ask_chunks();
  void ask_chunk(std::size_t number);
  void put_out_chunks();
  void end_download();
  void request(client_request&& r, address&& to);
  void on_transaction(parsed_kind what);
  void on_unwatch(const std::string& tag, const address& to);
  [[nodiscard]] const ticket_entry* find_stream(std::string_view tag) const;
  void end_stream(std::uint64_t ticket);
  void take_out(const ticket_entry& entry);
  [[nodiscard]] bool may_join(verb what, std::string_view key) const;
  void submit(client_request&& r, address&& to);
  void reply_at_once(client_reply&& r, const address& to);
  void put_out_ready();
  void close_if_done();

  const gateway_options& options_;
  request_desk& desk_;
  line_framer framer_;
  outbox out_;
  std::string principal_;
  std::uint64_t connection_;
  transaction_desk transaction_;
  bool greeted_ = false;     // HELLO was good
  bool paused_ = false;      // the last `advance` stopped at a limit, not for want of input
  bool starved_ = false;     // that limit was the one of all clients together
  bool input_over_ = false;  // no command will be read any more
  bool failed_ = false;
  std::string fatal_;  // to be said when nothing is in flight
  std::optional<blob_upload> upload_;
  std::optional<blob_download> download_;
  std::vector<std::uint64_t> parts_;    // tickets of parts of both
  std::deque<deferred> deferred_;       // replies behind the blob that is put out
  std::size_t deferred_bytes_ = 0;      // text of those
  std::optional<client_request> held_;  // untagged, parsed, must wait for those in flight

  std::deque<slot> order_;         // untagged answers not put out yet, oldest first
  std::uint64_t order_first_ = 0;  // number of order_.front()
  std::size_t unanswered_ = 0;     // slots with a ticket
  std::size_t waiting_bytes_ = 0;  // text of slots without
  bool joinable_ = false;          // all unanswered work on single keys of table_
  std::string table_;
  std::size_t values_in_flight_ = 0;         // asked for, and not answered
  std::size_t value_bytes_ = value_bytes_0;  // how large they are, going by the last ones
  std::vector<std::uint64_t> tagged_;        // tickets in flight, in no order
  std::vector<std::uint64_t> given_;         // streams with replies among what is put out
};

}  // namespace atlas::net
