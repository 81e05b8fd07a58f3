// CAF's middleman with a guarded door: a connection proves that it knows the cluster's shared
// secret before the first BASP byte, in both directions, because BASP itself trusts everyone and
// has no message size limit (docs/protocol.md, "between nodes"). Named *_broker: one of the files
// of net/ that may know CAF.
#pragma once

#include <string>

#include <caf/actor_system_config.hpp>
#include <caf/error.hpp>

#include "net/transport_options.hpp"

namespace atlas::net {

/// Loads `caf::io::middleman` into `config`, with a multiplexer whose TCP connections, in and out,
/// are challenged first and which opens no UDP: `caf::io::remote_actor`, `publish`, `unpublish`
/// then work as usual, also with port 0, and nothing else of CAF can open an unguarded port. Call
/// before the actor_system is built; do not load the stock middleman as well.
///
/// Connecting blocks CAF's one middleman actor for at most `handshake_timeout` plus name
/// resolution: a dead host delays the other connects by that much. As everywhere in CAF, a repeated
/// connect to the same host and port gives the cached handle until that one's DOWN. `publish`
/// always sets SO_REUSEADDR; both ends speak BASP (the publishing side speaks first).
///
/// CAF buries the proxies of a lost connection by the ids of their actors, a moment after their
/// DOWN. A handle from a connect within this moment may go down at once, and what is sent to it is
/// dropped without an error: monitor every handle, or give requests a time-out, and connect again.
void load_secure_middleman(caf::actor_system_config& config, transport_options options);

/// True if `why`, from a connect, means that the other side was reached but one of the two refused
/// the handshake (credentials, version, not an Atlas node): trying again is useless until a person
/// changes something.
bool is_refused_handshake(const caf::error& why);

/// The sentence that goes with an error of connect or publish; CAF's own text for other errors.
std::string transport_error_text(const caf::error& why);

}  // namespace atlas::net
