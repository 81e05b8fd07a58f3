// The bytes of answers (docs/protocol.md, "replies"). Every frame of a tagged answer carries the
// tag; what an error says is stripped of everything that could look like a frame of its own.
#pragma once

#include <string>
#include <string_view>

#include "net/gateway.hpp"
#include "net/outbox.hpp"

namespace atlas::net {

inline constexpr std::string_view greeting = "WELCOME 1.0 Chronalys/1.0\r\n";
inline constexpr std::string_view ready = "READY\r\n";

/// Line breaks and control characters become one blank each; blanks at both ends go.
[[nodiscard]] std::string framed_text(std::string_view text);

/// Appends all frames of `reply` to `out`. `tag` is null for an untagged request.
void append_reply(outbox& out, const std::string* tag, client_reply&& reply);

// A blob that is put out in pieces.
void append_blob_head(outbox& out, const std::string* tag, std::uint64_t size);
void append_blob_end(outbox& out, const std::string* tag);
// A value that is; behind its bytes come a line end and what ends a blob.
void append_value_head(outbox& out, const std::string* tag);
void append_line_end(outbox& out);

/// Appends `ERROR FATAL <text>`; the connection is closed behind it.
void append_fatal(outbox& out, std::string_view text);

}  // namespace atlas::net
