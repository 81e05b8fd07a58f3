// The handshake as bytes: who is accepted, who is refused, and what an attacker can make of it.
#include "net/challenge.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace atlas::net;

challenge make(challenge_role role, std::string_view secret) {
  return {role, derive_challenge_key(secret), fresh_challenge_nonce()};
}

/// Moves bytes from one side to the other in pieces of `piece`; returns what was moved.
std::string move_bytes(challenge& from, challenge& to, std::size_t piece = 1000) {
  std::string all = from.take_output();
  std::string rest = all;
  while (!rest.empty() && to.wanted() > 0) {
    const std::size_t count = std::min({piece, rest.size(), to.wanted()});
    to.feed(std::string_view{rest}.substr(0, count));
    rest.erase(0, count);
  }
  return all;
}

struct exchange {
  std::string dialled;   ///< all bytes of the dialler
  std::string answered;  ///< all bytes of the door
};

exchange run(challenge& dialler, challenge& door, std::size_t piece = 1000) {
  exchange seen;
  for (int i = 0; i < 3; ++i) {
    seen.dialled += move_bytes(dialler, door, piece);
    seen.answered += move_bytes(door, dialler, piece);
  }
  return seen;
}

TEST_SUITE("net/challenge") {
  TEST_CASE("the same secret opens the door on both sides, however the bytes arrive") {
    for (const std::string_view secret : {"s", "",
                                          "a very long secret of more than sixty-four "
                                          "bytes, which is the block size of the hash"}) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        auto dialler = make(challenge_role::dialler, secret);
        auto door = make(challenge_role::door, secret);
        run(dialler, door, piece);
        CHECK(dialler.outcome() == challenge_outcome::accepted);
        CHECK(door.outcome() == challenge_outcome::accepted);
        CHECK(dialler.wanted() == 0);
        CHECK(door.wanted() == 0);
      }
    }
  }

  TEST_CASE("different secrets are refused and both sides know why") {
    using namespace std::string_view_literals;
    const std::pair<std::string_view, std::string_view> pairs[] = {
        {"right", "wrong"}, {"", "set"}, {"set", ""}, {"", "\0"sv}, {"a", "a\0"sv}};
    for (const auto& [ours, theirs] : pairs) {
      auto dialler = make(challenge_role::dialler, ours);
      auto door = make(challenge_role::door, theirs);
      const auto seen = run(dialler, door);
      CHECK(dialler.outcome() == challenge_outcome::refused_credentials);
      CHECK(door.outcome() == challenge_outcome::wrong_credentials);
      // Nothing that was computed from the door's secret has left it.
      CHECK(seen.answered.size() == challenge_hello_bytes + 1);
    }
  }

  TEST_CASE("a stranger is recognised at the first wrong byte") {
    using namespace std::string_view_literals;
    for (const std::string_view bytes : {"GET"sv, "\0"sv, "\xA7X"sv, "SSH-2.0"sv}) {
      auto door = make(challenge_role::door, "s");
      door.feed(bytes);
      CHECK(door.outcome() == challenge_outcome::not_atlas);
      CHECK(door.wanted() == 0);
      CHECK(door.take_output().empty());
    }
  }

  TEST_CASE("the door says nothing before it has seen a whole hello") {
    auto dialler = make(challenge_role::dialler, "s");
    auto door = make(challenge_role::door, "s");
    CHECK(door.take_output().empty());
    const std::string hello = dialler.take_output();
    REQUIRE(hello.size() == challenge_hello_bytes);
    door.feed(std::string_view{hello}.substr(0, hello.size() - 1));
    CHECK(door.take_output().empty());
    CHECK(door.wanted() == 1);
    door.feed(std::string_view{hello}.substr(hello.size() - 1));
    CHECK(door.take_output().size() == challenge_hello_bytes);
  }

  TEST_CASE("a captured handshake is worthless against the next nonce") {
    auto dialler = make(challenge_role::dialler, "s");
    auto door = make(challenge_role::door, "s");
    const auto seen = run(dialler, door);
    REQUIRE(door.outcome() == challenge_outcome::accepted);

    auto next_door = make(challenge_role::door, "s");
    next_door.feed(std::string_view{seen.dialled}.substr(0, challenge_hello_bytes));
    next_door.feed(std::string_view{seen.dialled}.substr(challenge_hello_bytes));
    CHECK(next_door.outcome() == challenge_outcome::wrong_credentials);

    auto next_dialler = make(challenge_role::dialler, "s");
    std::string_view answers{seen.answered};
    next_dialler.feed(answers.substr(0, challenge_hello_bytes));
    next_dialler.feed(answers.substr(challenge_hello_bytes, 1));
    next_dialler.feed(answers.substr(challenge_hello_bytes + 1));
    CHECK(next_dialler.outcome() == challenge_outcome::wrong_credentials);
  }

  TEST_CASE("a door that reflects the dialler's own bytes is not believed") {
    auto dialler = make(challenge_role::dialler, "s");
    dialler.feed(dialler.take_output());  // its hello, as if it were the door's
    const std::string proof = dialler.take_output();
    REQUIRE(proof.size() == challenge_proof_bytes);
    dialler.feed("\x01");
    dialler.feed(proof);
    CHECK(dialler.outcome() == challenge_outcome::wrong_credentials);
  }

  TEST_CASE("a door that accepts everyone without the secret is not believed") {
    auto dialler = make(challenge_role::dialler, "s");
    auto impostor = make(challenge_role::door, "guess");
    move_bytes(dialler, impostor);
    move_bytes(impostor, dialler);
    dialler.feed("\x01");
    dialler.feed(std::string(challenge_proof_bytes, 'x'));
    CHECK(dialler.outcome() == challenge_outcome::wrong_credentials);
  }

  TEST_CASE("another version is named on both sides") {
    auto dialler = make(challenge_role::dialler, "s");
    auto door = make(challenge_role::door, "s");
    std::string hello = dialler.take_output();
    hello[challenge_magic_bytes] = 9;
    door.feed(hello);
    CHECK(door.outcome() == challenge_outcome::other_version);
    CHECK(door.peer_version() == 9);
    std::string answer = door.take_output();
    REQUIRE(answer.size() == challenge_hello_bytes);
    answer[challenge_magic_bytes] = 8;
    dialler.feed(answer);
    CHECK(dialler.outcome() == challenge_outcome::other_version);
    CHECK(dialler.peer_version() == 8);
  }

  TEST_CASE("every reason is a sentence with the peer and a remedy") {
    using enum challenge_outcome;
    const auto refused =
        describe_refusal(challenge_role::dialler, refused_credentials, "10.0.0.2:4444", 0);
    CHECK(refused ==
          "credentials refused by 10.0.0.2:4444: the shared secret differs; set the same "
          "'credentials' on every node");
    for (const auto why : {wrong_credentials, refused_credentials, not_atlas, other_version}) {
      for (const auto role : {challenge_role::dialler, challenge_role::door}) {
        const auto text = describe_refusal(role, why, "peer:1", 2);
        CHECK(text.find("peer:1") != std::string::npos);
        CHECK(text.find("; ") != std::string::npos);
      }
    }
  }
}

}  // namespace
