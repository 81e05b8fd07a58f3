// The audit log: one JSON line for each change of access, and for each change that was denied.
#pragma once

#include <functional>
#include <string>

#include "actors/audit.hpp"

namespace atlas::cli {

/// Appends to `path`, flushed line by line; ten files of 16 MiB are kept, the newest without a
/// number. Thread-safe. What can not be written is said in the node's log, and the node goes on.
[[nodiscard]] std::function<void(const actors::audit_record&)> open_audit_log(
    const std::string& path);

}  // namespace atlas::cli
