// One user's session with a node, longer than one connection: it connects again after a restart of
// the node, under the same principal, and says honestly what became of a command in between.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "cli/console_client.hpp"
#include "cli/console_request.hpp"

namespace atlas::cli {

struct session_options {
  /// How long one command waits for a new connection; 0: a lost connection is the end.
  std::chrono::milliseconds reconnect_for{0};
  /// Lets time pass between two tries.
  std::function<void(std::chrono::milliseconds)> pause;
  /// Tells the user what happens to the connection.
  std::function<void(const std::string&)> say;
};

/// What became of a command.
struct command_outcome {
  bool answered = false;
  console_frame last;  ///< the final frame, if answered
  std::string error;   ///< otherwise: what is known of it
  bool over = false;   ///< the session is at its end
};

class console_session {
 public:
  console_session(console_client client, session_options options);

  /// Sends `request` once and waits for its reply. It is sent again only if no byte of it left.
  command_outcome run(const console_request& request, const ask_hooks& hooks);

  /// Between BEGIN and the answer to COMMIT or ABORT.
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  /// Whether events may come.
  [[nodiscard]] bool watching() const { return !watches_.empty(); }
  /// The name that PRINCIPAL ASSUME took last, or empty.
  [[nodiscard]] const std::string& principal() const { return principal_; }

  /// Whether idle() has something to do.
  [[nodiscard]] bool pending() const { return client_ && client_->pending(); }
  /// Shows what came without a command; notices a lost connection.
  void idle(const std::function<void(const console_frame&)>& on_frame);
  /// Shows events until no watch is open. Fails with `unreachable` when the connection is lost.
  core::result<core::done> follow(const std::function<void(const console_frame&)>& on_frame);

 private:
  [[nodiscard]] bool reconnects() const { return options_.reconnect_for.count() > 0; }
  void say(const std::string& what) const;
  void disconnect(const std::string& how);
  bool connect_again(std::string& trouble);
  std::optional<std::string> try_connect(std::chrono::milliseconds wait);
  void note_answer(const console_request& request, const console_frame& last);
  void note_frame(const console_frame& frame);
  [[nodiscard]] std::string unanswered(const console_request& request,
                                       const ask_result& asked) const;

  std::string path_;
  session_options options_;
  std::optional<console_client> client_;
  std::string principal_;
  bool in_transaction_ = false;
  std::map<std::string, std::string> watches_;  // id to the position of its last event
  bool refused_ = false;  // the last try met a node that will not have us: trying on is no use
};

}  // namespace atlas::cli
