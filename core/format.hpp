// The one format that this program reads, writes and speaks.
#pragma once

#include <cstdint>

namespace atlas::core {

/// Of disks, logs and messages together (docs/formats.md): a directory of another one is not
/// opened, and a node of another one is no peer, because what is in its log would be misread here.
inline constexpr std::uint8_t format_version = 10;

}  // namespace atlas::core
