// Frames as people and scripts read them: as they came for scripts; with escapes and colours on a
// terminal, where the bytes of a value must not move the cursor or look like a reply.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "cli/console_frames.hpp"

namespace atlas::cli {

/// How frames are shown. The default is for scripts.
struct render_style {
  bool escape = false;  ///< non-printables as \xNN
  bool utf8 = false;    ///< the terminal shows UTF-8: its letters are printable
  bool colour = false;
};

/// Whether a terminal should get colours, by the variables NO_COLOR and TERM (null if unset).
bool wants_colour(const char* no_color, const char* term);

/// `bytes` with everything that is not printable as \xNN. A backslash that would look like such an
/// escape becomes one. With `keep_lines`, line feeds and tabs stay.
std::string escaped(std::string_view bytes, bool utf8, bool keep_lines = false);

/// Writes the frame: the whole first line, then the payload, then a line feed.
void print(std::ostream& out, const console_frame& frame, const render_style& style = {});

/// The same as a string, for scripts.
std::string printed(const console_frame& frame);

}  // namespace atlas::cli
