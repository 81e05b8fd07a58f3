// Lost connections: what is sent again, what never is, and what the user is told.
#include "cli/console_session.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/cli/fake_server.hpp"

namespace {

using namespace atlas::cli;
using atlas::tests::fake_connection;
using atlas::tests::fake_server;
using atlas::tests::temp_dir;
using std::chrono::milliseconds;
using lines = std::vector<std::string>;

// Answers everything with OK; `DROP <line>` is read and answered by the end of the connection, and
// `TXN BEGIN AND END` likewise once it is answered.
struct node {
  std::mutex mutex;
  lines seen;
  bool refuses_principals = false;

  void serve(fake_connection& c) {
    c.greet();
    while (const auto line = c.line()) {
      {
        const std::lock_guard lock(mutex);
        seen.push_back(*line);
      }
      if (line->find("DROP") != std::string::npos) return;
      if (line->starts_with("PRINCIPAL") && refuses_principals)
        c.send("ERROR WARN who?\r\n");
      else if (*line == "PUT a b")
        c.send("QUEUED\r\n");
      else if (line->find("WATCH") != std::string::npos)
        c.send("[ID:w] WATCHING 7\r\n[ID:w] EVENT 8 PUT a version=1 principal=-\r\n");
      else if (*line == "FATAL") {
        c.send("ERROR FATAL enough\r\n");
        return;
      } else
        c.send("OK\r\n");
    }
  }
};

// A user with a node that can be stopped and started again.
struct world {
  temp_dir dir;
  node n;
  std::unique_ptr<fake_server> server;
  lines said;
  std::vector<milliseconds> pauses;
  std::function<void()> at_third_pause;
  std::optional<console_session> session;
  lines frames;

