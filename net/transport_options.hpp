// What the transport between nodes is told once, at start. Apart from the CAF header, so that the
// handshake, the porter and the dialler can be built and tested without an actor system.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace atlas::net {

/// Told about refused connections; called from the transport's threads, must not block.
/// `peer` is `host:port`, `why` a full sentence that names the remedy.
using refusal_log = std::function<void(const std::string& peer, const std::string& why)>;

struct transport_options {
  std::string credentials;                            ///< shared secret of the cluster
  std::chrono::milliseconds handshake_timeout{2000};  ///< connect + challenge, per connection
  std::size_t handshakes_max = 256;                   ///< unauthenticated connections held at once
  std::size_t handshakes_max_per_address = 32;        ///< of these, from one remote IP address
  refusal_log refused;                                ///< may be empty
};

}  // namespace atlas::net
