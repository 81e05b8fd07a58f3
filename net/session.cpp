// See the header for the rules of order. Reading stops in three ways: for want of input, at a limit
// (`paused_`, resumed by `advance`), and for good (`input_over_`).
#include "net/session.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "net/frames.hpp"
#include "net/tokens.hpp"

namespace atlas::net {
namespace {

client_reply warning(std::string text) {
  return {0, reply_kind::warn, std::move(text)};
}

/// The backend executes those of one table in the order of submission.
bool keeps_order(verb what) {
  // The end of an upload waits for its parts, and goes by itself.
  return is_key_operation(what) && what != verb::key_get_stale && what != verb::blob_commit;
}

/// What the client said, which may be long in each of the three.
std::size_t bytes_of(const client_request& r) {
  return r.key.size() + r.value.size() + r.terms.size();
}

/// How many values of unknown size the answer may hold.
std::uint32_t values_of(const client_request& r) {
  switch (r.what) {
    case verb::key_get:
    case verb::key_get_stale:
    case verb::blob_get:
      return 1;
    case verb::key_mget:
      return 1 + static_cast<std::uint32_t>(std::count(r.terms.begin(), r.terms.end(), ' '));
    case verb::scan:
      return 16;
    default:
      return 0;
  }
}

// Beside the bytes of its strings a request costs about this much on its way.
constexpr std::size_t request_overhead_bytes = 256;

}  // namespace

session::session(const gateway_options& options, request_desk& desk)
    : options_(options),
      desk_(desk),
      framer_(options.line_bytes_max),
      connection_(++desk.last_connection) {
  out_.append(greeting);
}

std::size_t session::request_bytes(const client_request& r) {
  return request_overhead_bytes + bytes_of(r);
}

void session::advance() {
  ask_chunks();
  if (input_over_) return;
  if (held_ && unanswered_ == 0) submit(*std::exchange(held_, std::nullopt), {});
  bool more = true;
  while (more && may_read()) more = read_frame();
  if (input_over_) return;
  paused_ = more;
  starved_ = paused_ && desk_.bytes_in_flight > options_.request_bytes_max_total;
  framer_.settle();
}

bool session::may_read() const {
  if (held_) return unanswered_ == 0;
  if (upload_ && upload_->is_whole()) return upload_->in_flight == 0;
  if (upload_ && !has_room_for_part()) return false;
  // Parts leave a trace: not before what was sent in front of them is done.
  if (upload_ && upload_->in_parts() && !upload_->to.tagged && unanswered_ > 0) return false;
  // One request is let through whatever it may bring.
  const auto expected = in_flight() == 0 ? 0 : expected_bytes();
  return !input_over_ && in_flight() < options_.requests_in_flight_max &&
         output_bytes() + expected <= options_.output_bytes_max &&
         desk_.bytes_in_flight <= options_.request_bytes_max_total;
}

bool session::read_frame() {
  if (upload_ && upload_->is_whole()) {
    finish_upload();
    return true;
  }
  if (upload_ && !upload_->line.empty()) {
    cut_part();
    return true;
  }
  const auto next = framer_.next();
  switch (next.what) {
    case frame_kind::none:
      return false;
    case frame_kind::line:
      on_line(next.bytes);
      return true;
    case frame_kind::blob:
    case frame_kind::skipped:
      on_upload_end(next.what == frame_kind::blob);
      return true;
    case frame_kind::too_long:
      fail("command exceeded maximum length");
      return false;
    case frame_kind::truncated:  // the client broke off; nothing of the blob is kept
    case frame_kind::end:
      stop_reading();
      return false;
  }
  return false;
}

void session::on_line(std::string_view line) {
  if (!greeted_) {
    if (const auto error = handshake_error(line); !error.empty()) return fail(std::string(error));
    greeted_ = true;
    out_.append(ready);
    return;
  }
  const auto split = peel_tag(line);
  if (transaction_.is_open() && !split.tagged && transaction_desk::is_step(split.body))
    return reply_at_once(transaction_.add(split.body), {});
  auto command = parse_command(split.body, split.tagged, options_.blob_bytes_max);
  // An upload is refused when its bytes are off the stream.
  const bool answers = command.kind == parsed_kind::request || command.kind == parsed_kind::text ||
                       command.kind == parsed_kind::warn;
  if (transaction_.is_open() && !split.tagged && answers &&
      !transaction_desk::may_stand_in(split.body)) {
    // A mistyped step must not be missing from what a client that does not wait commits.
    if (command.kind == parsed_kind::warn)
      return reply_at_once(transaction_.spoil(std::move(command.text)), {});
    return reply_at_once(transaction_desk::busy(), {});
  }
  on_parsed(std::move(command), {split.tagged, std::string(split.tag)});
}

void session::on_parsed(parsed_command&& command, address&& to) {
  switch (command.kind) {
    case parsed_kind::nothing:
      return;
    case parsed_kind::request:
      if (command.what == verb::key_put && command.terms.empty() &&
          command.value.size() > options_.value_bytes_max)
        return begin_line_upload(std::move(command.key), std::move(command.value), std::move(to));
      return request({0, command.what, std::move(command.key), std::move(command.value), principal_,
                      std::move(command.terms)},
                     std::move(to));
    case parsed_kind::text:
      return reply_at_once({0, reply_kind::payload, std::move(command.text)}, to);
    case parsed_kind::txn_begin:
    case parsed_kind::txn_commit:
    case parsed_kind::txn_abort:
      return on_transaction(command.kind);
    case parsed_kind::unwatch:
      return on_unwatch(command.key, to);
    case parsed_kind::upload:
      return begin_upload({std::move(to), std::move(command.key), std::move(command.text)},
                          command.length);
    case parsed_kind::assume:
      principal_ = std::move(command.key);
      return reply_at_once({0, reply_kind::ok, {}}, to);
    case parsed_kind::whoami:
      return reply_at_once(
          {0, reply_kind::payload, "PRINCIPAL " + (principal_.empty() ? "(none)" : principal_)},
          to);
    case parsed_kind::warn:
      return reply_at_once(warning(std::move(command.text)), to);
    case parsed_kind::fatal:
      return fail(std::move(command.text));
  }
}

void session::on_upload_end(bool is_kept) {
  ATLAS_CHECK(upload_.has_value(), "the end of a blob nobody announced");
  if (upload_->in_parts()) return on_part_read(is_kept);
  auto done = *std::exchange(upload_, std::nullopt);
  if (!done.refusal.empty()) return reply_at_once(warning(std::move(done.refusal)), done.to);
  auto bytes = framer_.take_blob();
  if (transaction_.is_open() && !done.to.tagged)
    return reply_at_once(transaction_desk::busy(), done.to);
  request({0, verb::blob_set, std::move(done.key), std::move(bytes), principal_},
          std::move(done.to));
}

void session::on_transaction(parsed_kind what) {
  if (what == parsed_kind::txn_begin) return reply_at_once(transaction_.begin(), {});
  if (what == parsed_kind::txn_abort) return reply_at_once(transaction_.abort(), {});
  client_request r;
  client_reply refusal;
  r.principal = principal_;
  if (!transaction_.commit(r, refusal)) return reply_at_once(std::move(refusal), {});
  request(std::move(r), {});
}

void session::request(client_request&& r, address&& to) {
  if (r.what == verb::watch && find_stream(to.tag))
    return reply_at_once(warning("a watch with the id " + to.tag +
                                 " is open on this connection: choose another, or UNWATCH it"),
                         to);
  r.connection = connection_;
  if (to.tagged || may_join(r.what, r.key)) return submit(std::move(r), std::move(to));
  held_ = std::move(r);
}

bool session::may_join(verb what, std::string_view key) const {
  return unanswered_ == 0 ||
         (options_.pipeline_untagged && joinable_ && keeps_order(what) && table_of(key) == table_);
}

void session::submit(client_request&& r, address&& to) {
  r.ticket = ++desk_.last_ticket;
  ticket_entry entry;
  entry.ticket = r.ticket;
  entry.who = this;
  entry.bytes = request_bytes(r) + to.tag.size();
  entry.values = values_of(r);
  values_in_flight_ += entry.values;
  entry.tagged = to.tagged;
  entry.stream = r.what == verb::watch;
  if (to.tagged) {
    entry.place = tagged_.size();
    entry.tag = std::move(to.tag);
    tagged_.push_back(r.ticket);
  } else {
    if (unanswered_ == 0) {
      joinable_ = keeps_order(r.what);
      table_ = table_of(r.key);
    }
    entry.place = order_first_ + order_.size();
    order_.push_back({r.ticket, {}});
    ++unanswered_;
  }
  desk_.bytes_in_flight += entry.bytes;
  desk_.tickets.put(std::move(entry));
  desk_.round.push_back(std::move(r));
}

/// Answers hold memory from the moment the backend makes them, long before they can be put out. So
/// reading goes by what the last ones brought: at once when they grow, slowly when they shrink.
void session::learn_size(const ticket_entry& entry, std::size_t bytes) {
  if (entry.values == 0) return;
  values_in_flight_ -= entry.values;
  value_bytes_ = std::max(bytes / entry.values, value_bytes_ - value_bytes_ / 8);
}

void session::answer(ticket_entry&& entry, client_reply&& reply) {
  learn_size(entry, reply.text.size());
  if (entry.part != transfer_part::none) {
    answer_transfer(entry, std::move(reply));
  } else if (entry.tagged) {
    take_out(entry);
    put_out({true, std::move(entry.tag)}, std::move(reply));
  } else {
    auto& waiting = order_[entry.place - order_first_];
    ATLAS_CHECK(waiting.ticket == entry.ticket, "an untagged request is where its entry says");
    waiting.ticket = 0;
    --unanswered_;
    if (entry.place == order_first_) {
      order_.pop_front();
      ++order_first_;
      put_out({}, std::move(reply));
      put_out_ready();
    } else {
      waiting_bytes_ += reply.text.size();
      waiting.reply = std::move(reply);
    }
  }
  close_if_done();
}

void session::reply_at_once(client_reply&& r, const address& to) {
  if (to.tagged || order_.empty()) return put_out(to, std::move(r));
  waiting_bytes_ += r.text.size();
  order_.push_back({0, std::move(r)});
}

void session::put_out_ready() {
  while (!order_.empty() && order_.front().ticket == 0) {
    auto reply = std::move(order_.front().reply);
    waiting_bytes_ -= reply.text.size();
    order_.pop_front();
    ++order_first_;
    put_out({}, std::move(reply));
  }
}

void session::fail(std::string text) {
  if (failed_) return;
  failed_ = true;
  end_streams();
  fatal_ = std::move(text);
  stop_reading();
}

void session::stop_reading() {
  input_over_ = true;
  paused_ = starved_ = false;
  if (held_ && held_->upload) desk_.cancelled.push_back(held_->upload);
  held_.reset();
  if (upload_ && upload_->in_parts()) desk_.cancelled.push_back(upload_->id);
  if (upload_ && upload_->in_flight > 0) --desk_.uploads;
  upload_.reset();
  transaction_ = {};  // nobody can commit it any more
  framer_.clear();
  close_if_done();
}

void session::close_if_done() {
  if (!is_finished() || fatal_.empty()) return;
  append_fatal(out_, std::exchange(fatal_, std::string()));
}

void session::abandon() {
  // The backend keeps the bytes of the requests, so their entries stay, too, until it answers.
  for (const auto& waiting : order_)
    if (waiting.ticket != 0) desk_.tickets.find(waiting.ticket)->who = nullptr;
  for (const auto ticket : tagged_) {
    auto* const entry = desk_.tickets.find(ticket);
    if (entry->stream) {
      desk_.cancelled.push_back(ticket);
      static_cast<void>(desk_.take(ticket));
    } else {
      entry->who = nullptr;
    }
  }
  for (const auto ticket : parts_) desk_.tickets.find(ticket)->who = nullptr;
  parts_.clear();
  download_.reset();
  deferred_.clear();
  deferred_bytes_ = 0;
  given_.clear();
  order_.clear();
  tagged_.clear();
  unanswered_ = waiting_bytes_ = values_in_flight_ = 0;
  fatal_.clear();  // or it would be put out now that nothing is in flight
  out_.clear();
  stop_reading();
}

std::size_t session::input_bytes() const {
  return framer_.held_bytes() + transaction_.held_bytes() + (held_ ? bytes_of(*held_) : 0) +
         (upload_ ? upload_->line.size() : 0);
}

}  // namespace atlas::net
