// Nothing is ever sent twice: a command whose first byte left is either answered or reported as
// unknown. Before each command the connection is looked at, so that a restart between two commands
// costs none of them.
#include "cli/console_session.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

namespace atlas::cli {

namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{1'000};
constexpr milliseconds greeting_wait{2'000};

constexpr const char* transaction_gone =
    "the open transaction is gone with the connection; nothing of it was done";

milliseconds since(clock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(clock::now() - then);
}

}  // namespace

console_session::console_session(console_client client, session_options options)
    : path_(client.path()), options_(std::move(options)), client_(std::move(client)) {
  if (!options_.pause) options_.pause = [](milliseconds d) { std::this_thread::sleep_for(d); };
}

command_outcome console_session::run(const console_request& request, const ask_hooks& hooks) {
  auto noting = hooks;
  noting.on_frame = [this, &hooks](const console_frame& frame) {
    note_frame(frame);
    if (hooks.on_frame) hooks.on_frame(frame);
  };
  // Twice at most: a connection that was lost unseen swallows nothing, and the new one is fresh.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool had_transaction = in_transaction_;
    if (reconnects()) idle(hooks.on_frame);
    if (had_transaction && !in_transaction_)
      return {false, {}, std::string("not sent: ") + transaction_gone, false};
    std::string trouble;
    if (!client_ && !connect_again(trouble)) return {false, {}, "not sent: " + trouble, false};
    auto asked = client_->ask(request, noting);
    if (asked.ended == ask_result::how::answered) {
      note_answer(request, asked.last);
      if (asked.last.is_fatal() && reconnects()) disconnect("closed by the server");
      const bool over = asked.last.is_fatal() && !reconnects();
      return {true, std::move(asked.last), "", over};
    }
    if (!reconnects()) return {false, {}, asked.detail, true};
    const bool commits = request.txn == console_request::transaction::ends &&
                         request.does == console_request::effect::writes;
    if (commits) in_transaction_ = false;  // its fate is unknown, not "nothing was done"
    disconnect("");
    if (asked.ended != ask_result::how::not_sent || had_transaction)
      return {false, {}, unanswered(request, asked), false};
  }
  return {false, {}, "not sent: connection to " + path_ + " lost again", false};
}

std::string console_session::unanswered(const console_request& request,
                                        const ask_result& asked) const {
  if (asked.ended == ask_result::how::payload_failed) return asked.detail;
  if (asked.ended == ask_result::how::not_sent) return "not sent: " + asked.detail;
  switch (request.does) {
    case console_request::effect::reads:
      return "no answer: " + asked.detail;
    case console_request::effect::connection:
      return "without effect: " + asked.detail;
    case console_request::effect::writes:
      break;
  }
  return "outcome unknown: " + asked.detail + "; the command may have been executed or not";
}

void console_session::idle(const std::function<void(const console_frame&)>& on_frame) {
  if (!client_) return;
  const auto drained = client_->drain([this, &on_frame](const console_frame& frame) {
    note_frame(frame);
    if (on_frame) on_frame(frame);
  });
  if (!drained) disconnect(drained.error().detail);
}

core::result<core::done> console_session::follow(
    const std::function<void(const console_frame&)>& on_frame) {
  while (watching()) {
    const auto frame = client_->wait();
    if (!frame) return frame.error();
    note_frame(frame.value());
    on_frame(frame.value());
  }
  return core::done{};
}

void console_session::say(const std::string& what) const {
  if (options_.say) options_.say(what);
}

// `how` empty: the command's own outcome tells it.
void console_session::disconnect(const std::string& how) {
  client_.reset();
  if (!how.empty()) say(how);
  if (in_transaction_) say(transaction_gone);
  in_transaction_ = false;
  for (const auto& [id, position] : watches_)
    say("watch " + (id.empty() ? std::string("without id") : id) + " ended with the connection" +
        (position.empty()
             ? ""
             : "; WATCH <prefix> FROM " + position + " goes on behind its last event"));
  watches_.clear();
}

bool console_session::connect_again(std::string& trouble) {
  refused_ = false;
  say("connecting to " + path_ + " again");
  auto pause = first_pause;
  // Pauses count by their length, so that tests need not wait for them.
  for (milliseconds spent{0};;) {
    const auto begun = clock::now();
    const auto left = options_.reconnect_for - spent;
    const auto failed = try_connect(std::min(left, greeting_wait));
    if (!failed) {
      say("connected");
      return true;
    }
    trouble = *failed;
    spent += since(begun);
    if (refused_ || spent >= options_.reconnect_for) return false;
    pause = std::min(pause, options_.reconnect_for - spent);
    options_.pause(pause);
    spent += pause;
    if (spent >= options_.reconnect_for) return false;
    pause = std::min(pause * 2, longest_pause);
  }
}

// Connects and becomes who the user was. Commands must not run under another name, so a refused
// name is a failure.
std::optional<std::string> console_session::try_connect(milliseconds wait) {
  const auto until = clock::now() + wait;
  auto client = console_client::connect(path_, std::max(wait, milliseconds{1}));
  if (!client) return client.error().detail;
  if (!principal_.empty()) {
    const auto assume = make_request("PRINCIPAL ASSUME " + principal_);
    const auto asked = client.value().ask(assume.value(), {}, {until});
    if (asked.ended != ask_result::how::answered) return asked.detail;
    if (asked.last.is_error()) {
      refused_ = true;
      return "PRINCIPAL ASSUME " + principal_ + " was refused: " + asked.last.text;
    }
  }
  client_ = std::move(client).value();
  return std::nullopt;
}

void console_session::note_answer(const console_request& request, const console_frame& last) {
  using transaction = console_request::transaction;
  const bool good = !last.is_error();
  if (request.txn == transaction::begins && good) in_transaction_ = true;
  if (request.txn == transaction::ends) in_transaction_ = false;
  if (!request.principal.empty() && good) principal_ = request.principal;
  if (request.is_watch && good) watches_.try_emplace(request.watch);
  if (request.is_unwatch && good) watches_.erase(request.watch);
}

void console_session::note_frame(const console_frame& frame) {
  const auto watch = watches_.find(frame.tag);
  if (watch == watches_.end() || frame.tagged == frame.tag.empty()) return;
  if (frame.is_event()) {
    const auto words = split_words(frame.text);
    // EVENT <position> ..., GAP <from> <to>
    const std::size_t at = frame.text.starts_with("GAP ") ? 2 : 1;
    if (words.size() > at) watch->second = words[at].text;
  } else if (frame.tagged && frame.is_final()) {
    watches_.erase(watch);
  }
}

}  // namespace atlas::cli
