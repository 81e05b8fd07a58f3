// Names of the chunks of a large value, from which follows the hash of the whole: one pass of
// SHA-256 gives both.
#pragma once

#include <string>
#include <string_view>

#include "core/blob_manifest.hpp"

namespace atlas::actors {

/// 32 bytes: where SHA-256 stands behind the chunk when it takes the value from its beginning, so
/// the name tells the bytes and all in front of them. The last chunk's is the complement of the
/// value's SHA-256: a chunk that goes on where that one ends (with SHA-256's own padding) would
/// have it for a name otherwise. `place.offset` is a multiple of 64.
[[nodiscard]] std::string chunk_name(const core::chunk_place& place, std::string_view bytes);

/// SHA-256 of the value whose last chunk has this name.
[[nodiscard]] std::string value_hash(std::string_view last_name);

}  // namespace atlas::actors
