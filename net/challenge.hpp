// The mutual proof that stands before BASP: both sides show that they know the cluster's secret
// without sending it. Pure bytes in, bytes out; sockets and deadlines belong to porter and dialler.
//
//   dialler -> door   hello    magic(8) version(1) nonce(32)
//   door -> dialler   hello    magic(8) version(1) nonce(32)
//   dialler -> door   proof    HMAC-SHA256(key, "dialler" label, dialler nonce, door nonce)
//   door -> dialler   verdict  1 and the door's proof, or 2 = credentials refused
//
// The dialler proves first, so a stranger learns nothing to guess the secret from. The labels
// differ, so a proof cannot be reflected; both nonces are fresh, so it cannot be replayed. The
// proof authenticates, it does not encrypt.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/format.hpp"

namespace atlas::net {

/// A node of another format could not be understood later.
inline constexpr std::uint8_t challenge_version = core::format_version;
inline constexpr std::size_t challenge_magic_bytes = 8;
inline constexpr std::size_t challenge_nonce_bytes = 32;
inline constexpr std::size_t challenge_proof_bytes = 32;
inline constexpr std::size_t challenge_hello_bytes =
    challenge_magic_bytes + 1 + challenge_nonce_bytes;

using challenge_key = std::array<std::uint8_t, 32>;
using challenge_nonce = std::array<std::uint8_t, challenge_nonce_bytes>;

/// The HMAC key of a secret: its hash, so that secrets of every length (the empty one too) give
/// different keys.
challenge_key derive_challenge_key(std::string_view credentials);

/// 32 bytes nobody has seen before.
challenge_nonce fresh_challenge_nonce();

enum class challenge_role : std::uint8_t {
  dialler,  ///< opened the connection
  door,     ///< accepted it
};

enum class challenge_outcome : std::uint8_t {
  running,              ///< wants more bytes
  accepted,             ///< both sides know the secret; the next byte is BASP
  wrong_credentials,    ///< the other side's proof is wrong
  refused_credentials,  ///< the other side says that our proof is wrong
  not_atlas,            ///< the other side speaks something else
  other_version,        ///< the other side speaks another format
};

/// One side of one handshake. Send `take_output`, read at most `wanted` bytes, `feed` them, repeat
/// until `outcome` is not `running`; output of the last step is still to be sent.
class challenge {
 public:
  challenge(challenge_role role, const challenge_key& key, const challenge_nonce& nonce);

  /// Bytes to send now; empty if none.
  [[nodiscard]] std::string take_output();
  /// How many bytes the handshake still needs before it decides or answers. Reading no more leaves
  /// the first BASP byte in the socket.
  [[nodiscard]] std::size_t wanted() const;
  /// Takes at most `wanted` bytes.
  void feed(std::string_view bytes);
  [[nodiscard]] challenge_outcome outcome() const { return outcome_; }
  /// Version the other side announced; meaningful with `other_version`.
  [[nodiscard]] std::uint8_t peer_version() const { return peer_version_; }

 private:
  enum class step : std::uint8_t { hello, proof, verdict };

  void on_hello();
  void on_proof();
  void on_verdict();
  [[nodiscard]] std::string hello() const;
  [[nodiscard]] std::string proof_of(challenge_role who) const;
  [[nodiscard]] bool proves(std::string_view proof, challenge_role who) const;

  challenge_role role_;
  challenge_key key_;
  challenge_nonce own_nonce_;
  challenge_nonce peer_nonce_{};
  step step_ = step::hello;
  challenge_outcome outcome_ = challenge_outcome::running;
  std::uint8_t peer_version_ = 0;
  std::string input_;
  std::string output_;
};

/// Sentence for the log and the error of the side `role` that saw `outcome` (neither `running` nor
/// `accepted`) of a connection with `peer` (`host:port`); names the remedy.
std::string describe_refusal(challenge_role role, challenge_outcome outcome,
                             const std::string& peer, std::uint8_t peer_version);

}  // namespace atlas::net
