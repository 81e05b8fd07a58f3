// The end of the process when the disk can no longer be trusted: after a failed fsync nobody knows
// what is on it, and a promise that may be forgotten must not be kept on giving (consensus.md §3).
#pragma once

#include <rocksdb/status.h>

#include <functional>
#include <string>
#include <string_view>

namespace atlas::storage {

/// Logs `message` as critical and aborts.
[[noreturn]] void abort_with(const std::string& message);

/// One sentence each for what failed, where, and what the operator can do.
[[nodiscard]] std::string describe_failure(std::string_view doing, const std::string& path,
                                           const rocksdb::Status& status);

}  // namespace atlas::storage
