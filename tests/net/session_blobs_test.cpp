// Blobs too large for one request, in a session: up in parts while the bytes come, down in pieces
// that nothing comes between, and every way either can end.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "session_talk.hpp"

namespace {

using namespace atlas::net;
using atlas::core::chunk_bytes;
using atlas::net::testing::talk;

gateway_options small_values() {
  gateway_options o;
  o.value_bytes_max = 1'000;
  return o;
}

std::string bytes_of(std::size_t n) {
  std::string all(n, 0);
  for (std::size_t i = 0; i < n; ++i) all[i] = static_cast<char>('a' + i / chunk_bytes + i % 7);
  return all;
}

struct transfer : talk {
  explicit transfer(gateway_options o = small_values()) : talk(std::move(o)) {
    hello();
    heard();
  }
  void put(const std::string& key, const std::string& value) {
    say("KEY BLOB SET " + key + " " + std::to_string(value.size()) + "\r\n");
    for (std::size_t at = 0; at < value.size(); at += 50'000)
      say(std::string_view(value).substr(at, 50'000));
  }
};

std::string blob(const std::string& value, const std::string& tag = {}) {
  return tag + "BLOB " + std::to_string(value.size()) + "\r\n" + value + tag + "OK\r\n";
}

}  // namespace

TEST_SUITE("net/session blobs") {
  TEST_CASE("a large blob goes up in parts and comes down as it was") {
    for (const std::size_t n : {std::size_t{1'001}, chunk_bytes, chunk_bytes + 1,
                                11 * chunk_bytes - 1, 11 * chunk_bytes}) {
      CAPTURE(n);
      transfer t;
      const auto value = bytes_of(n);
      t.put("a.k", value);
      CHECK(t.heard() == "OK\r\n");
      CHECK(t.backend.requests() == (n + chunk_bytes - 1) / chunk_bytes + 1);
      t.say("KEY BLOB GET a.k\r\n");
      CHECK(t.heard() == blob(value));
      t.say("[ID:7] KEY BLOB GET a.k\r\n");
      CHECK(t.heard() == blob(value, "[ID:7] "));
    }
  }

  TEST_CASE("a large value in one line goes the same way, and comes down in one") {
    for (const std::size_t n : {std::size_t{1'001}, chunk_bytes, chunk_bytes + 1,
                                (parts_in_flight_max + 3) * chunk_bytes - 1}) {
      CAPTURE(n);
      transfer t;
      const auto value = bytes_of(n);
      const auto line = "VALUE:" + value + "\r\n";
      t.say("KEY PUT a.k " + value + "\r\nKEY GET a.k\r\n[ID:7] KEY GET a.k\r\n");
      CHECK(t.heard() == "OK\r\n" + line + "OK\r\n[ID:7] " + line + "[ID:7] OK\r\n");
      t.say("KEY BLOB GET a.k\r\n[ID:8] KEY SET a.l " + value + "\r\nKEY BLOB GET a.l\r\n");
      CHECK(t.heard() == blob(value) + "[ID:8] OK\r\n" + blob(value));
    }
  }

  TEST_CASE("a large line is held once and waits its turn; what follows waits for it") {
    transfer t;
    t.backend.hold();
    const auto value = bytes_of((parts_in_flight_max + 4) * chunk_bytes);
    const auto sent = "KEY PUT a.s 1\r\nKEY PUT a.k " + value + "\r\nKEY GET a.s\r\n";
    for (std::size_t at = 0; at < sent.size(); at += 50'000)
      t.say(std::string_view(sent).substr(at, 50'000));
    CHECK(t.backend.waiting() == 1);
    CHECK(t.client.input_bytes() >= value.size());
    CHECK(t.client.input_bytes() < value.size() + 60'000);
    t.backend.release();
    t.serve();
    CHECK(t.backend.waiting() == parts_in_flight_max);
    CHECK_FALSE(t.client.wants_input());
    t.backend.release_for_good();
    t.serve();
    CHECK(t.heard() == "OK\r\nOK\r\nVALUE:1\r\nOK\r\n");
    CHECK(t.client.input_bytes() < 5'000);
  }

  TEST_CASE("a large line that is refused, or whose client goes, leaves nothing behind") {
    transfer t;
    const auto value = bytes_of((parts_in_flight_max + 4) * chunk_bytes);
    t.backend.refuse_next_part("permission denied");
    t.say("KEY PUT a.k " + value + "\r\nKEY GET a.k\r\n");
    CHECK(t.heard() == "ERROR WARN permission denied\r\nNOT_FOUND\r\nOK\r\n");
    t.say("TXN BEGIN\r\nKEY PUT a.k " + value + "\r\nTXN ABORT\r\n");
    CHECK(t.heard().find("ERROR WARN") != std::string::npos);
    t.backend.hold();
    t.say("[ID:1] KEY PUT a.k " + value + "\r\n");
    t.client.abandon();
    CHECK(t.client.input_bytes() == 0);
    CHECK(t.desk.cancelled.size() == 1);
    t.backend.release_for_good();
    t.serve();
    CHECK(t.client.is_finished());
  }

  TEST_CASE("a large line may be the last thing that a client says") {
    transfer t;
    const auto value = bytes_of((parts_in_flight_max + 4) * chunk_bytes);
    t.say("KEY PUT a.k " + value);
    t.client.end_input();
    t.client.advance();
    t.serve();
    CHECK(t.heard() == "OK\r\n");
    CHECK(t.client.is_finished());
  }

  TEST_CASE("a range is cut out of the parts it touches") {
    transfer t;
    const auto value = bytes_of(3 * chunk_bytes + 100);
    t.put("a.k", value);
    t.heard();
    const auto size = value.size();
    for (const auto& [from, length] : {std::pair<std::size_t, std::size_t>{0, 1},
                                       {0, size},
                                       {chunk_bytes - 1, 2},
                                       {chunk_bytes, chunk_bytes},
                                       {5, 2 * chunk_bytes},
                                       {size - 1, 50},
                                       {3 * chunk_bytes, 9}}) {
      t.say("KEY BLOB GET a.k RANGE " + std::to_string(from) + " " + std::to_string(length) +
            "\r\n");
      CHECK(t.heard() == blob(value.substr(from, length)));
    }
    for (const auto from : {size, size + 1, ~std::size_t{0}}) {
      t.say("KEY BLOB GET a.k RANGE " + std::to_string(from) + " 10\r\n");
      CHECK(t.heard() == "BLOB 0\r\nOK\r\n");
    }
    t.say("KEY BLOB GET a.k RANGE 7 0\r\n");
    CHECK(t.heard() == "BLOB 0\r\nOK\r\n");
    t.say("KEY BLOB GET a.k RANGE 1 " + std::to_string(~std::uint64_t{0}) + "\r\n");
    CHECK(t.heard() == blob(value.substr(1)));
  }

  TEST_CASE("only a few parts are on their way, and what is pipelined behind waits its turn") {
    transfer t;
    t.backend.hold();
    const auto value = bytes_of((parts_in_flight_max + 4) * chunk_bytes);
    t.say("KEY BLOB SET a.k " + std::to_string(value.size()) + "\r\n");
    std::size_t at = 0;
    for (; at < value.size() && t.client.wants_input(); at += 50'000)
      t.say(std::string_view(value).substr(at, 50'000));
    CHECK(t.backend.waiting() == parts_in_flight_max);
    CHECK(at < value.size());
    t.backend.release_for_good();
    t.serve();
    for (; at < value.size(); at += 50'000) t.say(std::string_view(value).substr(at, 50'000));
    CHECK(t.heard() == "OK\r\n");
    t.say("KEY BLOB SET a.l " + std::to_string(value.size()) + "\r\n" + value +
          "KEY GET a.none\r\nKEY BLOB GET a.l RANGE 0 3\r\n");
    CHECK(t.heard() == "OK\r\nNOT_FOUND\r\nOK\r\n" + blob(value.substr(0, 3)));
  }

  TEST_CASE("uploads share what one may have on its way, and each has one part at least") {
    transfer t;
    t.backend.hold();
    const auto value = bytes_of(2 * parts_in_flight_max * chunk_bytes);
    std::vector<std::unique_ptr<session>> others;
    // What it puts on its way until it reads no further.
    const auto parts_of = [&](session& client, const std::string& key) {
      const auto before = t.backend.waiting();
      const auto line = "KEY BLOB SET " + key + " " + std::to_string(value.size()) + "\r\n";
      client.feed(line);
      client.advance();
      for (std::size_t at = 0; at < value.size() && client.wants_input(); at += 50'000) {
        client.feed(std::string_view(value).substr(at, 50'000));
        client.advance();
        t.serve();
      }
      return t.backend.waiting() - before;
    };
    CHECK(parts_of(t.client, "a.k") == parts_in_flight_max);
    for (std::size_t n = 2; n <= parts_in_flight_max + 3; ++n) {
      auto& other = *others.emplace_back(std::make_unique<session>(t.options, t.desk));
      other.feed("HELLO 1.0 other\r\n");
      other.advance();
      CHECK(parts_of(other, "a.k" + std::to_string(n)) == 1);
    }
    CHECK(t.desk.uploads == parts_in_flight_max + 3);
    // Those that go leave their shares to the next one, when the backend is through with them.
    for (auto& other : others) other->abandon();
    t.client.abandon();
    t.backend.release_for_good();
    t.serve();
    CHECK(t.desk.uploads == 0);
    t.backend.hold();
    session last(t.options, t.desk);
    last.feed("HELLO 1.0 last\r\n");
    last.advance();
    CHECK(parts_of(last, "a.last") == parts_in_flight_max);
    last.abandon();
    CHECK(t.desk.uploads == 0);
  }

  TEST_CASE("nothing comes between the bytes of a blob; what waited follows in order") {
    transfer t;
    const auto value = bytes_of(2 * chunk_bytes);
    t.put("a.k", value);
    t.say("KEY PUT a.s small\r\n[ID:w] WATCH a.\r\n");
    const auto watch = t.desk.last_ticket;
    t.heard();
    t.client.note_all_sent();
    t.desk.taken.clear();
    t.backend.hold(verb::blob_chunk);
    t.say("[ID:1] KEY BLOB GET a.k\r\n");
    t.say("[ID:2] KEY GET a.s\r\nfoo\r\n[ID:3] KEY BLOB GET a.k RANGE 0 2\r\n");
    client_reply event{watch, reply_kind::line, "EVENT 1 PUT a.s"};
    event.more = true;
    REQUIRE(t.give(std::move(event)));
    t.client.note_all_sent();
    CHECK(t.desk.taken.empty());  // it has not taken the event yet
    CHECK(t.heard() == "");
    t.backend.release_for_good();
    t.serve();
    CHECK(t.heard() == blob(value, "[ID:1] ") +
                           "ERROR WARN command expected, got FOO\r\n"
                           "[ID:2] VALUE:small\r\n[ID:2] OK\r\n" +
                           blob(value.substr(0, 2), "[ID:3] ") + "[ID:w] EVENT 1 PUT a.s\r\n");
    t.client.note_all_sent();
    CHECK(t.desk.taken == std::vector<std::uint64_t>{watch});
  }

  TEST_CASE("a part that is gone is asked for again; a download that can not go on says so") {
    transfer t;
    const auto value = bytes_of(3 * chunk_bytes);
    t.put("a.k", value);
    t.heard();
    t.backend.lose_chunks(2);
    t.say("KEY BLOB GET a.k\r\n");
    CHECK(t.heard() == blob(value));
    t.backend.lose_chunks(1'000);
    t.say("KEY BLOB GET a.k\r\nKEY GET a.none\r\n");
    CHECK(t.heard() == "ERROR WARN a part of the value is gone\r\nNOT_FOUND\r\nOK\r\n");
    CHECK_FALSE(t.client.is_finished());
  }

  TEST_CASE("a length that was promised and can not be kept ends the connection without a word") {
    transfer t;
    const auto value = bytes_of((4 * parts_in_flight_max - 2) * chunk_bytes);
    t.put("a.k", value);
    t.heard();
    t.backend.hold(verb::blob_chunk);
    t.say("KEY BLOB GET a.k\r\n");
    t.backend.release();
    t.serve();
    t.backend.lose_chunks(1'000);
    t.backend.release_for_good();
    t.serve();
    const auto heard = t.heard();
    CHECK(heard.starts_with("BLOB " + std::to_string(value.size()) + "\r\n"));
    CHECK(heard.size() < value.size());
    CHECK(heard.find("ERROR") == std::string::npos);
    CHECK(t.client.is_finished());
  }

  TEST_CASE("an upload that is refused or broken off leaves the stream in order") {
    transfer t;
    const auto value = bytes_of(5 * chunk_bytes);
    t.backend.refuse_next_part("no room");
    t.put("a.k", value);
    t.say("KEY GET a.k\r\n");
    CHECK(t.heard() == "ERROR WARN no room\r\nNOT_FOUND\r\nOK\r\n");
    CHECK(t.backend.cancelled().size() == 1);
    t.say("KEY BLOB SET a.k 1000000\r\n" + value.substr(0, 600'000));
    t.end();
    CHECK(t.heard() == "");
    CHECK(t.client.is_finished());
    CHECK(t.backend.cancelled().size() == 2);
    CHECK(t.desk.tickets.size() == 0);
    CHECK(t.desk.bytes_in_flight == 0);
  }

  TEST_CASE("parts wait until what was sent in front of them is answered, unless they bear an id") {
    const auto value = bytes_of(2 * chunk_bytes);
    const auto set = "KEY BLOB SET a.k " + std::to_string(value.size()) + "\r\n";
    transfer t;
    t.backend.hold();
    const auto packet = "TABLE DROP a\r\n" + set + value;  // borrowed until `advance` returns
    t.client.feed(packet);
    t.client.advance();
    t.serve();
    CHECK(t.backend.waiting() == 1);
    CHECK_FALSE(t.client.wants_input());
    t.backend.release_for_good();
    t.serve();
    CHECK(t.heard().ends_with("OK\r\nOK\r\n"));
    t.backend.hold();
    t.say("TABLE DROP a\r\n[ID:1] " + set + value);
    CHECK(t.backend.waiting() == 3);
    t.backend.release_for_good();
    t.serve();
  }

  TEST_CASE("in a transaction nothing of an upload is sent on") {
    transfer t;
    t.say("TXN BEGIN\r\n");
    const auto before = t.backend.requests();
    t.put("a.k", bytes_of(5 * chunk_bytes));
    CHECK(t.heard().starts_with("OK\r\nERROR WARN a transaction is open"));
    CHECK(t.backend.requests() == before);
  }

  TEST_CASE("each part has its own repeats") {
    transfer t;
    const auto value = bytes_of((4 * parts_ahead_max - 2) * chunk_bytes);
    t.put("a.k", value);
    t.heard();
    t.backend.hold(verb::blob_chunk);
    t.say("KEY BLOB GET a.k\r\n");
    t.backend.release();
    t.serve();
    for (int i = 0; i < 3; ++i) {
      t.backend.lose_chunks(parts_ahead_max);
      t.backend.release();
      t.serve();
    }
    t.backend.release_for_good();
    t.serve();
    CHECK(t.heard() == blob(value));
  }

  TEST_CASE("an upload whose end waits its turn is given up with its client") {
    transfer t;
    const auto value = bytes_of(2 * chunk_bytes);
    t.put("a.k", value);
    t.heard();
    // Its parts go while nothing is in flight, its end behind a request that came in between.
    t.say("[ID:1] KEY BLOB SET a.l " + std::to_string(value.size()) + "\r\n");
    t.client.abandon();
    t.serve();
    CHECK(t.backend.cancelled().size() == 1);
  }

  TEST_CASE("a client that goes leaves nothing behind, up or down") {
    const auto value = bytes_of(9 * chunk_bytes);
    for (const bool is_upload : {true, false}) {
      transfer t;
      t.put("a.k", value);
      t.heard();
      t.backend.hold();
      if (is_upload)
        t.say("KEY BLOB SET a.l 2000000\r\n" + value.substr(0, 700'000));
      else
        t.say("KEY BLOB GET a.k\r\n");
      if (!is_upload) {
        t.backend.release();
        t.serve();
      }
      t.client.abandon();
      CHECK(t.client.is_finished());
      CHECK(t.client.output_bytes() == 0);
      CHECK(t.client.input_bytes() == 0);
      t.backend.release_for_good();
      t.serve();
      CHECK(t.desk.tickets.size() == 0);
      CHECK(t.desk.bytes_in_flight == 0);
    }
  }
}
