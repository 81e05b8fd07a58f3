// The gateway of clients on a Unix socket with one epoll thread.
#pragma once

#include <memory>

#include "core/result.hpp"
#include "net/gateway.hpp"

namespace atlas::net {

/// Binds and listens: creates the directory (0700), removes a stale socket file (one nobody listens
/// on), refuses when another process listens there. `serve` outlives the gateway. Errors: refused -
/// another process listens at the path; bad_config - the path cannot be used, with the reason.
core::result<std::unique_ptr<gateway>> open_client_gateway(gateway_options options, backend& serve);

}  // namespace atlas::net
