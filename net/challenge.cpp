// The handshake's steps and its few lines of cryptography (OpenSSL: SHA-256, HMAC, constant-time
// compare, random bytes).
#include "net/challenge.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "core/check.hpp"

namespace atlas::net {

namespace {

// Zero and high bytes early, so that no text protocol and no BASP header begins like this.
constexpr std::string_view magic{
    "\xA7"
    "ATLAS\x00\xD0",
    challenge_magic_bytes};
constexpr std::string_view dialler_label = "atlas node handshake 1: proof of the dialler";
constexpr std::string_view door_label = "atlas node handshake 1: proof of the door";
constexpr std::string_view key_label = "atlas node handshake 1: key of the credentials";

constexpr char verdict_accepted = 1;
constexpr char verdict_refused = 2;

std::string_view view(const challenge_nonce& nonce) {
  return {reinterpret_cast<const char*>(nonce.data()), nonce.size()};
}

}  // namespace

challenge_key derive_challenge_key(std::string_view credentials) {
  // HMAC itself cannot tell "" from "\0" nor a long key from its hash; the hash in front can.
  std::string text{key_label};
  text.push_back('\0');
  text.append(credentials);
  challenge_key key{};
  unsigned length = 0;
  const int good = EVP_Digest(text.data(), text.size(), key.data(), &length, EVP_sha256(), nullptr);
  OPENSSL_cleanse(text.data(), text.size());
  ATLAS_CHECK(good == 1 && length == key.size(), "SHA-256 is part of every OpenSSL");
  return key;
}

challenge_nonce fresh_challenge_nonce() {
  challenge_nonce nonce{};
  ATLAS_CHECK(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) == 1,
              "without randomness no connection is safe");
  return nonce;
}

challenge::challenge(challenge_role role, const challenge_key& key, const challenge_nonce& nonce)
    : role_(role), key_(key), own_nonce_(nonce) {
  // The door stays silent until it has seen a hello: a port scan learns nothing.
  if (role_ == challenge_role::dialler) output_ = hello();
}

std::string challenge::take_output() {
  std::string out;
  out.swap(output_);
  return out;
}

std::size_t challenge::wanted() const {
  if (outcome_ != challenge_outcome::running) return 0;
  switch (step_) {
    case step::hello:
      return challenge_hello_bytes - input_.size();
    case step::proof:
      return challenge_proof_bytes - input_.size();
    case step::verdict:
      // The byte decides whether a proof follows, and a refusal is the last byte of the stream.
      return input_.empty() ? 1 : 1 + challenge_proof_bytes - input_.size();
  }
  return 0;
}

void challenge::feed(std::string_view bytes) {
  ATLAS_CHECK(bytes.size() <= wanted(), "the handshake must not swallow bytes of BASP");
  if (bytes.empty()) return;
  input_.append(bytes);
  switch (step_) {
    case step::hello:
      on_hello();
      break;
    case step::proof:
      on_proof();
      break;
    case step::verdict:
      on_verdict();
      break;
  }
}

void challenge::on_hello() {
  // Decided at the first wrong byte: an HTTP client need not time out to be turned away.
  const std::size_t known = std::min(input_.size(), magic.size());
  if (input_.compare(0, known, magic, 0, known) != 0) {
    outcome_ = challenge_outcome::not_atlas;
    return;
  }
  if (input_.size() < challenge_hello_bytes) return;
  peer_version_ = static_cast<std::uint8_t>(input_[magic.size()]);
  if (role_ == challenge_role::door) output_ = hello();  // tells another version who we are, too
  if (peer_version_ != challenge_version) {
    outcome_ = challenge_outcome::other_version;
    return;
  }
  std::copy_n(input_.begin() + challenge_magic_bytes + 1, challenge_nonce_bytes,
              peer_nonce_.begin());
  input_.clear();
  if (role_ == challenge_role::dialler) {
    output_ = proof_of(challenge_role::dialler);
    step_ = step::verdict;
  } else {
    step_ = step::proof;
  }
}

void challenge::on_proof() {
  if (input_.size() < challenge_proof_bytes) return;
  if (!proves(input_, challenge_role::dialler)) {
    output_.push_back(verdict_refused);
    outcome_ = challenge_outcome::wrong_credentials;
    return;
  }
  output_.push_back(verdict_accepted);
  output_ += proof_of(challenge_role::door);
  outcome_ = challenge_outcome::accepted;
}

void challenge::on_verdict() {
  if (input_[0] == verdict_refused) {
    outcome_ = challenge_outcome::refused_credentials;
  } else if (input_[0] != verdict_accepted) {
    outcome_ = challenge_outcome::not_atlas;
  } else if (input_.size() == 1 + challenge_proof_bytes) {
    const bool good = proves(std::string_view{input_}.substr(1), challenge_role::door);
    outcome_ = good ? challenge_outcome::accepted : challenge_outcome::wrong_credentials;
  }
}

std::string challenge::hello() const {
  std::string out{magic};
  out.push_back(static_cast<char>(challenge_version));
  out.append(view(own_nonce_));
  return out;
}

std::string challenge::proof_of(challenge_role who) const {
  const bool dials = role_ == challenge_role::dialler;
  std::string text{who == challenge_role::dialler ? dialler_label : door_label};
  text.append(view(dials ? own_nonce_ : peer_nonce_));
  text.append(view(dials ? peer_nonce_ : own_nonce_));
  std::string proof(challenge_proof_bytes, '\0');
  unsigned length = 0;
  const auto* made = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(proof.data()), &length);
  ATLAS_CHECK(made != nullptr && length == proof.size(), "HMAC-SHA256 is part of every OpenSSL");
  return proof;
}

bool challenge::proves(std::string_view proof, challenge_role who) const {
  const std::string right = proof_of(who);
  return proof.size() == right.size() &&
         CRYPTO_memcmp(proof.data(), right.data(), right.size()) == 0;
}

std::string describe_refusal(challenge_role role, challenge_outcome outcome,
                             const std::string& peer, std::uint8_t peer_version) {
  const bool door = role == challenge_role::door;
  const std::string refused =
      door ? "connection from " + peer + " refused: " : "connection to " + peer + " refused: ";
  switch (outcome) {
    case challenge_outcome::running:
    case challenge_outcome::accepted:
      break;
    case challenge_outcome::wrong_credentials:
      return refused +
             "wrong credentials, the other side could not prove that it knows the shared secret; "
             "set the same 'credentials' on every node";
    case challenge_outcome::refused_credentials:
      return "credentials refused by " + peer +
             ": the shared secret differs; set the same 'credentials' on every node";
    case challenge_outcome::not_atlas:
      return refused + (door ? "it does not speak the Atlas node handshake; only Atlas nodes may "
                               "connect to this port"
                             : "it does not answer as an Atlas node; check the address and port");
    case challenge_outcome::other_version:
      return refused + "it speaks format " + std::to_string(peer_version) +
             ", this node speaks format " + std::to_string(challenge_version) +
             "; run the same version of Atlas on every node"
             " (versions of Atlas before format 10 say 1)";
  }
  ATLAS_CHECK(false, "only a refused handshake has a reason");
}

}  // namespace atlas::net
