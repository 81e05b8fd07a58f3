// The client socket file: bound with care for what may be lying at its path.
#pragma once

#include <string>

#include "core/result.hpp"

namespace atlas::net {

/// Listens on `path`: creates missing directories (0700), removes a socket file that nobody listens
/// on, sets `mode`. Returns the descriptor (non-blocking, close-on-exec).
/// Errors: `refused` if another process listens there or something else than a socket is in the way.
core::result<int> listen_unix(const std::string& path, unsigned mode);

}  // namespace atlas::net
