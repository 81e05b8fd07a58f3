#include "net/transaction_desk.hpp"

#include <utility>

#include "net/command_parts.hpp"

namespace atlas::net {
namespace {

using core::step_kind;
using core::txn_step;

client_reply warning(std::string text) {
  return {0, reply_kind::warn, std::move(text)};
}

/// What stands one byte behind token `i`; false if nothing does.
bool value_behind(token_reader& line, std::size_t i, std::string& value) {
  const auto text = line.body();
  if (!line.has(i + 1) || line.end_of(i) + 1 > text.size()) return false;
  value = text.substr(line.end_of(i) + 1);
  return true;
}

std::string read_condition(token_reader& line, txn_step& s) {
  const auto how = line.at(2);
  if (is_word(how, "ABSENT")) {
    s.what = step_kind::if_absent;
    return {};
  }
  if (is_word(how, "VALUE")) {
    s.what = step_kind::if_value;
    return value_behind(line, 2, s.value) ? "" : "IF ... VALUE needs a value behind it";
  }
  if (!is_word(how, "VERSION"))
    return "IF requires format: IF <key> VERSION <n>, ABSENT or VALUE <value>";
  s.what = step_kind::if_version;
  const auto n = number_in(line.at(3));
  if (!n || *n == 0) return "invalid version " + quote(line.at(3)) + ": a number from 1 expected";
  s.number = *n;
  return {};
}

std::string read_amount(token_reader& line, txn_step& s) {
  s.what = step_kind::increase;
  const auto by = line.has(3) ? signed_in(line.at(2)) : 1;
  if (!by) return "invalid number " + quote(line.at(2)) + ": a whole number of 64 bits expected";
  s.number = static_cast<std::uint64_t>(*by);
  return {};
}

/// Empty, or what is wrong with the line.
std::string read_step(token_reader& line, txn_step& s) {
  if (!line.has(2)) return quote(line.body()) + " expects 2 arguments";
  const auto checked = request(verb::key_get, line.at(1));
  if (checked.kind != parsed_kind::request) return checked.text;
  s.key = checked.key;
  if (is_word(line.at(0), "IF")) return read_condition(line, s);
  if (is_word(line.at(0), "INCR")) return read_amount(line, s);
  if (is_word(line.at(0), "DEL")) {
    s.what = step_kind::erase;
    return {};
  }
  s.what = step_kind::put;
  return value_behind(line, 1, s.value) && !s.value.empty()
             ? ""
             : quote(line.body()) + " expects 3 arguments";
}

}  // namespace

bool transaction_desk::is_step(std::string_view line) {
  token_reader words(line);
  const auto first = words.at(0);
  return is_word(first, "IF") || is_word(first, "PUT") || is_word(first, "DEL") ||
         is_word(first, "INCR");
}

bool transaction_desk::may_stand_in(std::string_view line) {
  token_reader words(line);
  return is_word(words.at(0), "TXN") || is_word(words.at(0), "PRINCIPAL");
}

client_reply transaction_desk::busy() {
  return warning("a transaction is open: TXN COMMIT or TXN ABORT first");
}

client_reply transaction_desk::begin() {
  if (open_) return busy();
  *this = {};
  open_ = true;
  return {0, reply_kind::ok, {}};
}

client_reply transaction_desk::spoil(std::string why) {
  if (first_error_.empty()) first_error_ = why;
  return warning(std::move(why));
}

client_reply transaction_desk::add(std::string_view text) {
  token_reader line(text);
  txn_step s;
  if (auto wrong = read_step(line, s); !wrong.empty()) return spoil(std::move(wrong));
  const bool is_late =
      core::is_condition(s.what) && !steps_.empty() && !core::is_condition(steps_.back().what);
  if (is_late) return spoil("conditions stand in front of all changes");
  if (steps_.size() == core::txn_steps_max)
    return spoil("too many lines: at most " + std::to_string(core::txn_steps_max));
  const auto bytes = s.key.size() + s.value.size();
  if (bytes_ + bytes > bytes_max)
    return spoil("transaction too large: at most " + std::to_string(bytes_max) + " bytes");
  bytes_ += bytes;
  steps_.push_back(std::move(s));
  return {0, reply_kind::line, "QUEUED"};
}

client_reply transaction_desk::abort() {
  if (!open_) return warning("no transaction is open: TXN BEGIN first");
  *this = {};
  return {0, reply_kind::ok, {}};
}

bool transaction_desk::commit(client_request& request, client_reply& refusal) {
  if (!open_) {
    refusal = warning("no transaction is open: TXN BEGIN first");
    return false;
  }
  const auto done = std::exchange(*this, {});
  if (!done.first_error_.empty()) {
    refusal = warning("transaction was not committed: " + done.first_error_);
    return false;
  }
  if (done.steps_.empty()) {
    refusal = warning("empty transaction: nothing was queued");
    return false;
  }
  request.what = verb::txn_commit;
  request.key = done.steps_.front().key;
  request.value = core::encode_steps(done.steps_);
  return true;
}

}  // namespace atlas::net