  explicit world(milliseconds patience = milliseconds{10'000}) {
    start();
    session_options options;
    options.reconnect_for = patience;
    options.say = [this](const std::string& what) { said.push_back(anonymous(what)); };
    options.pause = [this](milliseconds d) {
      pauses.push_back(d);
      if (pauses.size() == 3 && at_third_pause) at_third_pause();
    };
    auto client = console_client::connect(dir.file("s"));
    REQUIRE(client.ok());
    session.emplace(std::move(client).value(), options);
  }

  void start() {
    server =
        std::make_unique<fake_server>([this](fake_connection& c) { n.serve(c); }, dir.file("s"));
  }
  void stop() { server.reset(); }

  std::string run(const std::string& line) {
    const auto request = make_request(line);
    REQUIRE(request.ok());
    ask_hooks hooks;
    hooks.on_frame = [this](const console_frame& frame) { frames.push_back(frame.text); };
    const auto outcome = session->run(request.value(), hooks);
    return anonymous(outcome.answered ? outcome.last.text : outcome.error);
  }

  std::string anonymous(std::string text) const {
    if (const auto at = text.find(dir.file("s")); at != std::string::npos)
      text.replace(at, dir.file("s").size(), 1, 'S');
    return text;
  }
};

}  // namespace

TEST_SUITE("cli/console_session") {
  TEST_CASE("a restart between two commands costs none of them, and the principal is the same") {
    world w;
    CHECK(w.run("PRINCIPAL ASSUME bob") == "OK");
    w.stop();
    w.start();
    CHECK(w.run("KEY PUT a b") == "OK");
    CHECK(w.n.seen == lines{"PRINCIPAL ASSUME bob", "PRINCIPAL ASSUME bob", "KEY PUT a b"});
    CHECK(w.said == lines{"connection to S lost: closed by the server", "connecting to S again",
                          "connected"});
    CHECK(w.pauses.empty());
  }

  TEST_CASE("a write that was sent is unknown and never repeated; a read only has no answer") {
    world w;
    CHECK(w.run("KEY PUT a DROP") ==
          "outcome unknown: connection to S lost: closed by the server; the command may have been "
          "executed or not");
    CHECK(w.run("KEY GET DROP") == "no answer: connection to S lost: closed by the server");
    CHECK(w.run("KEY GET b") == "OK");
    CHECK(w.n.seen == lines{"KEY PUT a DROP", "KEY GET DROP", "KEY GET b"});
  }

  TEST_CASE("tries follow with longer and longer pauses until the node is back") {
    world w;
    w.at_third_pause = [&w] { w.start(); };
    w.stop();
    CHECK(w.run("KEY PUT a b") == "OK");
    CHECK(w.pauses ==
          std::vector<milliseconds>{milliseconds{100}, milliseconds{200}, milliseconds{400}});
  }

  TEST_CASE("a node that stays away ends the command after the agreed time, not the session") {
    world w(milliseconds{1'000});
    w.stop();
    CHECK(w.run("KEY PUT a b") == "not sent: cannot connect to S: Connection refused");
    milliseconds all{0};
    for (const auto d : w.pauses) all += d;
    CHECK(all <= milliseconds{1'000});
    w.start();
    CHECK(w.run("KEY PUT a b") == "OK");
    CHECK(w.n.seen == lines{"KEY PUT a b"});
  }

  TEST_CASE("a principal that is refused keeps the command from running as somebody else") {
    world w;
    w.run("PRINCIPAL ASSUME bob");
    w.stop();
    w.n.refuses_principals = true;
    w.start();
    CHECK(w.run("KEY PUT a b") == "not sent: PRINCIPAL ASSUME bob was refused: ERROR WARN who?");
    CHECK(w.n.seen == lines{"PRINCIPAL ASSUME bob", "PRINCIPAL ASSUME bob"});
    CHECK(w.pauses.empty());
  }

  TEST_CASE("a transaction goes with its connection, and its next line is not sent") {
    world w;
    CHECK_FALSE(w.session->in_transaction());
    CHECK(w.run("TXN BEGIN") == "OK");
    CHECK(w.session->in_transaction());
    CHECK(w.run("PUT a b") == "QUEUED");
    w.stop();
    w.start();
    CHECK(w.run("TXN COMMIT") ==
          "not sent: the open transaction is gone with the connection; nothing of it was done");
    CHECK_FALSE(w.session->in_transaction());
    CHECK(w.n.seen == lines{"TXN BEGIN", "PUT a b"});
  }

  TEST_CASE("a commit without an answer is unknown; an answered one ends the transaction") {
    world w;
    w.run("TXN BEGIN");
    CHECK(w.run("TXN COMMIT") == "OK");
    CHECK_FALSE(w.session->in_transaction());
    w.run("TXN BEGIN");
    CHECK(w.run("TXN COMMIT DROP").starts_with("outcome unknown: "));
    CHECK_FALSE(w.session->in_transaction());
    for (const auto& said : w.said) CHECK(said.find("nothing of it") == std::string::npos);
    w.run("TXN BEGIN");
    CHECK(w.run("PUT a DROP") == "without effect: connection to S lost: closed by the server");
    CHECK(w.said.back() ==
          "the open transaction is gone with the connection; nothing of it was done");
  }

  TEST_CASE("a watch is told with the position from which to go on") {
    world w;
    CHECK(w.run("[ID:w] WATCH a.") == "WATCHING 7");
    CHECK(w.session->watching());
    CHECK(w.run("KEY GET a") == "OK");
    CHECK(w.frames == lines{"WATCHING 7", "EVENT 8 PUT a version=1 principal=-", "OK"});
    w.stop();
    w.session->idle({});
    CHECK_FALSE(w.session->watching());
    CHECK(w.said.back() ==
          "watch w ended with the connection; WATCH <prefix> FROM 8 goes on behind its last event");
  }

  TEST_CASE("a fatal error ends the connection, and the next command begins a new one") {
    world w;
    CHECK(w.run("FATAL") == "ERROR FATAL enough");
    CHECK(w.run("KEY GET a") == "OK");
  }

  TEST_CASE("a script's session ends with its connection") {
    world w(milliseconds{0});
    const auto request = make_request("KEY PUT a DROP");
    const auto outcome = w.session->run(request.value(), {});
    CHECK(outcome.over);
    CHECK(w.anonymous(outcome.error) == "connection to S lost: closed by the server");
    CHECK(w.said.empty());
  }
}
